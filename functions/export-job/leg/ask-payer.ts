import { GatewayError } from '../../shared/errors.ts';
import { isObject, objectsIn } from '../../shared/json/json-object.ts';
import { parseOnceEach } from '../../shared/json/repeated-member.ts';
import { essenceOf } from '../../shared/media-type.ts';
import {
  declaresUtf8,
  dropBody,
  emptySearchset,
  firstByteMsOf,
  isGiven,
  isThrottling,
  jsonTypeOf,
  keyRefusal,
  retryAfterOf,
} from '../../shared/payer/answers.ts';
import { isUnusable } from '../../shared/payer/decode-body.ts';
import type { PayerRequest, PayerResponse } from '../../shared/payer/http.ts';
import { readText } from '../../shared/payer/read-text.ts';
import type { SecretHeaders } from '../../shared/payer/secrets.ts';
import { withoutBom } from '../../shared/plain-text.ts';
import { fhirMediaType } from '../../shared/registry/profile.ts';
import type { Payer } from '../../shared/registry/types.ts';
import type { JobDeps } from '../job/deps.ts';
import { payerTime } from './payer-time.ts';

/** An answer whose body has not been read yet. */
export interface OpenAnswer {
  readonly response: PayerResponse;
  /** The payer's clock, if the answer has a `Date` header. */
  readonly dateMs: number | undefined;
  /** Must be called once the body has been read, or is not needed. */
  readonly end: () => void;
}

/** The payer's answer to a request. */
export type Answer =
  /** JSON, or a document of any type. */
  | (OpenAnswer & { readonly kind: 'json' })
  | { readonly kind: 'throttled'; readonly seconds: number }
  | { readonly kind: 'tokenRefused' }
  /**
   * A 4xx about this request.
   * @property saysNone a 404 to a search, by which the payer may mean that it found nothing
   * @property dateMs as in {@link OpenAnswer}: a refusal may mean that the payer has nothing, too
   */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly saysNone?: true;
      readonly dateMs?: number | undefined;
    }
  /** Another try may succeed. There is no status if the payer did not answer at all, or its answer is `unusable`: its HTTP cannot be read. */
  | { readonly kind: 'failed'; readonly status?: number; readonly fault?: 'notJson' | 'notUtf8' | 'unusable' }
  /** A former plan issues no token to the gateway's client, so nothing was asked. */
  | { readonly kind: 'clientRefused' }
  /** The answer has another media type, or none. Asking again would not change that. */
  | { readonly kind: 'otherType'; readonly mediaType: string }
  /** No turn of the payer's pace was free in time. */
  | { readonly kind: 'paced' }
  /** The export was deleted or replaced, so nothing was asked. */
  | { readonly kind: 'gone' };

/** A rate limit that all exports with this key share. */
export interface Pace {
  readonly key: string;
  /** Undefined if there is no limit. */
  readonly perSecond: number | undefined;
}

export interface Asking {
  readonly payer: Payer;
  readonly accessToken: string;
  /** What each request needs beside the token. */
  readonly secretHeaders: SecretHeaders;
  /** @default that of all exports at the payer */
  readonly pace?: Pace;
  /** Whether the export is still there: read before each call, so that none begins after a `DELETE`. */
  readonly isStillThere: () => Promise<boolean>;
  /** Aborted when the leg may read no further. No call begins then, and one that runs is cut. */
  readonly stopped: AbortSignal;
}

/** The longest that one answer may take, in milliseconds. */
const longestAnswerMs = 300_000;

const mostOutcomeBytes = 16 * 1024;

/**
 * Whether a refused search says no more than that nothing was found. R4 has an empty Bundle for that, and 404 for a type that a
 * server does not have (https://hl7.org/fhir/R4/http.html#search), which is another code.
 */
const saysNone = async (response: PayerResponse, payer: Payer, what: What): Promise<boolean> => {
  if (response.status !== 404 || what !== 'search' || jsonTypeOf(response, payer) === undefined) return false;
  const text = await readText(response, mostOutcomeBytes).catch(() => undefined);
  const outcome = text === undefined ? undefined : parseOnceEach(text);
  if (!isObject(outcome) || outcome['resourceType'] !== 'OperationOutcome') return false;
  const issues = objectsIn(outcome['issue']);
  return issues.length > 0 && issues.every(({ code }) => code === 'not-found');
};

/** Whether a body starts like a JSON object. The rest is not read. */
const beginsAsJson = async ({ body }: PayerResponse): Promise<boolean> => {
  try {
    for await (const chunk of body ?? []) {
      const text = withoutBom(Buffer.from(chunk.subarray(0, 1024)).toString('utf8')).trimStart();
      if (text !== '') return text.startsWith('{');
    }
  } catch {
    // The connection ended early.
  }
  return false;
};

/**
 * The media type of an answer that is data, but not FHIR JSON as the payer declares it: empty if the answer declares none, or what is none. Undefined for an
 * HTML page or plain text, which may be a temporary error page, unless the body is JSON.
 */
const otherDataType = async (response: PayerResponse): Promise<string | undefined> => {
  const type = essenceOf(response.headers.get('content-type'));
  if (!declaresUtf8(response)) return undefined;
  if (/\/.*(?:json|xml|octet-stream)/.test(type) && !type.includes('html')) return type;
  return (await beginsAsJson(response)) ? type : undefined;
};

const answerOf = async (
  { clock }: JobDeps,
  { payer }: Pick<Asking, 'payer'>,
  given: PayerResponse,
  { tookMs, end, what }: { readonly tookMs: number; readonly end: () => void; readonly what: What },
): Promise<Answer> => {
  const isDocument = what === 'document';
  const response = given.status === 204 && what === 'search' ? emptySearchset(given) : given;
  const { status } = response;
  const dateMs = payerTime(response, { nowMs: clock.now(), tookMs });
  if (isGiven(response) && (isDocument || jsonTypeOf(response, payer) !== undefined)) {
    return { kind: 'json', response, dateMs, end };
  }
  // Asking for a fresh token would not help.
  const isTokenRefused = status === 401 && (await keyRefusal(response, 'FHIR API')) === undefined;
  const isNone = await saysNone(response, payer, what);
  const mediaType = isGiven(response) ? await otherDataType(response) : undefined;
  if (status !== 401) await dropBody(response);
  end();
  if (isThrottling(response)) {
    return { kind: 'throttled', seconds: retryAfterOf(response, clock.now(), Number.POSITIVE_INFINITY) };
  }
  if (isTokenRefused) return { kind: 'tokenRefused' };
  if (mediaType !== undefined) return { kind: 'otherType', mediaType };
  if (isGiven(response)) return { kind: 'failed', fault: declaresUtf8(response) ? 'notJson' : 'notUtf8' };
  // Redirects are not followed: one could take the token to another server.
  const isRefusal =
    (status >= 400 && status < 500 && status !== 401 && status !== 408) ||
    (isDocument && status < 400) ||
    (what === 'page' && status === 204);
  return isRefusal
    ? { kind: 'refused', status, dateMs, ...(isNone && { saysNone: true }) }
    : { kind: 'failed', status };
};

interface SentSearch {
  readonly to: string;
  readonly method?: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What is asked: a search's first page, which some payers take by POST only, a later one, one resource, or the content of an
 * attachment. To a search, 204 means a page without entries; of a page that the payer itself has linked to, it says nothing.
 */
export type What = 'search' | 'page' | 'read' | 'document';

/** A search as the payer takes it. `$everything` is an operation, and always a GET. */
const searchOf = ({ quirks }: Payer, url: string): SentSearch => {
  const [path = '', query = ''] = url.split(/\?([^]*)/);
  if (quirks.searchMethod !== 'POST' || path.endsWith('/$everything')) return { to: url };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { to: `${path}/_search`, method: 'POST', headers, body: query };
};

/** The URL that a request is sent to, without its form. Relative links in the answer are resolved against it. */
export const sentTo = (payer: Payer, url: string, what: What): string =>
  what === 'search' ? searchOf(payer, url).to : url;

/** A request, and when it may be sent. */
interface Sending {
  readonly to: string;
  readonly request: PayerRequest;
  /** The monotonic time after which it stops asking for a turn. */
  readonly untilAt: number;
  readonly pace: Pace;
  /** The longest that the answer may take, in milliseconds. */
  readonly longestMs: number;
}

/** An answer, how long its head took, and what ends it. */
export interface Sent {
  readonly response: PayerResponse;
  readonly tookMs: number;
  readonly end: () => void;
}

/** Why a request has no answer. */
type Unsent = Extract<Answer, { kind: 'paced' | 'gone' }> | { readonly kind: 'failed'; readonly fault?: 'unusable' };

/**
 * Sends a request to a payer, in its turn.
 * @param read reads the answer's head. Unless it gives the body to its caller, it ends the answer.
 * @throws GatewayError of `read`
 */
export const sendInTurn = async <T>(
  { clock, payerHttp, waitForTurn }: Pick<JobDeps, 'clock' | 'payerHttp' | 'waitForTurn'>,
  { payer, isStillThere, stopped }: Pick<Asking, 'payer' | 'isStillThere' | 'stopped'>,
  { to, request, untilAt, pace, longestMs }: Sending,
  read: (sent: Sent) => Promise<T>,
): Promise<T | Unsent> => {
  if (pace.perSecond === undefined) {
    if (!(await isStillThere())) return { kind: 'gone' };
  } else {
    const turn = await waitForTurn(pace.key, pace.perSecond, { untilAt, isWanted: isStillThere });
    if (turn !== 'turn') return { kind: turn === 'none' ? 'paced' : 'gone' };
  }
  if (stopped.aborted) return { kind: 'failed' };
  const controller = new AbortController();
  stopped.addEventListener('abort', () => controller.abort(stopped.reason), { signal: controller.signal });
  const abort = (): void => controller.abort(new DOMException('no answer in time', 'TimeoutError'));
  const firstByte = setTimeout(abort, firstByteMsOf(payer));
  const whole = setTimeout(abort, longestMs);
  const end = (): void => {
    clearTimeout(whole);
    controller.abort(new Error('The answer is over'));
  };
  const askedAt = clock.monotonic();
  try {
    const response = await payerHttp(to, { ...request, redirect: 'manual', signal: controller.signal });
    return await read({ response, tookMs: clock.monotonic() - askedAt, end });
  } catch (error) {
    end();
    if (error instanceof GatewayError) throw error;
    return isUnusable(error) ? { kind: 'failed', fault: 'unusable' } : { kind: 'failed' };
  } finally {
    clearTimeout(firstByte);
  }
};

/**
 * Requests a page, a resource or a document from a payer, at its pace.
 * @param url below the payer's base
 * @param untilAt the monotonic time after which it stops asking for a turn
 * @param accept the media types to ask for. @default the payer's FHIR JSON
 */
export const askPayer = (
  deps: JobDeps,
  asking: Asking,
  url: string,
  untilAt: number,
  what: What = 'read',
  accept: string = fhirMediaType(asking.payer),
): Promise<Answer> => {
  const { payer, accessToken, secretHeaders } = asking;
  const { pace = { key: payer.id, perSecond: payer.wholeRecord?.requestsPerSecond } } = asking;
  const { to, headers, ...posted } = what === 'search' ? searchOf(payer, url) : { to: url };
  const request = {
    ...posted,
    headers: { ...secretHeaders, ...headers, authorization: `Bearer ${accessToken}`, accept },
  };
  return sendInTurn(deps, asking, { to, request, untilAt, pace, longestMs: longestAnswerMs }, (sent) =>
    answerOf(deps, asking, sent.response, { tookMs: sent.tookMs, end: sent.end, what }),
  );
};
