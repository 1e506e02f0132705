const dayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
const shortDayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const momentFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

const dayWith = (format: Intl.DateTimeFormat, date: string): string => {
  const whole = /^\d{4}-\d{2}-\d{2}/.exec(date)?.[0];
  const parsed = whole === undefined ? Number.NaN : Date.parse(`${whole}T00:00:00Z`);
  return Number.isNaN(parsed) ? date : format.format(parsed);
};

/** The day of a FHIR date or dateTime, such as `January 4, 2011`. A year or a month alone is unchanged. */
export const day = (date: string): string => dayWith(dayFormat, date);

/** The day in a table, such as `Jan 4, 2011`; says so if there is none. */
export const shortDay = (date: string): string => dayWith(shortDayFormat, date) || 'no date';

/** A moment in UTC. */
export const moment = (atMs: number): string => (Number.isNaN(atMs) ? 'not given' : `${momentFormat.format(atMs)} UTC`);

export const figure = (count: number): string => count.toLocaleString('en-US');

/** `1 entry`, `1,240 entries` */
export const entries = (count: number): string => `${figure(count)} ${count === 1 ? 'entry' : 'entries'}`;

/** An amount of money, from cents. */
export const money = (cents: number | null, currency: string): string => {
  if (cents === null) return 'not given';
  return (cents / 100).toLocaleString('en-US', { style: 'currency', currency });
};
