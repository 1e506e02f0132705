import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { Kind, Measured, Missing, Plan, Sample, Series } from './measure.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** A measured subject, and the time of the gateway's that is compared with it divided by its time, round by round. */
export interface Row {
  readonly name: string;
  readonly kind: Kind;
  /** Whose time is divided by its time, if a part has several of the gateway's. */
  readonly of?: string | undefined;
  readonly wallMs: Spread;
  /** Omitted where other processes do the work. */
  readonly cpuMs?: Spread;
  readonly ours?: { readonly wall: Spread; readonly cpu?: Spread };
}

/** A limit and what was measured; `met` is omitted if it could not be measured. */
export interface Budget {
  readonly name: string;
  readonly limit: string;
  readonly measured: string;
  readonly value?: number;
  readonly met?: boolean;
}

/** What was measured and has no limit. */
export interface Figure {
  readonly name: string;
  readonly measured: string;
  readonly value: number;
}

/** The result of one part of the benchmark. */
export interface Section {
  readonly name: string;
  readonly what: string;
  readonly plan?: Plan;
  readonly rows: readonly Row[];
  readonly missing: readonly Missing[];
  readonly budgets: readonly Budget[];
  /** @default none */
  readonly figures?: readonly Figure[];
  readonly notes: readonly string[];
  /** How long it took. */
  readonly seconds?: number;
  /** Why it failed. */
  readonly failed?: string;
}

export interface Machine {
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** The load average of the last minute before the benchmark began. */
  readonly load: number;
}

export interface Report {
  readonly at: string;
  readonly quick: boolean;
  readonly seconds: number;
  readonly machine: Machine;
  readonly sections: readonly Section[];
}

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
};

export const describeMachine = (): Machine => ({
  commit: `${git('rev-parse', '--short=12', 'HEAD') || 'unknown'}${git('status', '--porcelain') === '' ? '' : ' with changes'}`,
  node: process.version,
  system: `${platform()} ${release()} ${arch()}`,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  load: loadavg()[0] ?? 0,
});

/** The ratios of two series, round by round. */
export const ratios = (of: Series, to: Series, field: keyof Sample): number[] =>
  of.samples.map((sample, round) => sample[field] / (to.samples[round]?.[field] ?? Number.NaN));

/** The series of this name. @throws Error if there is none */
export const seriesOf = ({ series, missing }: Measured, name: string): Series => {
  const found = series.find((one) => one.name === name);
  if (found === undefined) {
    const reason = missing.find((one) => one.name === name)?.reason ?? 'nothing of that name was';
    throw new Error(`${name} was not measured: ${reason}`);
  }
  return found;
};

interface RowOptions {
  /** What each name begins with. */
  readonly prefix?: string;
  /** If other processes do the work, whose CPU time is not counted. @default false */
  readonly wallOnly?: boolean;
}

/** The series that a series is compared with. */
const comparedWith = (all: readonly Series[], one: Series): Series | undefined => {
  if (one.of !== undefined) return all.find(({ name }) => name === one.of);
  const [ours, ...more] = all.filter(({ kind }) => kind === 'ours');
  return ours === one || more.length > 0 ? undefined : ours;
};

/** One row per series, and how the gateway's compares with it. */
export const rowsOf = (
  { series }: Pick<Measured, 'series'>,
  { prefix = '', wallOnly = false }: RowOptions = {},
): Row[] => {
  return series.map((one) => {
    const ours = comparedWith(series, one);
    return {
      name: prefix + one.name,
      kind: one.kind,
      of: one.of,
      wallMs: spreadOf(one.samples.map(({ wallMs }) => wallMs)),
      ...(wallOnly ? {} : { cpuMs: spreadOf(one.samples.map(({ cpuMs }) => cpuMs)) }),
      ...(ours === undefined
        ? {}
        : {
            ours: {
              wall: spreadOf(ratios(ours, one, 'wallMs')),
              ...(wallOnly ? {} : { cpu: spreadOf(ratios(ours, one, 'cpuMs')) }),
            },
          }),
    };
  });
};

const digits = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

/** `1.08 [1.05–1.11]` */
export const inWords = ({ low, median, high }: Spread): string => `${digits(median)} [${digits(low)}–${digits(high)}]`;

export const figure = (name: string, spread: Spread): Figure => ({
  name,
  measured: inWords(spread),
  value: spread.median,
});

interface Limit {
  readonly name: string;
  readonly value: number | undefined;
  readonly limit: number;
  readonly unit?: string;
  readonly aim?: number;
  /** Printed in place of the value, if it says more. */
  readonly detail?: string;
}

const budget = ({ name, value, limit, unit = '', aim, detail }: Limit, sign: '≤' | '≥'): Budget => ({
  name,
  limit: `${sign} ${limit}${unit}${aim === undefined ? '' : ` (aim ${aim}${unit})`}`,
  measured: value === undefined ? 'not measured' : detail === undefined ? `${digits(value)}${unit}` : detail,
  ...(value === undefined ? {} : { value, met: sign === '≤' ? value <= limit : value >= limit }),
});

export const atMost = (limit: Limit): Budget => budget(limit, '≤');
export const atLeast = (limit: Limit): Budget => budget(limit, '≥');

const padded = (cells: readonly (readonly string[])[]): string[] => {
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
};

const table = (rows: readonly Row[]): string[] =>
  rows.length === 0
    ? []
    : padded([
        ['', 'wall, ms', 'CPU, ms', 'ours to it, wall', 'ours to it, CPU'],
        ...rows.map(({ name, kind, wallMs, cpuMs, ours }) => [
          kind === 'peer' ? name : `${name} (${kind})`,
          inWords(wallMs),
          cpuMs === undefined ? '' : inWords(cpuMs),
          ours === undefined ? '' : inWords(ours.wall),
          ours?.cpu === undefined ? '' : inWords(ours.cpu),
        ]),
      ]);

const budgetLine = ({ name, limit, measured, met }: Budget): string =>
  `  ${met === undefined ? '?' : met ? '✓' : '✗'} ${met === undefined ? 'not measured' : met ? 'met' : 'not met'}: ${name} ${limit}: ${measured}`;

const planLine = ({ rounds, operations }: Plan): string =>
  `  ${rounds} rounds of ${operations}, interleaved; median [quartiles] of the rounds' means`;

/** A section as a person reads it. */
export const sectionText = (section: Section): string =>
  [
    `${section.name}: ${section.what}${section.seconds === undefined ? '' : ` (${Math.round(section.seconds)} s)`}`,
    ...(section.plan === undefined ? [] : [planLine(section.plan)]),
    ...table(section.rows),
    ...section.missing.map(({ name, reason }) => `  missing: ${name} (${reason})`),
    ...section.budgets.map(budgetLine),
    ...(section.figures ?? []).map(({ name, measured }) => `  ${name}: ${measured}`),
    ...section.notes.map((note) => `  ${note}`),
    ...(section.failed === undefined ? [] : [`  failed: ${section.failed}`]),
    '',
  ].join('\n');

/** The lines above the sections. */
export const headText = ({ commit, node, system, cpu, cores, memoryGb, load }: Machine, quick: boolean): string =>
  [
    `commit ${commit}, Node ${node}, ${system}`,
    `${cores} × ${cpu}, ${memoryGb} GB; load before the start ${load.toFixed(2)}`,
    'DynamoDB is dynalite in its own process: its CPU time is not counted, but it shares the cores.',
    ...(load > cores / 2 ? ['This machine is busy: treat every figure as provisional.'] : []),
    ...(quick ? ['A quick run: few rounds, small sizes; figures are provisional.'] : []),
    '',
  ].join('\n');

/** If a part, or a side of one, could not be measured. */
export const hasFailed = (sections: readonly Section[]): boolean =>
  sections.some(({ failed, missing }) => failed !== undefined || missing.length > 0);

/** The lines below the sections. */
export const footText = ({ sections, seconds }: Pick<Report, 'sections' | 'seconds'>): string => {
  const budgets = sections.flatMap((section) => section.budgets.map((one) => ({ ...one, section: section.name })));
  const unmet = budgets.filter(({ met }) => met === false);
  const open = budgets.filter(({ met }) => met === undefined);
  return [
    `${budgets.length - unmet.length - open.length} of ${budgets.length} budgets met, ${open.length} not measured, in ${Math.round(seconds)} s`,
    ...sections.flatMap(({ name, failed, missing }) => [
      ...(failed === undefined ? [] : [`  ✗ ${name} failed: ${failed}`]),
      ...missing.map((peer) => `  ✗ ${name}: ${peer.name} failed: ${peer.reason}`),
    ]),
    ...unmet.map((one) => `  ✗ ${one.section}: ${one.name} ${one.limit}: ${one.measured}`),
  ].join('\n');
};
