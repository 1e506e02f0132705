import { GatewayError } from '../shared/errors.ts';
import { createLinkDecider, linkParameter, lostPage } from '../shared/fhir/decide-links.ts';
import { isDocument, readsOne } from '../shared/fhir/fhir-request.ts';
import { anyLink } from '../shared/fhir/find-links.ts';
import { isNext, readLinkHeader } from '../shared/fhir/link-header.ts';
import { fhirAnswer, outcomeAnswer } from '../shared/fhir/operation-outcome.ts';
import { createLinkRewriter } from '../shared/fhir/rewrite-links.ts';
import { payerUrl } from '../shared/fhir/to-payer-url.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { parseObject } from '../shared/json/json-object.ts';
import {
  declaresUtf8,
  dropBody,
  emptySearchset,
  isGiven,
  isThrottling,
  jsonTypeOf,
  plainJson,
  retryAfterOf,
} from '../shared/payer/answers.ts';
import { readText } from '../shared/payer/read-text.ts';
import { referenceOf } from '../shared/record/request-record.ts';
import { fhirBases } from '../shared/registry/fhir-bases.ts';
import { fhirJson } from '../shared/registry/profile.ts';
import { declaredBytes, mostStreamedBytes, tooLarge } from './answer-limit.ts';
import type { FetchDeps } from './deps.ts';
import type { PayerAnswer } from './payer-answer.ts';
import { pageLinks } from './seal-links.ts';
import { streamBody } from './stream-body.ts';

const payerError = (detail: string, message = 'The health plan gave an answer that cannot be used.'): GatewayError =>
  new GatewayError('payer_error', message, { detail });

const outcomeLimitBytes = 64 * 1024;

type Answered = Pick<PayerAnswer, 'response' | 'payer'>;

const isJson = ({ response, payer }: Answered): boolean => jsonTypeOf(response, payer) !== undefined;
const isFhirJson = ({ response, payer }: Answered): boolean =>
  ![undefined, plainJson].includes(jsonTypeOf(response, payer));

/** Moves a URL from below one of the payer's bases to below ours. */
const toOurs = (url: string, { payer, base }: PayerAnswer): string => {
  const length = createLinkDecider({ from: fhirBases(payer), to: base }).decidePlain(anyLink, `${url}"`, 0);
  return length === 0 ? url : base + url.slice(length);
};

const passedOn = { etag: 'ETag', 'last-modified': 'Last-Modified' } as const;
const locations = { location: 'Location', 'content-location': 'Content-Location' } as const;

/** The relations of pages, the most important first (https://www.iana.org/assignments/link-relations). */
const pageRelations = ['next', 'prev', 'previous', 'first', 'last'] as const;

/**
 * A header's value, if it may leave. API Gateway takes 10,240 bytes of headers in all
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html): five of the payer's at most leave half to ours.
 */
const headerForm = /^[ -~]{0,1000}$/;

/** Links in headers leave the other headers room, too. */
const mostLinkCharacters = 4000;

/** All that is the payer's in headers. The link to the next page may take what the others leave of it. */
const mostOfPayer = 8000;

/** Whether a header that cannot be read has the relation `next`. */
const namesNext = /\brel\s*=[^;,]*\bnext\b/i;

/**
 * The links of a page in a header, which some payers have in place of those in the body, as links below our base. One to the next page
 * that nobody can follow is counted, and has one in its place that says so: without any, the page would look like the last.
 * @param room how many characters there are
 */
const linkHeader = (deps: FetchDeps, answer: PayerAnswer, room: number): string => {
  const header = answer.response.headers.get('link');
  const pages = header === null ? undefined : pageLinks(deps, answer);
  if (pages === undefined) return '';
  const { links, isUnreadable } = readLinkHeader(header);
  const found = pageRelations.flatMap((relation) =>
    links
      .filter(({ relations }) =>
        relations.some((one) => (relation === 'next' ? isNext(one) : one.toLowerCase() === relation)),
      )
      .map(({ url }) => ({ url, relation })),
  );
  let sent = '';
  let hasNext = false;
  let lost = isUnreadable && namesNext.test(header ?? '') && !found.some(({ relation }) => relation === 'next') ? 1 : 0;
  for (const { url, relation } of found) {
    const rest = pages.restOf(url);
    const sealed = rest === undefined ? null : pages.seal(rest);
    const more = `${sent === '' ? '' : ', '}<${sealed}>; rel="${relation}"`;
    const most = relation === 'next' && sent === '' ? room : mostLinkCharacters;
    if (sealed !== null && sent.length + more.length <= most) {
      sent += more;
      hasNext ||= relation === 'next';
    } else if (relation === 'next') lost += 1;
  }
  if (lost === 0) return sent;
  answer.record.unsealedLinks = (answer.record.unsealedLinks ?? 0) + lost;
  if (hasNext) return sent;
  return `<${answer.base}?${linkParameter}=${lostPage}>; rel="next"${sent === '' ? '' : `, ${sent}`}`;
};

const answerHeaders = (deps: FetchDeps, answer: PayerAnswer): Record<string, string> => {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
  const { headers: given } = answer.response;
  const pass = (spelled: string, value: string): void => {
    if (headerForm.test(value)) headers[spelled] = value;
  };
  for (const [name, spelled] of Object.entries(passedOn)) {
    const value = given.get(name);
    if (value !== null) pass(spelled, value);
  }
  for (const [name, spelled] of Object.entries(locations)) {
    const value = given.get(name);
    if (value !== null) pass(spelled, toOurs(value, answer));
  }
  const passed = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const links = linkHeader(deps, answer, mostOfPayer - passed);
  if (links !== '') headers['Link'] = links;
  return headers;
};

/**
 * Whether a text is a complete OperationOutcome. A truncated one tells the partner nothing and looks like our fault.
 */
const isOutcome = (text: string): boolean => parseObject(text)?.['resourceType'] === 'OperationOutcome';

/** Passes the payer's 4xx on: with its own OperationOutcome, or ours if it gave none. */
const answerRefusal = async (answer: PayerAnswer): Promise<ApiResponse> => {
  const { response, payer, base, record } = answer;
  const { status } = response;
  record.detail = `payer answered ${status}`;
  const text = isJson(answer) ? await readText(response, outcomeLimitBytes).catch(() => undefined) : undefined;
  if (text === undefined || !isOutcome(text)) {
    await dropBody(response);
    const issue = status === 404 || status === 410 ? 'not-found' : status === 403 ? 'forbidden' : 'processing';
    return outcomeAnswer(status, issue, `The health plan refused the request (${status}).`, referenceOf(record));
  }
  const rewriter = createLinkRewriter({ from: fhirBases(payer), to: base });
  const body = Buffer.concat([...rewriter.push(Buffer.from(text)), ...rewriter.end()]).toString('utf8');
  return fhirAnswer(status, body);
};

const checkStatus = async (deps: FetchDeps, { response, isConditional }: PayerAnswer): Promise<void> => {
  const { status } = response;
  const waits = isThrottling(response);
  const isUnchanged = status === 304 && isConditional;
  if (isGiven(response) || isUnchanged || (status >= 400 && status < 500 && !waits)) return;
  await dropBody(response);
  if (waits) {
    throw new GatewayError(
      status === 503 ? 'temporarily_unavailable' : 'too_many_requests',
      'The health plan asks to wait before the next request.',
      { retryAfterSeconds: retryAfterOf(response, deps.clock.now()), detail: `payer answered ${status}` },
    );
  }
  throw payerError(`payer answered ${status}`);
};

/** A search that found nothing may be answered with 204 and no Bundle. Links are rewritten as in any answer. */
const withBundle = (answer: PayerAnswer): PayerAnswer => {
  const { response, request, payer, base } = answer;
  if (response.status !== 204 || readsOne(request) || request.interaction === 'operation') return answer;
  if (request.page !== undefined) return { ...answer, response: emptySearchset(response) };
  const { url, body } = payerUrl(payer, request, { gatewayBase: base });
  const self = body === undefined || body === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${body}`;
  return { ...answer, response: emptySearchset(response, self) };
};

/**
 * Turns the payer's answer into the partner's: same status and meaning, headers from an allow-list, the body streamed
 * with its links rewritten.
 * @throws GatewayError 502 for redirects, 5xx, wrong content types and answers that are too large; 429 and 503 pass
 */
export const answerFromPayer = async (deps: FetchDeps, given: PayerAnswer): Promise<ApiResponse> => {
  const answer = withBundle(given);
  const { response, request, deadline } = answer;
  try {
    await checkStatus(deps, answer);
    if (response.status === 304) {
      deadline.end();
      return { statusCode: 304, headers: answerHeaders(deps, answer), body: '' };
    }
    if (response.status >= 400) {
      const refused = await answerRefusal(answer);
      deadline.end();
      return refused;
    }
    if (!isJson(answer) && !isDocument(request)) {
      await dropBody(response);
      if (!declaresUtf8(response))
        throw payerError('wrong charset', 'The health plan gave an answer that is not in UTF-8, as FHIR is.');
      throw payerError('wrong content type');
    }
    if (declaredBytes(response) > (deps.mostBytes ?? mostStreamedBytes)) {
      await dropBody(response);
      throw tooLarge();
    }
  } catch (error) {
    deadline.end();
    throw error;
  }
  return answerSuccess(deps, answer);
};

const answerSuccess = (deps: FetchDeps, answer: PayerAnswer): ApiResponse => {
  const headers = answerHeaders(deps, answer);
  // A document may be any JSON. Only an answer that declares FHIR is treated as FHIR.
  const fhir = isDocument(answer.request) ? isFhirJson(answer) : isJson(answer);
  if (fhir) headers['Content-Type'] = `${fhirJson}; charset=utf-8`;
  else {
    // A payer's document must not run in a browser under our origin.
    const type = answer.response.headers.get('content-type') ?? '';
    headers['Content-Type'] = type !== '' && headerForm.test(type) ? type : 'application/octet-stream';
    headers['Content-Disposition'] = 'attachment';
    headers['Content-Security-Policy'] = "sandbox; default-src 'none'";
  }
  return { statusCode: 200, headers, body: streamBody(deps, answer, { rewrite: fhir }) };
};
