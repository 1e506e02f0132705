import { instant } from '../../functions/shared/instant.ts';
import { html, type Html } from '../../functions/shared/pages/html.ts';

const words = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** An instant as a person reads it: `Jun 1, 2026, 12:00:05`. */
export const momentOf = (at: string): string => words.format(new Date(at));

const dayWords = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', dateStyle: 'medium' });

/** Its day: `Jun 1, 2026`. */
export const dayOf = (at: string): string => dayWords.format(new Date(at));

/** The same, with the exact instant in its markup. */
export const moment = (at: string): Html => html`<time datetime="${at}">${momentOf(at)}</time>`;

/** A time in epoch seconds; unknown ones say so. */
export const timeOf = (seconds: number | undefined): Html =>
  seconds === undefined ? html`an unknown time` : moment(instant(seconds));
