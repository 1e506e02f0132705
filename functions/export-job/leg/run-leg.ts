import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { watchStops } from '../../shared/partner/watch-stops.ts';
import type { Partner } from '../../shared/registry/types.ts';
import { hasWord } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { noteProgress } from '../../shared/store/exports.ts';
import type { Grant } from '../../shared/store/grant-item.ts';
import { getRunning, type Job } from '../job.ts';
import { withCause, writeLeg, type NeverReason } from '../log.ts';
import { reachedBound } from '../reading/next-page.ts';
import type { NotReadReason } from '../reading/problems.ts';
import type { Committed, StateKey } from '../state/memory.ts';
import { resourcesTotalOf, typesDoneOf, type Delta, type JobState, type Task } from '../state/state.ts';
import { auditLeg } from './audit-leg.ts';
import { checkAllowed, type Allowed } from './check-allowed.ts';
import { fetchAttachments } from './fetch-attachments.ts';
import { followReferences } from './follow-references.ts';
import { makeLeg, readableNow, type Leg } from './leg.ts';
import { nextTask, searchTypesInstead } from './queue.ts';
import { readSearch } from './read-search.ts';
import { readStatement } from './read-statement.ts';
import { secondsLeft, type Stop } from './stop.ts';

/** The content of a leg's checkpoint: names and counts only. */
export interface LegResult extends Partial<Committed> {
  readonly next: Next;
  readonly pages: number;
  readonly resources: number;
  readonly bytes: number;
}

/** What to do after a leg. */
export type Next =
  | Stop
  /** No one may download what was read. */
  | { readonly kind: 'never'; readonly why: NeverReason };

/** If the invocation has less time left than this, in milliseconds, the next leg runs in a new invocation. */
const legReserveMs = 420_000;

const nothing = { pages: 0, resources: 0, bytes: 0 };

const readTask = (leg: Leg, task: Task): Promise<Stop | undefined> => {
  switch (task.kind) {
    case 'statement':
      return readStatement(leg, task);
    case 'search':
      return readSearch(leg, task);
    case 'references':
      return followReferences(leg, task);
    case 'attachments':
      return fetchAttachments(leg, task);
  }
};

/** Reads the queue, one task at a time. */
const readQueue = async (leg: Leg): Promise<Stop> => {
  for (;;) {
    const task = nextTask(leg);
    if (task === undefined) return { kind: 'finish' };
    const stop = await readTask(leg, task);
    if (stop !== undefined) return stop;
    searchTypesInstead(leg);
  }
};

const over = new Error('The leg is over');

type Yes = Extract<Allowed, { kind: 'yes' }>;

/** Checks that all is still permitted that was when the leg began. The next leg reads what is left. */
const checkReadable =
  (item: Export, { granted, partner }: Yes) =>
  ({ scope }: Pick<Grant, 'scope'>, registered: Partner): void => {
    const now = readableNow(item, scope, registered);
    if (readableNow(item, granted, partner).every(({ word }) => hasWord(now, word))) return;
    throw new GatewayError('insufficient_scope', 'The export may read less than when this leg began.');
  };

/** Reads the queue until it is done, or the partner, the payer, the grant or the export is stopped, narrowed or ends. */
const readWatched = async (leg: Leg, allowed: Yes, controller: AbortController): Promise<Stop> => {
  const { deps, item, calls } = leg;
  const watched = {
    partner: allowed.partner,
    payer: allowed.payer,
    grant: { grantId: item.grantId, scope: allowed.granted },
    checkScope: checkReadable(item, allowed),
    isStillThere: calls.isStillThere,
  };
  const stop = (reason: Error = over): void => controller.abort(reason);
  watchStops(deps, watched, { signal: controller.signal, end: stop });
  try {
    return await readQueue(leg);
  } finally {
    stop();
  }
};

const deltaOf = async ({ before, next, referred, held, attachments, parts, problems, bytes }: Leg): Promise<Delta> => {
  const { known } = before;
  const { declared, refused, finished, withEverything, transactionTime, ...others } = next;
  for (const [type, count] of referred.unread)
    problems.add({ kind: 'referencesNotRead', type, count, why: 'references' });
  return {
    known: {
      ...others,
      ...(transactionTime === undefined ? {} : { transactionTime }),
      ...(declared === undefined ? {} : { declared }),
      ...(refused === undefined ? {} : { refused }),
      // The state of an earlier version does not have them.
      ...(known.finished === undefined ? {} : { finished: [...finished], withEverything: [...withEverything] }),
      reported: problems.counts(),
      bytes: known.bytes + bytes(),
    },
    parts: await parts.put(),
    problems: problems.listed(),
    referred: referred.names,
    held: await held.put(),
    attachments: attachments.written,
  };
};

/** Reads the queue and writes the result. */
const readAndCommit = async (job: Job, item: Export, allowed: Yes, state: JobState): Promise<LegResult> => {
  const { deps, memory } = job;
  const startedAt = deps.clock.monotonic();
  const controller = new AbortController();
  const leg = await makeLeg(job, item, allowed, state, controller.signal);
  const before = state.known;
  const end = (next: Next): Pick<LegResult, 'next' | keyof typeof nothing> => {
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
  const stop = await auditLeg(leg, () => readWatched(leg, allowed, controller));
  if (stop.kind === 'gone') return end(stop);
  const delta = await deltaOf(leg);
  const committed = await memory.commit(await keyOf(job, item), delta);
  const { known } = delta;
  const runs = await noteProgress(deps.exports, item, {
    resources: known.resources,
    resourcesTotal: resourcesTotalOf(known),
    ...typesDoneOf(known),
    ...(leg.attachments.count() === 0 ? {} : { attachments: leg.attachments.count() }),
  });
  const isLate = stop.kind === 'go' && job.remainingMs() < legReserveMs;
  const next: Next = !runs ? { kind: 'gone' } : isLate ? { kind: 'wait', seconds: 1, why: 'invocation' } : stop;
  return { ...committed, ...end(next) };
};

const keyOf = async (job: Job, item: Export): Promise<StateKey> => ({
  exportId: item.exportId,
  stateKey: await job.stateKey(item),
});

const boundOf = ({ deps }: Job, item: Export, { known }: JobState): NotReadReason | undefined =>
  reachedBound({ references: 0, ...known, seconds: nowSeconds(deps.clock) - item.startedAt }, deps.bounds);

/**
 * Reads one leg of an export: about 20 seconds, or 8 MB. It first checks that the export may still read. What it read
 * counts once its result is checkpointed.
 * @throws Error whose message holds nothing from the record
 */
export const runLeg = async (job: Job, files: readonly string[]): Promise<LegResult> => {
  const { deps, memory } = job;
  try {
    const item = await getRunning(deps, job.exportId);
    if (item === undefined) return { next: { kind: 'gone' }, ...nothing };
    const allowed = await checkAllowed(deps, item);
    if (allowed.kind === 'wait' && secondsLeft(deps, item) <= 0)
      return { next: { kind: 'bound', why: 'seconds' }, ...nothing };
    if (allowed.kind !== 'yes') return { next: allowed, ...nothing };
    const state = await memory.after(await keyOf(job, item), files);
    const why = boundOf(job, item, state);
    if (why !== undefined) return { next: { kind: 'bound', why }, ...nothing };
    return await readAndCommit(job, item, allowed, state);
  } catch (error) {
    memory.forget();
    throw withCause(error);
  }
};
