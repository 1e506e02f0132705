import { GatewayError, unavailable } from '../../shared/errors.ts';
import { exportUrl } from '../../shared/exports/urls.ts';
import type { Parameter } from '../../shared/fhir/fhir-request.ts';
import { fhirAnswer } from '../../shared/fhir/operation-outcome.ts';
import { malformed } from '../../shared/fhir/refusals.ts';
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

const readAsked = (event: ApiEvent, preferences: ReadonlySet<string>, { searchParameters = {} }: Payer): Asked => {
  const inBody = event.httpMethod === 'POST';
  const pairs: Parameter[] = [...queryPairs(event), ...(inBody ? readParametersBody(event) : [])];
  return readKickOffParameters(pairs, { inBody, lenient: preferences.has('handling=lenient'), searchParameters });
};

const urlOf = (event: ApiEvent, base: string, { operation, patient }: KickOff): string => {
  const path = patient === undefined ? `Patient/${operation}` : `Patient/${patient}/${operation}`;
  const query = new URLSearchParams(queryPairs(event)).toString();
  return `${base}/${path}${query === '' ? '' : `?${query}`}`;
};

/** How soon a caller should ask again while an export runs, in seconds. */
const askAgainSeconds = 30;

const outcomeOf = (ignored: readonly string[]): string =>
  JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [
      ignored.length === 0
        ? { severity: 'information', code: 'informational', diagnostics: 'The export has started.' }
        : {
            severity: 'warning',
            code: 'not-supported',
            diagnostics: `The export has started without: ${ignored.join(', ')}.`,
          },
    ],
  });

/** The answer to a kick-off. @param url where the export is polled */
const exportStarted = (url: string, ignored: readonly string[]): ApiResponse => {
  const answer = fhirAnswer(202, outcomeOf(ignored));
  return { ...answer, headers: { ...answer.headers, 'Content-Location': url } };
};

/** Makes the error for a kick-off while the grant's export runs. @param url where that export is polled */
const exportRuns = (url: string): GatewayError =>
  new GatewayError(
    'too_many_requests',
    'An export of this record is running. Follow that one, or delete it to start another.',
    { retryAfterSeconds: askAgainSeconds, detail: 'an export is running', headers: { 'Content-Location': url } },
  );

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
  requireAsync(preferences);
  const asked = readAsked(event, preferences, payer);
  const base = facadeBase(deps.origin, payer.id);
  const named = [...(kickOff.patient === undefined ? [] : [kickOff.patient]), ...asked.patients];
  const member = requireMember(open.grant, named, [base, ...payerBases(payer)]);
  checkReadsSomeType(asked.types, access.scope);
  await takePartnerTurn(deps, partner, context, turns);
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
  if (!(await putExport(deps.exports, made))) throw exportRuns(await urlOfRunning(deps, made.grantId));
  return exportStarted(exportUrl(deps.origin, made), asked.ignored);
};
