import type { Export } from '../../shared/store/export-item.ts';

/** A payer's clock may be this far behind ours, in seconds. */
const mostBehind = 3600;

/**
 * A time in milliseconds that is surely before the payer's time of our first request, for payers that send no `Date`. Our clock
 * may be ahead of the payer's, and then the next `_since` would miss changes.
 */
export const earliestTimeOf = ({ startedAt }: Pick<Export, 'startedAt'>): number => (startedAt - mostBehind) * 1000;
