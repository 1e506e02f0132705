import type { Export } from '../../shared/store/export-item.ts';

/** A payer's clock may be this far behind ours, in seconds. */
const mostBehind = 3600;

/**
 * A time that is not later than the payer's when it was first asked, in milliseconds: for a payer that sends no date. Our
 * own time may be later than the payer's, and the next `_since` would miss changes.
 */
export const earliestTimeOf = ({ startedAt }: Pick<Export, 'startedAt'>): number => (startedAt - mostBehind) * 1000;
