const dayMs = 86_400_000;

/** The date `months` and `days` after `date`; all are `YYYY-MM-DD`. */
export const addTo = (date: string, months: number, days = 0): string => {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1 + months, day) + days * dayMs).toISOString().slice(0, 10);
};

/** `date`, or the Monday after it if it is on a weekend, when the clinic is closed. */
export const weekday = (date: string): string => {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  if (day === 6) return addTo(date, 0, 2);
  return day === 0 ? addTo(date, 0, 1) : date;
};

/** A dateTime in Boston. Daylight saving time from April to October is close enough. */
export const boston = (date: string, time: string): string => {
  const month = Number(date.slice(5, 7));
  return `${date}T${time}:00${month >= 4 && month <= 10 ? '-04:00' : '-05:00'}`;
};
