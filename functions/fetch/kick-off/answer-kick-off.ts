import { unavailable } from '../../shared/errors.ts';
import { exportUrl } from '../../shared/exports/urls.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { queryPairs, type ApiEvent, type ApiResponse } from '../../shared/http/api.ts';
import type { Authenticated } from '../../shared/partner/authenticate.ts';
import { accessScopeNow } from '../../shared/partner/live-grant.ts';
import { takePartnerTurn, type RateLimitContext } from '../../shared/partner/rate-limit.ts';
import { checkStillAllowed } from '../../shared/partner/watch-stops.ts';
import { ensureFreshPayerTokens } from '../../shared/payer/refresh-tokens.ts';
import { readSecretHeaders } from '../../shared/payer/secrets.ts';
import { auditRead, type AuditContext } from '../../shared/record/audit-read.ts';
import type { Payer } from '../../shared/registry/types.ts';
import { facadeBase, payerBases } from '../../shared/registry/urls.ts';
import { getExport, putExport } from '../../shared/store/exports.ts';
import type { FetchDeps } from '../deps.ts';
import { requireMember } from './check-member.ts';
import { checkReadsSomeType } from './check-types.ts';
import { preferencesOf, type KickOff } from './find-kick-off.ts';
import { isRunning, kickOffTurns, requireAsync, started } from './kick-off-answers.ts';
import { makeExport } from './make-export.ts';
import { readParametersBody } from './read-body.ts';
import { readKickOffParameters, type Asked } from './read-parameters.ts';

const readAsked = (event: ApiEvent, preferences: ReadonlySet<string>, { searchParameters = {} }: Payer): Asked => {
  const inBody = event.httpMethod === 'POST';
  const pairs: Parameter[] = [...queryPairs(event), ...(inBody ? readParametersBody(event) : [])];
  return readKickOffParameters(pairs, {
    inBody,
    lenient: preferences.has('handling=lenient'),
    searchParameters,
    byPatient: true,
  });
};

const urlOf = (event: ApiEvent, base: string, { operation, patient }: KickOff): string => {
  const path = patient === undefined ? `Patient/${operation}` : `Patient/${patient}/${operation}`;
  const query = new URLSearchParams(queryPairs(event)).toString();
  return `${base}/${path}${query === '' ? '' : `?${query}`}`;
};

/** The URL of the grant's running export, which may have ended in the meantime. */
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
  kickOff: KickOff,
  { partner, payer, open, access }: Authenticated,
): Promise<ApiResponse> => {
  const { record } = context;
  record.step = 'export';
  record.interaction = 'export';
  const audit = auditRead(deps, context, open.grant.patient);
  const preferences = preferencesOf(event);
  requireAsync(preferences, 'an export');
  const asked = readAsked(event, preferences, payer);
  const base = facadeBase(deps.origin, payer.id);
  const named = [...(kickOff.patient === undefined ? [] : [kickOff.patient]), ...asked.patients];
  const member = requireMember(open.grant, named, [base, ...payerBases(payer)]);
  checkReadsSomeType(asked.types, access.scope);
  await takePartnerTurn(deps, partner, context, kickOffTurns);
  const fresh = await ensureFreshPayerTokens(deps, payer, open, record);
  // The payer may have narrowed its scope with the token.
  const scope = accessScopeNow(fresh.grant, access, await checkStillAllowed(deps, partner, payer));
  checkReadsSomeType(asked.types, scope);
  const secretHeaders = await readSecretHeaders(deps, payer);
  await audit.begin();
  const request = urlOf(event, base, { ...kickOff, ...(kickOff.patient === undefined ? {} : { patient: member }) });
  const made = await makeExport(deps, {
    open: fresh,
    secretHeaders,
    member,
    asked,
    scope,
    request,
    requestId: record.requestId,
  });
  if (!(await putExport(deps.exports, made)))
    throw isRunning('An export of this record', await urlOfRunning(deps, made.grantId));
  return started('The export', exportUrl(deps.origin, made), asked.ignored);
};
