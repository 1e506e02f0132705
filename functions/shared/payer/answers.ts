import { essenceOf } from '../media-type.ts';
import { fhirJson, fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import { PayerError, type Asked } from './errors.ts';
import type { PayerResponse } from './http.ts';
import { readText } from './read-text.ts';

/** Discards an answer that nobody will read. */
export const dropBody = async ({ body }: PayerResponse): Promise<void> => {
  // A connection that broke meanwhile does not matter: its data was not needed.
  await body?.cancel().catch(() => undefined);
};

/**
 * Whether an answer is what was asked for: 200, or 203, by which a proxy in front of the payer says that it has changed what the
 * payer sent (RFC 9110 §15.3.4).
 */
export const isGiven = ({ status }: Pick<PayerResponse, 'status'>): boolean => status === 200 || status === 203;

/** The longest time that a partner is told to wait, in seconds. */
const longestRetryAfterSeconds = 3600;

/**
 * The payer's `Retry-After` in seconds, from seconds or a date (RFC 9110 §10.2.3). 30 if there is none.
 * @param most in seconds
 */
export const retryAfterOf = (
  { headers }: Pick<PayerResponse, 'headers'>,
  nowMs: number,
  most = longestRetryAfterSeconds,
): number => {
  const value = String(headers.get('retry-after'));
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - nowMs) / 1000);
  return Number.isNaN(seconds) ? 30 : Math.min(most, Math.max(1, seconds));
};

/** Whether a payer asks to wait. Some throttle with 403, and say when to ask again (RFC 9110 §10.2.3). */
export const isThrottling = ({ status, headers }: Pick<PayerResponse, 'status' | 'headers'>): boolean =>
  status === 429 || status === 503 || (status === 403 && headers.get('retry-after') !== null);

export const plainJson = 'application/json';

/** Whether an answer declares UTF-8 or nothing, as FHIR has it (https://hl7.org/fhir/R4/http.html#mime-type). */
export const declaresUtf8 = ({ headers }: Pick<PayerResponse, 'headers'>): boolean =>
  [...String(headers.get('content-type')).matchAll(/charset\s*=\s*["']?([^\s"';,]*)/gi)].every(([, charset = '']) =>
    ['', 'utf-8', 'utf8', 'us-ascii'].includes(charset.toLowerCase()),
  );

/** The media type of an answer that declares JSON in UTF-8: plain JSON, FHIR's, or the payer's own name for that. */
export const jsonTypeOf = (
  { headers }: Pick<PayerResponse, 'headers'>,
  payer: Pick<Payer, 'quirks'>,
): string | undefined => {
  if (!declaresUtf8({ headers })) return undefined;
  const declared = essenceOf(headers.get('content-type'));
  return [plainJson, fhirJson, fhirMediaType(payer)].includes(declared) ? declared : undefined;
};

const usualFirstByteSeconds = 60;

/** How long a payer may take to send its headers, in milliseconds, if the budget lasts that long. */
export const firstByteMsOf = ({ quirks }: Pick<Payer, 'quirks'>): number =>
  (quirks.timeToFirstByte ?? usualFirstByteSeconds) * 1000;

/** The schemes by which API gateways ask for a key of theirs, such as `AzureApiManagementKey` and Kong's `Key`. */
const keyChallenge = /(?:^|,)\s*[\w-]*key(?=\s|,|$)/i;
const bearerChallenge = /(?:^|,)\s*bearer(?=\s|,|$)/i;

/** What they call that key in a body, where the body speaks of no token. */
const keyWords = /(?:subscription|api)[ _-]?key/i;
const tokenWords = /token|bearer|jwt/i;

const refusalBytes = 16 * 1024;

/**
 * Whether a 401 is about the gateway's own key at an API gateway in front of the payer. Then no token of the member's
 * helps. A Bearer challenge (RFC 6750 §3), or anything that is not plainly about a key, is about the token.
 */
export const isAboutOurKey = (challenge: string | null, text: string): boolean =>
  challenge !== null && (bearerChallenge.test(challenge) || keyChallenge.test(challenge))
    ? !bearerChallenge.test(challenge)
    : keyWords.test(text) && !tokenWords.test(text);

/**
 * The error of a 401, if it is about the gateway's own key: a matter for the operator, not for the member. Undefined if the
 * token was refused. Reads the body.
 */
export const keyRefusal = async (response: PayerResponse, asked: Asked): Promise<PayerError | undefined> => {
  const text = (await readText(response, refusalBytes).catch(() => undefined)) ?? '';
  return isAboutOurKey(response.headers.get('www-authenticate'), text)
    ? new PayerError('invalid_client', `${asked} answered 401 about a key of the gateway's, not about the token`)
    : undefined;
};

const emptyBundle = (self: string | undefined): string =>
  JSON.stringify({
    resourceType: 'Bundle',
    type: 'searchset',
    ...(self === undefined ? {} : { total: 0, link: [{ relation: 'self', url: self }] }),
  });

/**
 * A payer's 204 to a search, as the searchset without entries that it means.
 * @param self the URL of the search; undefined for a later page of one
 */
export const emptySearchset = ({ headers }: PayerResponse, self?: string): PayerResponse => {
  const bytes = Buffer.from(emptyBundle(self));
  return {
    status: 200,
    headers: { get: (name) => (name.toLowerCase() === 'content-type' ? fhirJson : headers.get(name)) },
    body: {
      async *[Symbol.asyncIterator]() {
        yield bytes;
      },
      cancel: async () => undefined,
    },
  };
};
