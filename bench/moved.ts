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

/** The ratio of a step's time to that of a floor or a peer, which does not depend on the speed of the machine. */
export interface Ratio {
  /** The section; with several of the gateway's in it, also which. */
  readonly step: string;
  readonly name: string;
  readonly spread: Spread;
}

export const ratiosOf = ({ name, rows }: Section): Ratio[] =>
  rows.flatMap((row) => {
    if (row.ours === undefined) return [];
    const step = row.of === undefined ? name : `${name}: ${row.of}`;
    const { wall, cpu } = row.ours;
    return [
      { step, name: `${step} to ${row.name}, wall time`, spread: wall },
      ...(cpu === undefined ? [] : [{ step, name: `${step} to ${row.name}, CPU time`, spread: cpu }]),
    ];
  });

/** A ratio whose quartiles lie wholly outside those of before. */
export interface Moved extends Ratio {
  readonly was: Spread;
}

export const movedSince = (now: readonly Ratio[], before: readonly Ratio[]): Moved[] => {
  const earlier = new Map(before.map(({ name, spread }) => [name, spread]));
  return now.flatMap((ratio) => {
    const was = earlier.get(ratio.name);
    if (was === undefined || (ratio.spread.low <= was.high && ratio.spread.high >= was.low)) return [];
    return [{ ...ratio, was }];
  });
};

const movedLine = ({ name, spread, was }: Moved): string =>
  `  ${spread.median > was.median ? 'slower' : 'faster'}: ${name}: ${inWords(spread)}, was ${inWords(was)}`;

/** What moved since a saved run. */
export const movedText = (now: readonly Section[], before: Pick<Report, 'at' | 'sections'>): string => {
  const moved = movedSince(now.flatMap(ratiosOf), before.sections.flatMap(ratiosOf));
  const [day] = before.at.split('T');
  return [
    `${moved.length} ratios moved by more than their quartiles since the run of ${day}`,
    ...moved.map(movedLine),
  ].join('\n');
};

/** How much slower a step must become so that one of its ratios is named, if they vary as much again: 0.1 is 10 %. */
export const leastNamed = (ratios: readonly Ratio[]): ReadonlyMap<string, number> => {
  const least = new Map<string, number>();
  for (const { step, spread } of ratios) {
    least.set(step, Math.min(least.get(step) ?? Infinity, spread.high / spread.low - 1));
  }
  return least;
};

/** What a later run cannot miss, part by part: the least slowness that names any of its steps. */
export const leastText = (sections: readonly Section[]): string => {
  const parts = sections.flatMap((section) => {
    const least = [...leastNamed(ratiosOf(section)).values()];
    return least.length === 0 ? [] : [`${section.name} ${Math.ceil(100 * Math.max(...least))} %`];
  });
  return `A later run whose ratios vary as much names a step that is slower by: ${parts.join(', ')}`;
};
