import { nowSeconds } from '../shared/clock.ts';
import { watchStops } from '../shared/partner/watch-stops.ts';
import type { Export } from '../shared/store/export-item.ts';
import { noteProgress } from '../shared/store/exports.ts';
import { startExchange } from './exchange/start-exchange.ts';
import { inStep } from './job/in-step.ts';
import type { Job } from './job/job.ts';
import { writeLeg, type NeverReason } from './job/log.ts';
import { checkAllowed, type Permitted } from './leg/check-allowed.ts';
import { secondsLeft, type LegStop } from './leg/leg-stop.ts';
import type { Started } from './leg/leg.ts';
import { bounds, exchangeBounds, reachedBound } from './reading/next-page.ts';
import type { NotReadReason } from './reading/problems.ts';
import { auditLeg } from './record/audit-leg.ts';
import { startRecord } from './record/start-record.ts';
import type { Committed, StateKey } from './state/memory.ts';
import { closeKnown } from './state/next-known.ts';
import { resourcesTotalOf, typesDoneOf, type Delta, type JobState } from './state/state.ts';

/** The content of a leg's checkpoint: names and counts only. */
export interface LegResult extends Partial<Committed> {
  readonly next: AfterLeg;
  readonly pages: number;
  readonly resources: number;
  readonly bytes: number;
}

/** What to do after a leg. */
export type AfterLeg =
  | LegStop
  /** No one may download what was read. */
  | { readonly kind: 'never'; readonly why: NeverReason };

/** If the invocation has less time left than this, in milliseconds, the next leg runs in a new invocation. */
const legReserveMs = 420_000;

const nothing = { pages: 0, resources: 0, bytes: 0 };

const over = new Error('The leg is over');

/** Reads the queue until it is done, or the partner, the payer, the grant or the export is stopped, narrowed or ends. */
const readWatched = async (
  { leg, read, watched }: Started,
  { partner, payer }: Permitted,
  controller: AbortController,
): Promise<LegStop> => {
  const stop = (reason: Error = over): void => controller.abort(reason);
  const { isStillThere } = leg.calls;
  watchStops(leg.deps, { partner, payer, isStillThere, ...watched }, { signal: controller.signal, end: stop });
  try {
    return await read();
  } finally {
    stop();
  }
};

const deltaOf = async ({ leg, added }: Started): Promise<Delta> => {
  const {
    before: { known },
    next,
    held,
    attachments,
    parts,
    problems,
    bytes,
  } = leg;
  const own = added();
  return {
    known: closeKnown(next, known, { reported: problems.counts(), bytes: known.bytes + bytes() }),
    parts: await parts.put(),
    problems: problems.listed(),
    held: await held.put(),
    attachments: attachments.written,
    ...own,
  };
};

/** Reads the queue and writes the result. */
const readAndCommit = async (job: Job, item: Export, allowed: Permitted, state: JobState): Promise<LegResult> => {
  const { deps, memory } = job;
  const startedAt = deps.clock.monotonic();
  const controller = new AbortController();
  const isExchange = item.exchange !== undefined;
  const started = await (isExchange ? startExchange : startRecord)(job, item, allowed, state, controller.signal);
  const { leg } = started;
  const before = state.known;
  const end = (next: AfterLeg): Pick<LegResult, 'next' | keyof typeof nothing> => {
    const counts = {
      pages: leg.next.pages - before.pages,
      resources: leg.next.resources - before.resources,
      bytes: leg.bytes(),
    };
    writeLeg(deps, item, {
      requestId: leg.requestId,
      next: next.kind,
      ...('why' in next ? { detail: next.why } : {}),
      ...counts,
      ms: Math.round(deps.clock.monotonic() - startedAt),
    });
    return { next, ...counts };
  };
  const read = (): Promise<LegStop> => readWatched(started, allowed, controller);
  // For an exchange, the kick-off and the end write to the audit who was asked for and what came.
  const stop = await (isExchange ? read() : auditLeg(leg, read));
  if (stop.kind === 'gone') return end(stop);
  const delta = await deltaOf(started);
  const committed = await memory.commit(await keyOf(job, item), delta);
  const { known } = delta;
  const runs = await noteProgress(deps.exports, item, {
    resources: known.resources,
    resourcesTotal: resourcesTotalOf(known),
    ...typesDoneOf(known),
    ...(leg.attachments.count() === 0 ? {} : { attachments: leg.attachments.count() }),
    ...started.progress?.(),
  });
  const isLate = stop.kind === 'go' && job.remainingMs() < legReserveMs;
  const next: AfterLeg = !runs ? { kind: 'gone' } : isLate ? { kind: 'wait', seconds: 1, why: 'invocation' } : stop;
  return { ...committed, ...end(next) };
};

const keyOf = async (job: Job, item: Export): Promise<StateKey> => ({
  exportId: item.exportId,
  stateKey: await job.stateKey(item),
});

const boundOf = ({ deps }: Job, item: Export, { known }: JobState): NotReadReason | undefined =>
  reachedBound(
    { references: 0, ...known, seconds: nowSeconds(deps.clock) - item.startedAt },
    deps.bounds ?? (item.exchange === undefined ? bounds : exchangeBounds),
  );

/**
 * Reads one leg of an export: about 20 seconds, or 8 MB. It first checks that the export may still read. What it read
 * counts once its result is checkpointed.
 * @throws Error whose message holds nothing from the record
 */
export const runLeg = (job: Job, files: readonly string[]): Promise<LegResult> =>
  inStep(job, 'leg', async (item) => {
    const { deps, memory } = job;
    if (item === undefined) return { next: { kind: 'gone' }, ...nothing };
    const allowed = await checkAllowed(deps, item);
    if (allowed.kind === 'wait' && secondsLeft(deps, item) <= 0)
      return { next: { kind: 'bound', why: 'seconds' }, ...nothing };
    if (allowed.kind !== 'yes') return { next: allowed, ...nothing };
    const state = await memory.after(await keyOf(job, item), files);
    const why = boundOf(job, item, state);
    if (why !== undefined) return { next: { kind: 'bound', why }, ...nothing };
    return readAndCommit(job, item, allowed, state);
  });
