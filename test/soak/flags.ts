import { parseArgs } from 'node:util';

/** How long and how hard to run. */
export interface Flags {
  readonly minutes: number;
  /** Operations per second. */
  readonly rate: number;
}

/** It runs on someone's own machine, so a value beyond these is a mistake. */
const most: Flags = { minutes: 120, rate: 200 };

export const usage = `npm run soak -- [--minutes 10] [--rate 50]   at most ${most.minutes} minutes, ${most.rate} a second`;

const numberOf = (name: keyof Flags, text: string): number => {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= most[name])) throw new Error(`--${name} takes a number above 0 and up to ${most[name]}`);
  return value;
};

/** Reads the command line. @throws Error with one line for a person */
export const readFlags = (args: readonly string[]): Flags => {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '50' } },
  });
  return { minutes: numberOf('minutes', values.minutes), rate: numberOf('rate', values.rate) };
};
