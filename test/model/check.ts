import * as fc from 'fast-check';
import type { Command } from './commands.ts';
import { history } from './generate.ts';
import { BrokenPromise, noProgress, runHistory, type Progress } from './history.ts';
import { stores, type Store, type StoreName } from './store.ts';

/** Histories that share a store and a seed, so that a failure is found again without the earlier ones. */
const historiesAtOnce = 20;
/** Long enough to shorten a failing history, but finite. */
const shrinkMs = 60_000;

/** What to check, and how much of it. */
export interface Scope {
  readonly commands: number;
  readonly seed: number;
  readonly store: StoreName;
}

/** The promise that a history breaks; undefined if it keeps all. */
const broken = (store: Store, commands: readonly Command[]): Promise<BrokenPromise | undefined> =>
  runHistory(store, commands, noProgress()).then(
    () => undefined,
    (error: unknown) => (error instanceof BrokenPromise ? error : undefined),
  );

/** What may replace a step: nothing, or one of two concurrent calls. */
const plainer = (step: Command | undefined): Command[][] =>
  step?.kind === 'together' ? [[], [step.calls[0]], [step.calls[1]]] : [[]];

/**
 * Leaves out every unnecessary step, the last ones first, since the array's own shrinking seldom removes one from the
 * middle.
 */
const shorten = async (store: Store, found: readonly Command[], why: Error): Promise<Error> => {
  let [shortest, reason] = [found, why];
  for (let at = found.length - 1; at >= 0; at -= 1) {
    for (const instead of plainer(shortest[at])) {
      const tried = shortest.toSpliced(at, 1, ...instead);
      const still = await broken(store, tried);
      if (still === undefined) continue;
      [shortest, reason] = [tried, still];
      break;
    }
  }
  return reason;
};

const checkSome = async (seed: number, name: StoreName, progress: Progress): Promise<void> => {
  const store = await stores[name]();
  let running: Promise<unknown> = Promise.resolve();
  try {
    const property = fc.asyncProperty(history, async (commands) => {
      running = runHistory(store, commands, progress);
      await running;
    });
    const found = await fc.check(property, { seed, numRuns: historiesAtOnce, interruptAfterTimeLimit: shrinkMs });
    if (!found.failed) return;
    const [commands] = found.counterexample ?? [[]];
    const why = found.errorInstance instanceof Error ? found.errorInstance : new Error(String(found.errorInstance));
    const { message } = await shorten(store, commands, why);
    const repeat = `npm run test:model -- --commands 1 --seed ${seed} --store ${name}`;
    throw new Error(`Found by: ${repeat}\nThe shortest history that breaks a promise:\n${message}`);
  } finally {
    // The time limit stops the check, but not the history in progress.
    await running.catch(() => undefined);
    await store.close();
  }
};

/**
 * The result of each step of some histories, with one call at a time, since either of two concurrent calls may come
 * first.
 */
export const transcript = async (seed: number, histories: number, name: StoreName): Promise<string[]> => {
  const store = await stores[name]();
  const lines: string[] = [];
  try {
    for (const commands of fc.sample(history, { seed, numRuns: histories })) {
      const alone = commands.map((one) => (one.kind === 'together' ? one.calls[0] : one));
      lines.push(...(await runHistory(store, alone, noProgress())));
    }
  } finally {
    await store.close();
  }
  return lines;
};

/**
 * Runs random histories until this many commands were checked against the model.
 * @returns how many there were, and how they were answered
 * @throws Error with the shortest history that breaks a promise, and how to run it again
 */
export const checkHistories = async (
  { commands, seed, store }: Scope,
  report: (done: number) => void = () => undefined,
): Promise<Progress> => {
  const progress = noProgress();
  for (let run = 0; progress.commands < commands; run += 1) {
    await checkSome(seed + run, store, progress);
    report(progress.commands);
  }
  return progress;
};
