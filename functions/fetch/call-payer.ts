import { GatewayError } from '../shared/errors.ts';
import { isDocument, type FhirRequest } from '../shared/fhir/fhir-request.ts';
import { payerUrl } from '../shared/fhir/to-payer-url.ts';
import { header, type ApiEvent } from '../shared/http/api.ts';
import type { Deadline } from '../shared/http/deadline.ts';
import { firstByteMsOf, keyRefusal } from '../shared/payer/answers.ts';
import { payerHttpFailure } from '../shared/payer/client.ts';
import { failureAtRead, PayerError } from '../shared/payer/errors.ts';
import type { PayerResponse } from '../shared/payer/http.ts';
import type { OpenGrant } from '../shared/payer/open-grant.ts';
import { noteRefusal, reconnectNeeded, refreshPayerTokens, rereadGrant } from '../shared/payer/refresh-tokens.ts';
import { readSecretHeaders, type SecretHeaders } from '../shared/payer/secrets.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { fhirJson, fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { Watch } from './breaker/watch-call.ts';
import type { FetchDeps } from './deps.ts';

/** One read at the payer. */
export interface PayerCall {
  readonly payer: Payer;
  readonly request: FhirRequest;
  readonly open: OpenGrant;
  /** Checks that a refresh has left the scope for this read. @throws GatewayError `insufficient_scope` */
  readonly checkScope: (open: OpenGrant) => void;
  /** The gateway's base URL for this payer. */
  readonly base: string;
  readonly deadline: Deadline;
  readonly record: RequestRecord;
  /** Tells the breaker whether the payer answers. */
  readonly watch: Watch;
}

/** By them a caller says what it has already. */
const conditions = ['if-none-match', 'if-modified-since'];

const passedOn = [...conditions, 'prefer', 'accept-language'];

/** With `Prefer: respond-async` a payer would answer without the record. */
const isAsync = (name: string, value: string): boolean => name === 'prefer' && /respond-async/i.test(value);

/**
 * A caller's header, if HTTP can carry it (RFC 9110 §5.5). A failure to send it would look as if the payer were down.
 */
const sendable = (event: ApiEvent, name: string): string | undefined => {
  const value = header(event, name);
  return value !== undefined && /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;
};

/** Whether the payer is sent a condition, so that it may answer 304 (RFC 9110 §15.4.5). */
export const isConditional = (event: ApiEvent): boolean =>
  conditions.some((name) => sendable(event, name) !== undefined);

const requestHeaders = (
  event: ApiEvent,
  { payer, request, open }: PayerCall,
  secret: SecretHeaders,
): Record<string, string> => {
  const headers: Record<string, string> = { ...secret, authorization: `Bearer ${open.tokens.accessToken}` };
  for (const name of passedOn) {
    const value = sendable(event, name);
    if (value !== undefined && !isAsync(name, value)) headers[name] = value;
  }
  const fhirType = fhirMediaType(payer);
  headers['accept'] = isDocument(request)
    ? (sendable(event, 'accept') ?? fhirType).replaceAll(fhirJson, fhirType)
    : fhirType;
  return headers;
};

const form = { 'content-type': 'application/x-www-form-urlencoded' };

const exchange = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  const { searchMethod } = call.payer.quirks;
  const { method, url, body } = payerUrl(call.payer, call.request, { gatewayBase: call.base, searchMethod });
  const { deadline, record, watch } = call;
  const secret = await readSecretHeaders(deps, call.payer);
  const startedAt = deps.clock.monotonic();
  // The body may take the whole budget.
  const noAnswer = (): void => deadline.end(new DOMException('no answer yet', 'TimeoutError'));
  const timer = setTimeout(noAnswer, firstByteMsOf(call.payer));
  try {
    watch.sent(deadline);
    const response = await deps.payerHttp(url, {
      method,
      headers: { ...requestHeaders(event, call, secret), ...(body === undefined ? {} : form) },
      redirect: 'manual',
      signal: deadline.signal,
      body,
    });
    record.payerStatus = response.status;
    return response;
  } catch (error) {
    // A stop, or the breaker.
    const ended: unknown = deadline.signal.reason ?? error;
    if (ended instanceof GatewayError) throw ended;
    throw payerHttpFailure(error, 'FHIR API');
  } finally {
    clearTimeout(timer);
    record.payerMs = Math.round(deps.clock.monotonic() - startedAt);
  }
};

/** Sends one request, and tells the breaker whether anything came back. */
const send = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  const { deadline, watch } = call;
  try {
    const response = await exchange(deps, event, call);
    await watch.answered();
    return response;
  } catch (error) {
    if (!(error instanceof PayerError)) throw error;
    if (error.failure === 'nonsense') await watch.answered();
    // A call that ended because nobody waits for it says nothing about the payer.
    else if (error.failure === 'timeout' || !deadline.signal.aborted) await watch.unanswered();
    throw failureAtRead(error);
  }
};

/**
 * Calls the payer with its token in place of ours. After a 401 about the token it refreshes once and retries once. A 401
 * after a successful refresh becomes 403, since a 401 of ours would make clients retry forever.
 * @throws GatewayError
 */
export const callPayer = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  try {
    return await callTwice(deps, event, call);
  } catch (error) {
    call.deadline.end();
    throw error;
  }
};

/** Ends the call if a 401 is not about the token. @throws GatewayError `temporarily_unavailable` */
const requireTokenRefused = async (response: PayerResponse): Promise<void> => {
  const refusal = await keyRefusal(response, 'FHIR API');
  if (refusal !== undefined) throw failureAtRead(refusal);
};

const callTwice = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  const response = await send(deps, event, call);
  if (response.status !== 401) return response;
  await requireTokenRefused(response);
  const open = await refreshPayerTokens(deps, call.payer, call.open, call.record);
  call.checkScope(open);
  const again = await send(deps, event, { ...call, open });
  if (again.status !== 401) return again;
  await requireTokenRefused(again);
  await rereadGrant(deps, open);
  // A member's withdrawal, or a payer that refuses its every token: only the count tells.
  await noteRefusal(deps, { open, before: call.open }, call.record);
  throw reconnectNeeded('the payer refuses a token that it has just refreshed');
};
