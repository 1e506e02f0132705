import { nowSeconds } from '../../shared/clock.ts';
import { scopeNow } from '../../shared/partner/live-grant.ts';
import { watchStops } from '../../shared/partner/watch-stops.ts';
import { facadeBase, payerBases } from '../../shared/registry/urls.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { noteProgress } from '../../shared/store/exports.ts';
import { getRunning, type Job } from '../job.ts';
import { writeLeg } from '../log.ts';
import { partWriter } from '../parts.ts';
import { wantedOf } from '../plan/wanted.ts';
import { tagger } from '../reading/identity.ts';
import { reachedBound } from '../reading/next-page.ts';
import { createProblemList } from '../reading/problem-list.ts';
import type { NotReadReason } from '../reading/problems.ts';
import { withCause } from '../say-cause.ts';
import type { Committed } from '../state/memory.ts';
import { resourcesTotalOf, typesDoneOf, type Delta, type JobState, type Task } from '../state/state.ts';
import { uuidOf } from '../uuid.ts';
import { auditLeg } from './audit-leg.ts';
import { checkAllowed, type Allowed } from './check-allowed.ts';
import { followReferences } from './follow-references.ts';
import type { Leg, Stop } from './leg.ts';
import { readSearch } from './read-search.ts';
import { readStatement } from './read-statement.ts';
import { dropIfCame, searchTypesInstead } from './search-types-instead.ts';
import { secondsLeft } from './seconds-left.ts';
import { dropIfBeyondScope } from './within-scope.ts';

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
  | { readonly kind: 'never'; readonly why: 'grantEnded' | 'partnerBlocked' };

/**
 * After this many milliseconds or this many bytes of NDJSON, a leg begins no further request. A request that has begun may
 * still wait for its turn.
 */
export const legBounds = { readMs: 20_000, bytes: 8 * 1024 * 1024 };

/** A token is not used in its last 60 seconds or, if it is short-lived, in the last half of its life. */
const tokenReserveSeconds = 60;

const tokenEndsAt = ({ payerTokenExpiresAt, payerTokenAt = 0 }: Export): number => {
  if (payerTokenExpiresAt === undefined) return Number.POSITIVE_INFINITY;
  return payerTokenExpiresAt - Math.min(tokenReserveSeconds, (payerTokenExpiresAt - payerTokenAt) / 2);
};

/** If the invocation has less time left than this, in milliseconds, the next leg runs in a new invocation. */
const legReserveMs = 420_000;

const nothing = { pages: 0, resources: 0, bytes: 0 };

const makeLeg = async (
  job: Job,
  item: Export,
  allowed: Extract<Allowed, { kind: 'yes' }>,
  state: JobState,
): Promise<Leg> => {
  const { deps } = job;
  const { partner, payer } = allowed;
  const wanted = wantedOf(scopeNow(item.scope, partner), item.types);
  const startedAt = deps.clock.monotonic();
  const untilAt = startedAt + legBounds.readMs;
  const parts = partWriter(deps, item.exportId, item.recipient, job.buffers);
  const stateKey = await job.stateKey(item);
  const controller = new AbortController();
  return {
    deps,
    item,
    payer,
    facade: facadeBase(deps.origin, payer.id),
    accessToken: await job.accessToken(item),
    isStillThere: async () => (await getRunning(deps, item.exportId)) !== undefined,
    stopped: controller.signal,
    stop: (reason) => controller.abort(reason),
    wanted,
    wantedAtKickOff: wantedOf(item.scope, item.types),
    rules: { patient: item.patient, bases: payerBases(payer), isWanted: wanted.isWanted },
    stateKey: { exportId: item.exportId, stateKey },
    state,
    tagOf: tagger(stateKey),
    parts,
    pageRoom: job.buffers.pageRoom,
    isFull: () => deps.clock.monotonic() >= untilAt || parts.bytes() >= legBounds.bytes,
    isTokenEnding: () => tokenEndsAt(item) <= nowSeconds(deps.clock),
    untilAt,
    queue: [...state.known.queue],
    planned: [...state.known.planned],
    declared: state.known.declared,
    finished: new Set(state.known.finished),
    withEverything: new Set(state.known.withEverything),
    came: new Set(),
    requestId: uuidOf(deps.randomBytes(16)),
    problems: createProblemList(state.known.reported),
    referred: [],
    unread: new Map(),
    transactionTime: state.known.transactionTime,
    pages: 0,
    resources: 0,
    references: 0,
  };
};

const readTask = (leg: Leg, task: Task): Promise<Stop | undefined> => {
  switch (task.kind) {
    case 'statement':
      return readStatement(leg, task);
    case 'search':
      return readSearch(leg, task);
    case 'references':
      return followReferences(leg, task);
  }
};

/** Reads the queue, one task at a time. */
const readQueue = async (leg: Leg): Promise<Stop> => {
  for (;;) {
    const task = leg.queue[0];
    if (task === undefined) return { kind: 'finish' };
    if (task.kind === 'search' && (dropIfBeyondScope(leg, task) || dropIfCame(leg, task))) continue;
    const stop = await readTask(leg, task);
    if (stop !== undefined) return stop;
    searchTypesInstead(leg);
  }
};

const over = new Error('The leg is over');

/** Reads the queue until it is done, or the partner, the payer, the grant or the export is stopped or ends. */
const readWatched = async (leg: Leg): Promise<Stop> => {
  const { deps, item, payer, isStillThere, stopped, stop } = leg;
  const watched = { partner: { clientId: item.partner }, payer, grantId: item.grantId, isStillThere };
  watchStops(deps, watched, { signal: stopped, end: (reason = over) => stop(reason) });
  try {
    return await readQueue(leg);
  } finally {
    stop(over);
  }
};

const deltaOf = async (leg: Leg): Promise<Delta> => {
  const { known } = leg.state;
  const { queue, planned, declared, finished, withEverything, referred, transactionTime } = leg;
  for (const [type, count] of leg.unread)
    leg.problems.add({ kind: 'referencesNotRead', type, count, why: 'references' });
  return {
    known: {
      ...known,
      ...(transactionTime === undefined ? {} : { transactionTime }),
      queue,
      planned,
      ...(declared === undefined ? {} : { declared }),
      ...(known.finished === undefined ? {} : { finished: [...finished], withEverything: [...withEverything] }),
      references: (known.references ?? 0) + leg.references,
      reported: leg.problems.counts(),
      pages: known.pages + leg.pages,
      resources: known.resources + leg.resources,
      bytes: known.bytes + leg.parts.bytes(),
    },
    parts: await leg.parts.put(),
    problems: leg.problems.listed(),
    referred,
  };
};

/** Reads the queue and writes the result. */
const readAndCommit = async (job: Job, leg: Leg): Promise<LegResult> => {
  const { deps, memory } = job;
  const startedAt = deps.clock.monotonic();
  const end = (next: Next): Pick<LegResult, 'next' | keyof typeof nothing> => {
    const counts = { pages: leg.pages, resources: leg.resources, bytes: leg.parts.bytes() };
    writeLeg(deps, leg.item, {
      requestId: leg.requestId,
      next: next.kind,
      ...('why' in next ? { detail: next.why } : {}),
      ...counts,
      ms: Math.round(deps.clock.monotonic() - startedAt),
    });
    return { next, ...counts };
  };
  const stop = await auditLeg(deps, leg, () => readWatched(leg));
  if (stop.kind === 'gone') return end(stop);
  const delta = await deltaOf(leg);
  const committed = await memory.commit(leg.stateKey, delta);
  const { known } = delta;
  const runs = await noteProgress(deps.exports, leg.item, {
    resources: known.resources,
    resourcesTotal: resourcesTotalOf(known),
    ...typesDoneOf(known),
  });
  const isLate = stop.kind === 'go' && job.remainingMs() < legReserveMs;
  const next: Next = !runs ? { kind: 'gone' } : isLate ? { kind: 'wait', seconds: 1, why: 'invocation' } : stop;
  return { ...committed, ...end(next) };
};

const boundOf = ({ deps }: Job, item: Export, { known }: JobState): NotReadReason | undefined =>
  reachedBound({ references: 0, ...known, seconds: nowSeconds(deps.clock) - item.startedAt }, deps.bounds);

/**
 * Reads one leg of an export: about 20 seconds, or 8 MB. It first checks that the export may still read. What it read
 * counts once its result is checkpointed.
 * @throws Error whose message holds nothing of the record
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
    const state = await memory.after({ exportId: item.exportId, stateKey: await job.stateKey(item) }, files);
    const why = boundOf(job, item, state);
    if (why !== undefined) return { next: { kind: 'bound', why }, ...nothing };
    return await readAndCommit(job, await makeLeg(job, item, allowed, state));
  } catch (error) {
    memory.forget();
    throw withCause(error);
  }
};
