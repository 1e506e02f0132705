import { fhirJson, fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerResponse } from './http.ts';

/** Discards an answer that nobody will read. */
export const dropBody = async ({ body }: PayerResponse): Promise<void> => {
  // A connection that broke meanwhile does not matter: its data was not needed.
  await body?.cancel().catch(() => undefined);
};

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

export const plainJson = 'application/json';

/** The media type of an answer that declares JSON in UTF-8: plain JSON, FHIR's, or the payer's own name for that. */
export const jsonTypeOf = (
  { headers }: Pick<PayerResponse, 'headers'>,
  payer: Pick<Payer, 'quirks'>,
): string | undefined => {
  const type = String(headers.get('content-type')).toLowerCase();
  const charset = /charset="?([\w-]+)/.exec(type)?.[1] ?? 'utf-8';
  if (!['utf-8', 'utf8', 'us-ascii'].includes(charset)) return undefined;
  const declared = type.replace(/[\s;].*/, '');
  return [plainJson, fhirJson, fhirMediaType(payer)].includes(declared) ? declared : undefined;
};

const usualFirstByteSeconds = 60;

/** How long a payer may take until its headers, in milliseconds, if the budget lasts that long. */
export const firstByteMsOf = ({ quirks }: Pick<Payer, 'quirks'>): number =>
  (quirks.timeToFirstByte ?? usualFirstByteSeconds) * 1000;
