import { GatewayError } from '../shared/errors.ts';
import { isDocument, type FhirRequest } from '../shared/fhir/fhir-request.ts';
import { payerUrl } from '../shared/fhir/to-payer-url.ts';
import { header, type ApiEvent } from '../shared/http/api.ts';
import { payerHttpFailure } from '../shared/payer/client.ts';
import { failureAtRead } from '../shared/payer/errors.ts';
import type { PayerResponse } from '../shared/payer/http.ts';
import type { OpenGrant } from '../shared/payer/open-grant.ts';
import { reconnectNeeded, refreshPayerTokens } from '../shared/payer/refresh-tokens.ts';
import { raise, type RequestRecord } from '../shared/record/request-record.ts';
import { fhirJson, fhirMediaType } from '../shared/registry/profile.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { FetchDeps } from './deps.ts';
import { dropBody, type Deadline } from './gate.ts';

/** One read at the payer. */
export interface PayerCall {
  readonly payer: Payer;
  readonly request: FhirRequest;
  readonly open: OpenGrant;
  /** The gateway's base URL for this payer. */
  readonly base: string;
  readonly deadline: Deadline;
  readonly record: RequestRecord;
}

/** Time to the payer's headers, if the budget lasts that long. The body may take the whole budget. */
const usualFirstByteSeconds = 60;
const passedOn = ['if-none-match', 'if-modified-since', 'prefer', 'accept-language'];

/** With `Prefer: respond-async` a payer would answer without the record. */
const isAsync = (name: string, value: string): boolean => name === 'prefer' && /respond-async/i.test(value);

/**
 * A caller's header, if HTTP can carry it (RFC 9110 §5.5). A failure to send it would look as if the payer were down.
 */
const sendable = (event: ApiEvent, name: string): string | undefined => {
  const value = header(event, name);
  return value !== undefined && /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;
};

const requestHeaders = (event: ApiEvent, { payer, request, open }: PayerCall): Record<string, string> => {
  const headers: Record<string, string> = { authorization: `Bearer ${open.tokens.accessToken}` };
  for (const name of passedOn) {
    const value = sendable(event, name);
    if (value !== undefined && !isAsync(name, value)) headers[name] = value;
  }
  const fhirType = fhirMediaType(payer);
  headers['accept'] = isDocument(request)
    ? (sendable(event, 'accept') ?? fhirType).replaceAll(fhirJson, fhirType)
    : fhirType;
  if (request.form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
  return headers;
};

const send = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  const { url, body } = payerUrl(call.payer.fhirBaseUrl, call.request, { gatewayBase: call.base });
  const { deadline, record } = call;
  const startedAt = deps.clock.monotonic();
  const firstByteMs = (call.payer.quirks.timeToFirstByte ?? usualFirstByteSeconds) * 1000;
  const timer = setTimeout(() => deadline.end(new DOMException('no answer yet', 'TimeoutError')), firstByteMs);
  try {
    const response = await deps.payerHttp(url, {
      method: call.request.method,
      headers: requestHeaders(event, call),
      redirect: 'manual',
      signal: deadline.signal,
      body,
    });
    record.payerStatus = response.status;
    return response;
  } catch (error) {
    if (deadline.signal.reason instanceof GatewayError) throw deadline.signal.reason;
    throw failureAtRead(payerHttpFailure(error, 'FHIR API'));
  } finally {
    clearTimeout(timer);
    record.payerMs = Math.round(deps.clock.monotonic() - startedAt);
  }
};

/**
 * Calls the payer with its token in place of ours. After a 401 it refreshes once and retries once. A 401 after a
 * successful refresh becomes 403, since a 401 of ours would make clients retry forever.
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

const callTwice = async (deps: FetchDeps, event: ApiEvent, call: PayerCall): Promise<PayerResponse> => {
  const response = await send(deps, event, call);
  if (response.status !== 401) return response;
  await dropBody(response);
  const open = await refreshPayerTokens(deps, call.payer, call.open, call.record);
  const again = await send(deps, event, { ...call, open });
  if (again.status !== 401) return again;
  await dropBody(again);
  // A member's withdrawal, or a payer that refuses its every token: only the count tells.
  raise(call.record, 'refreshFailed');
  throw reconnectNeeded('the payer refuses a token that it has just refreshed');
};
