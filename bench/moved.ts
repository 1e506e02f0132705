import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inWords, type Report, type Section } from './report.ts';
import type { Spread } from './statistics.ts';

/** The folder of the saved runs. */
export const resultsFolder = join(import.meta.dirname, 'results');

/** The runs that were saved, in any order. */
export const savedRuns = (): readonly Report[] =>
  readdirSync(resultsFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(resultsFolder, name), 'utf8')) as Report);

/** The last full run that was saved before this one, or `undefined`. */
export const lastSaved = ({ at }: Pick<Report, 'at'>): Report | undefined =>
  savedRuns()
    .filter((saved) => !saved.quick && saved.at < at)
    .toSorted((a, b) => a.at.localeCompare(b.at))
    .at(-1);

/** The ratios of a part to its floors and peers, by name: those do not depend on how fast the machine is. */
const ratiosOf = ({ name, rows }: Section): (readonly [string, Spread])[] =>
  rows.flatMap((row) =>
    row.ours === undefined
      ? []
      : [
          [`${name} to ${row.name}, wall time`, row.ours.wall] as const,
          ...(row.ours.cpu === undefined ? [] : [[`${name} to ${row.name}, CPU time`, row.ours.cpu] as const]),
        ],
  );

/** What moved since a saved run: each ratio whose quartiles lie wholly outside those of before. */
export const movedText = (now: readonly Section[], before: Pick<Report, 'at' | 'sections'>): string => {
  const earlier = new Map(before.sections.flatMap(ratiosOf));
  const lines = now.flatMap(ratiosOf).flatMap(([name, ratio]) => {
    const was = earlier.get(name);
    if (was === undefined || (ratio.low <= was.high && ratio.high >= was.low)) return [];
    return [`  ${ratio.median > was.median ? 'slower' : 'faster'}: ${name}: ${inWords(ratio)}, was ${inWords(was)}`];
  });
  const [day] = before.at.split('T');
  return [`${lines.length} ratios moved by more than their quartiles since the run of ${day}`, ...lines].join('\n');
};
