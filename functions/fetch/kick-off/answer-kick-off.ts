import { unavailable } from '../../shared/errors.ts';
import { exportUrl } from '../../shared/exports/urls.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
import { queryPairs, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import type { Authenticated } from '../../shared/partner/authenticate.ts';
import { takePartnerTurn, type RateLimitContext } from '../../shared/partner/rate-limit.ts';
import { checkStillAllowed } from '../../shared/partner/watch-stops.ts';
import { ensureFreshPayerTokens } from '../../shared/payer/refresh-tokens.ts';
import { auditRead, type AuditContext } from '../../shared/record/audit-read.ts';
import { facadeBase, payerBases } from '../../shared/registry/urls.ts';
import { getExport, putExport } from '../../shared/store/exports.ts';
import type { FetchDeps } from '../deps.ts';
import { exportRuns, exportStarted } from './answers.ts';
import { requireMember } from './check-member.ts';
import { checkReadsSomeType } from './check-types.ts';
import { preferencesOf, type KickOffDoor } from './doors.ts';
import { makeExport } from './make-export.ts';
import { readParametersBody } from './read-body.ts';
import { readKickOffParameters, type Asked } from './read-parameters.ts';

/** The turns that a kick-off costs. Every request takes one turn before it is parsed, so nine more are taken here. */
const turns = { turns: 10, before: 1 };

const requireAsync = (preferences: ReadonlySet<string>): void => {
  if (!preferences.has('respond-async')) {
    throw malformed('Send the header "Prefer: respond-async": an export is answered later.');
  }
};

const readAsked = (event: ApiEvent, preferences: ReadonlySet<string>): Asked => {
  const inBody = event.httpMethod === 'POST';
  const pairs: Parameter[] = [...queryPairs(event), ...(inBody ? readParametersBody(event) : [])];
  return readKickOffParameters(pairs, { inBody, lenient: preferences.has('handling=lenient') });
};

const urlOf = (event: ApiEvent, base: string, { operation, patient }: KickOffDoor): string => {
  const path = patient === undefined ? `Patient/${operation}` : `Patient/${patient}/${operation}`;
  const query = new URLSearchParams(queryPairs(event)).toString();
  return `${base}/${path}${query === '' ? '' : `?${query}`}`;
};

/** The URL of the grant's running export, which may have ended meanwhile. */
const urlOfRunning = async ({ exports, origin }: FetchDeps, grantId: string): Promise<string> => {
  const running = await getExport(exports, grantId);
  if (running === undefined) throw unavailable('the running export is gone');
  return exportUrl(origin, running);
};

/**
 * Starts an export of the member's whole record, with one conditional write; the table's stream starts the job. The
 * export is not written unless its audit event is.
 * @throws GatewayError
 */
export const answerKickOff = async (
  deps: FetchDeps,
  event: ApiEvent,
  context: AuditContext & RateLimitContext,
  door: KickOffDoor,
  { partner, payer, open, access }: Authenticated,
): Promise<ApiResponse> => {
  const { record } = context;
  record.step = 'export';
  record.interaction = 'export';
  const audit = auditRead(deps, context, open.grant.patient);
  const preferences = preferencesOf(event);
  requireAsync(preferences);
  const asked = readAsked(event, preferences);
  const base = facadeBase(deps.origin, payer.id);
  const named = [...(door.patient === undefined ? [] : [door.patient]), ...asked.patients];
  const member = requireMember(open.grant, named, [base, ...payerBases(payer)]);
  checkReadsSomeType(asked.types, access.scope);
  await takePartnerTurn(deps, partner, context, turns);
  const fresh = await ensureFreshPayerTokens(deps, payer, open, record);
  await checkStillAllowed(deps, partner, payer);
  await audit.begin();
  const request = urlOf(event, base, { ...door, ...(door.patient === undefined ? {} : { patient: member }) });
  const made = await makeExport(deps, {
    open: fresh,
    member,
    asked,
    scope: access.scope,
    request,
    requestId: record.requestId,
  });
  if (!(await putExport(deps.exports, made))) throw exportRuns(await urlOfRunning(deps, made.grantId));
  return exportStarted(exportUrl(deps.origin, made), asked.ignored);
};
