/** A time in epoch seconds as FHIR, events, people and logs write it, to the second: `2026-06-01T12:00:00Z`. */
export const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
