const secondsPer: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** Seconds of a duration such as `30m`, `2h` or `3d`. */
export const durationIn = (text: string): number | undefined => {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * secondsPer[unit]!;
};

/** Epoch seconds of a time with its zone. February 30 is refused, which Date.parse would accept. */
export const instantIn = (text: string): number | undefined => {
  const [, date = ''] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const day = Date.parse(`${date}T00:00Z`);
  const ms = Date.parse(text);
  if (date === '' || Number.isNaN(ms) || new Date(day).toISOString().slice(0, date.length) !== date) return undefined;
  return Math.floor(ms / 1000);
};
