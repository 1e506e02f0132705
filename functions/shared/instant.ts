/** A time in epoch seconds as FHIR, events, people and logs write it, to the second: `2026-06-01T12:00:00Z`. */
export const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Whether a text is a real calendar date, such as `2026-06-01`. Date.parse alone reads June 31 as July 1. */
export const isDay = (text: string): boolean => {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
};

/** https://hl7.org/fhir/R4/datatypes.html#instant and RFC 3339 §5.6, without leap seconds. */
const instantForm =
  /^(?<day>\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** Epoch milliseconds of a time with its zone, as someone else wrote it; undefined if there is no such time. */
export const readInstant = (text: string): number | undefined =>
  isDay(instantForm.exec(text)?.groups?.['day'] ?? '') ? Date.parse(text) : undefined;
