/** Tries whether the report names a step that became slower, and no other step: work is planted in each in turn. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { movedSince, ratiosOf, type Ratio } from './moved.ts';
import type { Plant } from './plant.ts';
import { inWords, type Machine, type Section } from './report.ts';
import type { TrialOrder } from './trial-order.ts';

/** A step that work is planted in. */
export interface PlantedStep {
  readonly step: string;
  readonly part: string;
  readonly to: Plant['to'];
  /** Steps of the report that hold it too. */
  readonly within?: readonly string[];
}

/** One run, and what was planted in it. */
export interface TrialRun {
  readonly planted?: PlantedStep & { readonly ms: number };
  readonly ratios: readonly Ratio[];
}

/** The part of a trial that is kept. Nothing is planted in its first two runs. */
export interface KeptTrial {
  readonly at: string;
  readonly machine: Machine;
  readonly runs: readonly TrialRun[];
}

/** The file of the last trial that was kept. */
export const keptTrial = join(import.meta.dirname, 'planted.json');

const plantedSteps: readonly PlantedStep[] = [
  { step: 'authorize', part: 'authorize', to: 'authorize' },
  { step: 'callback', part: 'sign-in', to: 'callback', within: ['pair'] },
  { step: 'token', part: 'sign-in', to: 'token', within: ['pair'] },
  { step: 'refresh', part: 'refresh', to: 'token' },
  { step: 'fetch', part: 'fetch', to: 'fetch' },
  { step: 'first-calls: fetch', part: 'first-calls', to: 'fetch' },
];

/** How much of a step's wall time is planted in it. */
const share = 0.3;
const plan = { rounds: 24, operations: 20, warmUpOperations: 500 };
const parts = [...new Set(plantedSteps.map(({ part }) => part))];

const measureTrial = async (plant?: TrialOrder['plant']): Promise<readonly Section[]> => {
  const child = fork(join(import.meta.dirname, 'trial.ts'), { serialization: 'advanced' });
  const order: TrialOrder = { plan, plant, parts };
  child.send(order);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The trial's process ended with ${String(code)}`);
  });
  const [sections] = (await Promise.race([once(child, 'message'), ended])) as [readonly Section[]];
  await ended.catch(() => undefined);
  return sections;
};

/** What a step of the gateway takes, in milliseconds. @throws Error if it was not measured */
const msOf = (sections: readonly Section[], step: string): number => {
  const [name, of = name] = step.split(': ');
  const rows = sections.find((section) => section.name === name)?.rows;
  const found = rows?.find((row) => row.kind === 'ours' && row.name === of);
  if (found === undefined) throw new Error(`${step} was not measured`);
  return found.wallMs.median;
};

/** Runs twice with nothing planted, and then once with work in each step. */
export const runTrials = async (tell: (line: string) => void): Promise<readonly TrialRun[]> => {
  const first = await measureTrial();
  tell('measured with nothing planted');
  const runs: TrialRun[] = [{ ratios: first.flatMap(ratiosOf) }];
  runs.push({ ratios: (await measureTrial()).flatMap(ratiosOf) });
  tell('measured again with nothing planted');
  for (const planted of plantedSteps) {
    const ms = share * msOf(first, planted.step);
    const sections = await measureTrial({ part: planted.part, to: planted.to, ms });
    runs.push({ planted: { ...planted, ms }, ratios: sections.flatMap(ratiosOf) });
    tell(`measured with ${ms.toFixed(2)} ms planted in ${planted.step}`);
  }
  return runs;
};

/** The steps that a run names as slower than the first one. */
export const namedSlower = (run: TrialRun, first: TrialRun): ReadonlySet<string> =>
  new Set(
    movedSince(run.ratios, first.ratios).flatMap(({ step, spread, was }) => (spread.median > was.median ? [step] : [])),
  );

const ratioOf = ({ ratios }: TrialRun, step: string, time: string): string => {
  const found = ratios.find((ratio) => ratio.step === step && ratio.name.endsWith(time));
  return found === undefined ? '–' : inWords(found.spread);
};

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** What each run named, in Markdown. */
export const trialText = ([first, ...runs]: readonly TrialRun[]): string => {
  if (first === undefined) return 'Nothing was measured.';
  const head = ['planted in', 'ms', 'wall time, before', 'with it', 'CPU time, before', 'with it', 'named'];
  const rows = runs.map((run) => {
    const named = [...namedSlower(run, first)].join(', ') || 'none';
    if (run.planted === undefined) return ['nothing', '', '', '', '', '', named];
    const { step, ms } = run.planted;
    const cells = ['wall time', 'CPU time'].flatMap((time) => [ratioOf(first, step, time), ratioOf(run, step, time)]);
    return [step, ms.toFixed(2), ...cells, named];
  });
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
};
