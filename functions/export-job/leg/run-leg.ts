import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { watchStops } from '../../shared/partner/watch-stops.ts';
import type { Partner } from '../../shared/registry/types.ts';
import { hasWord } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { noteProgress } from '../../shared/store/exports.ts';
import type { Grant } from '../../shared/store/grant-item.ts';
import { ask, endExchange } from '../exchange/ask.ts';
import { poll } from '../exchange/poll.ts';
import { readFiles } from '../exchange/read-files.ts';
import { takeGroups } from '../exchange/take-groups.ts';
import { typeOfAll } from '../exchange/type-of-all.ts';
import { getRunning, type Job } from '../job.ts';
import { withCause, writeLeg, type NeverReason } from '../log.ts';
import { bounds, exchangeBounds, reachedBound } from '../reading/next-page.ts';
import type { NotReadReason } from '../reading/problems.ts';
import type { Committed, StateKey } from '../state/memory.ts';
import {
  resourcesTotalOf,
  typesDoneOf,
  type AskTask,
  type Delta,
  type FilesTask,
  type JobState,
  type PollTask,
  type Task,
} from '../state/state.ts';
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
  /** Where a former plan is told that its work is no longer needed: sealed for the job, in base64. */
  readonly closing?: string;
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

/** Runs a task that only exchanges have. */
const readExchange = (leg: Leg, task: AskTask | PollTask | FilesTask): Promise<Stop | undefined> => {
  const { exchange } = leg;
  if (exchange === undefined) throw new Error('no exchange');
  if (task.kind === 'ask') return ask(leg, exchange, task);
  if (exchange.lines?.allowed.size === 0) {
    endExchange(leg, { kind: 'planUnusable', type: typeOfAll(exchange.input), why: 'allEnded' });
    return Promise.resolve(undefined);
  }
  if (task.kind === 'poll') return poll(leg, exchange, task);
  const { input } = exchange;
  return input.kind === 'match' ? takeGroups(leg, exchange, input, task) : readFiles(leg, exchange, task);
};

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
    case 'ask':
    case 'poll':
    case 'files':
      return readExchange(leg, task);
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

/** Ends a leg of an exchange that must not continue. The next one leaves out what it may no longer read. */
const findExchangeEnd = async ({ exchange }: Leg): Promise<GatewayError | undefined> => {
  const end = await exchange?.findEnd();
  return end === undefined
    ? undefined
    : new GatewayError('access_denied', 'The exchange may read less than when this leg began.', { detail: end });
};

/** Reads the queue until it is done, or the partner, the payer, the grant or the export is stopped, narrowed or ends. */
const readWatched = async (leg: Leg, allowed: Yes, controller: AbortController): Promise<Stop> => {
  const { deps, item, calls } = leg;
  const watched = {
    partner: allowed.partner,
    payer: allowed.payer,
    ...(item.exchange === undefined
      ? { grant: { grantId: item.grantId, scope: allowed.granted }, checkScope: checkReadable(item, allowed) }
      : { findEnd: () => findExchangeEnd(leg) }),
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

const deltaOf = async ({
  before,
  next,
  referred,
  held,
  attachments,
  parts,
  problems,
  bytes,
  exchange,
}: Leg): Promise<Delta> => {
  const { known } = before;
  const {
    declared,
    refused,
    finished,
    withEverything,
    transactionTime,
    linesTotal,
    about,
    said,
    strangers,
    ...others
  } = next;
  for (const [type, count] of referred.unread)
    problems.add({ kind: 'referencesNotRead', type, count, why: 'references' });
  return {
    known: {
      ...others,
      ...(transactionTime === undefined ? {} : { transactionTime }),
      ...(linesTotal === undefined ? {} : { linesTotal }),
      ...(exchange === undefined ? {} : { about: Object.fromEntries(about) }),
      ...(said === undefined ? {} : { said }),
      ...(strangers === undefined ? {} : { strangers }),
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
    files: exchange?.files ?? [],
  };
};

/** The progress that a former plan reports while it works. */
const progressOf = ({ exchange, next: { queue } }: Leg) => {
  const progress = queue[0]?.kind === 'poll' ? exchange?.progress : undefined;
  return { payerProgress: progress?.text, pollAgainAt: progress?.againAt };
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
  const read = (): Promise<Stop> => readWatched(leg, allowed, controller);
  // For an exchange, the kick-off and the end write to the audit who was asked for and what came.
  const stop = await (item.exchange === undefined ? auditLeg(leg, read) : read());
  if (stop.kind === 'gone') return end(stop);
  const delta = await deltaOf(leg);
  const committed = await memory.commit(await keyOf(job, item), delta);
  const { known } = delta;
  const runs = await noteProgress(deps.exports, item, {
    resources: known.resources,
    resourcesTotal: resourcesTotalOf(known),
    ...typesDoneOf(known),
    ...(leg.attachments.count() === 0 ? {} : { attachments: leg.attachments.count() }),
    ...progressOf(leg),
  });
  const isLate = stop.kind === 'go' && job.remainingMs() < legReserveMs;
  const next: Next = !runs ? { kind: 'gone' } : isLate ? { kind: 'wait', seconds: 1, why: 'invocation' } : stop;
  const closing = leg.exchange?.closing;
  return { ...committed, ...(closing === undefined ? {} : { closing }), ...end(next) };
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
