import type { Context } from 'aws-lambda';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';
import { checkPayer, longestCheckMs } from './check-payer.ts';
import { writePayer, writeRun, type Counts } from './report.ts';
import { planRun } from './sample.ts';
import { isTurn, watchDrift, type DriftWatchDeps } from './watch-drift.ts';

/**
 * The payers whose facade a run checks. Each costs two requests to our own origin, which counts them towards the web
 * ACL's limit of one address: by default 20,000 in five minutes.
 */
const mostFacades = 100;
/** Payers whose facade is checked at the same time: our own functions answer. */
const facadesAtOnce = 8;
/**
 * Payers checked at the same time, facades included. Each takes up to five connections, and a function may have 1,024
 * files open (AWS Lambda Developer Guide, "Lambda quotas").
 */
const payersAtOnce = 160;
/** Payers whose published documents are read at the same time: a CapabilityStatement may have 5 MB. */
const driftsAtOnce = 4;

/** Reserved to write the last lines. */
const reserveMs = 2000;

type CanaryContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;

/**
 * Checks every payer from outside, on a schedule. A payer's line and metric say what is wrong with it. In a large stage
 * it checks the facades of some payers in each run, and writes lines for those and for whatever is not well. Its last line
 * is the run's, whose metric says whether it went well. Once a day it compares what a payer publishes with its profile.
 * @throws Error if the function's time did not suffice for all payers, which says nothing about them
 */
export const canaryHandler =
  (deps: DriftWatchDeps) =>
  async (event: unknown, context: CanaryContext): Promise<void> => {
    const { clock } = deps;
    const run = { requestId: context.awsRequestId, startedAtMs: clock.monotonic() };
    const { entries: directory, isWhole } = await deps.registry.directory();
    const random = Buffer.from(deps.randomBytes(4)).readUInt32BE() / 2 ** 32;
    const atMs = dueMs(event, clock.now());
    const { whole, endpointsOnly } = planRun(directory, { atMs, most: mostFacades, random });
    const counts: Counts = { payers: directory.length, checked: 0, failed: 0, paused: 0 };

    const check = async (entry: DirectoryEntry, facade: boolean): Promise<void> => {
      const began = { startedAtMs: clock.monotonic(), timeMs: clock.now() };
      const result = await checkPayer(deps, entry, { facade });
      if (result === 'gone') return;
      const isPaused = result === 'paused';
      const isFailed = !isPaused && result.findings.length > 0;
      counts[isPaused ? 'paused' : 'checked'] += 1;
      if (isFailed) counts.failed += 1;
      if (facade || isPaused || isFailed) writePayer(deps, { ...run, ...began, payer: entry.id, result });
    };
    const waiting = [...whole];
    const others = [...endpointsOnly];
    const compared = directory.filter((entry) => isTurn(entry, atMs));
    const hasTime = (): boolean => context.getRemainingTimeInMillis() > longestCheckMs + reserveMs;
    const work = async (queue: DirectoryEntry[], on: (entry: DirectoryEntry) => Promise<void>): Promise<void> => {
      for (let entry = next(queue, hasTime); entry !== undefined; entry = next(queue, hasTime)) {
        await on(entry);
      }
    };
    const workers = (
      count: number,
      queue: DirectoryEntry[],
      on: (entry: DirectoryEntry) => Promise<void>,
    ): Promise<void>[] => Array.from({ length: count }, () => work(queue, on));
    await Promise.all([
      ...workers(facadesAtOnce, waiting, (entry) => check(entry, true)),
      ...workers(payersAtOnce - facadesAtOnce, others, (entry) => check(entry, false)),
    ]);
    // Of the time that is left; a payer that finds none is compared on the next day.
    await Promise.all(workers(driftsAtOnce, compared, (entry) => watchDrift(deps, entry, run.requestId)));
    writeRun(deps, run, {
      ...counts,
      isWell: counts.checked > counts.failed || (isWhole && counts.paused === counts.payers),
    });
    const left = new Set([...waiting, ...others]).size;
    if (left > 0) throw new Error(`There was no time for ${left} payers`);
  };

const next = (queue: DirectoryEntry[], hasTime: () => boolean): DirectoryEntry | undefined =>
  queue.length > 0 && hasTime() ? queue.shift() : undefined;

/** When the schedule was due: the same for every run of it, however late it starts. */
const dueMs = (event: unknown, nowMs: number): number => {
  const { time } = (event ?? {}) as { readonly time?: unknown };
  const ms = typeof time === 'string' ? Date.parse(time) : NaN;
  return Number.isNaN(ms) ? nowMs : ms;
};
