import type { PayerResponse } from '../../shared/payer/http.ts';

/** An earlier date means that the payer's clock is not set. */
const earliestMs = Date.UTC(2000);

/** A time that a payer says, if it can be one: in milliseconds, and never later than another. */
export const saidTime = (text: unknown, latestMs: number): number | undefined => {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return ms >= earliestMs ? Math.min(ms, latestMs) : undefined;
};

/**
 * When a payer was asked, by its clock or ours, whichever is earlier; undefined if it has no `Date` that can be a time. What
 * changes before a time that is too late would be missed by the next `_since`: a fast clock may be that of a server in
 * between, which does not write when a resource was changed.
 * @param at our clock once the head of the answer is there, and how long that took, in milliseconds
 */
export const payerTime = (
  { headers }: Pick<PayerResponse, 'headers'>,
  { nowMs, tookMs }: { readonly nowMs: number; readonly tookMs: number },
): number | undefined => {
  const said = saidTime(headers.get('date'), nowMs);
  return said === undefined ? undefined : said - Math.ceil(tookMs);
};
