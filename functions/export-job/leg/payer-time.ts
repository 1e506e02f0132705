import type { PayerResponse } from '../../shared/payer/http.ts';

/** An earlier date means that the payer's clock is not set. */
const earliestMs = Date.UTC(2000);

/** A time that a payer says, if it can be one: in milliseconds, and never later than another. */
export const saidTime = (text: unknown, latestMs: number): number | undefined => {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return ms >= earliestMs ? Math.min(ms, latestMs) : undefined;
};

/**
 * When a payer was asked, by its own clock; undefined if it has no `Date` that can be one.
 * @param at our clock once the head of the answer is there, how long that took, and how far the payer's clock may be ahead of
 *   ours, in milliseconds: what changes before the time that it says would be missed by the next `_since`
 */
export const payerTime = (
  { headers }: Pick<PayerResponse, 'headers'>,
  { nowMs, tookMs, aheadMs }: { readonly nowMs: number; readonly tookMs: number; readonly aheadMs: number },
): number | undefined => {
  const said = saidTime(headers.get('date'), nowMs + aheadMs);
  return said === undefined ? undefined : said - Math.ceil(tookMs);
};
