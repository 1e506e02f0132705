import { nowSeconds } from '../shared/clock.ts';
import { boundOf, type Export } from '../shared/store/export-item.ts';
import { beginExport, continueExport } from '../shared/store/exports.ts';
import { inStep } from './job/in-step.ts';
import { getRunning, type Job } from './job/job.ts';
import { checkAllowed, type Allowed } from './leg/check-allowed.ts';
import { secondsLeft } from './leg/leg-stop.ts';
import type { Committed } from './state/memory.ts';
import type { Delta, Task } from './state/state.ts';

const stateKeyBytes = 32;

/** What beginning gives: the state file to start from, or the reason why the export cannot run now. */
export type Begun =
  Committed | { readonly next: Exclude<Allowed, { kind: 'yes' }> | TooLate | { readonly kind: 'gone' } };

/** Nothing could be read in the time of an export. */
interface TooLate {
  readonly kind: 'never';
  readonly why: 'seconds';
}

/**
 * Returns the item with the job's state key, and makes the key unless an earlier try did. Undefined if the export is no
 * longer running, or if another execution has begun it, since a poll may have started the job twice.
 * @throws GatewayError `server_error` if somebody changed the item: whoever deletes the key has the job begin again, for the same
 * partner, payer, member and recipient
 */
const withStateKey = async (job: Job, item: Export): Promise<Export | undefined> => {
  const { deps, exportId, execution } = job;
  const { arn: executionArn } = execution;
  if (item.stateKey !== undefined) return item.executionArn === executionArn ? item : undefined;
  // The kick-off sealed what the state's key is bound to from here on.
  await (item.exchange === undefined ? job.credentials(item) : job.input(item));
  const key = deps.randomBytes(stateKeyBytes);
  const stateKey = await deps.sealForJob(exportId, 'state key', key, boundOf(item));
  const isWritten = await beginExport(deps.exports, item, { stateKey, executionArn, now: nowSeconds(deps.clock) });
  if (isWritten) return { ...item, stateKey };
  const begun = await getRunning(deps, exportId);
  return begun?.executionArn === executionArn ? begun : undefined;
};

const untried = { tries: 0, waits: 0, refusals: 0 } as const;

const attachments = { kind: 'attachments', file: 0, at: 0, ...untried } as const;

/** What an export does: it reads a member's record, or asks a former plan. */
const tasksOf = ({ exchange }: Pick<Export, 'exchange'>): readonly Task[] => {
  if (exchange === undefined) {
    return [{ kind: 'statement', ...untried }, { kind: 'references', file: 0, at: 0, ...untried }, attachments];
  }
  return exchange === 'match' ? [{ kind: 'ask', ...untried }] : [{ kind: 'ask', ...untried }, attachments];
};

/** Nothing is planned before the payer's statement was read. */
const firstDelta = (item: Pick<Export, 'exchange'>): Delta => ({
  known: {
    queue: tasksOf(item),
    planned: [],
    finished: [],
    ...(item.exchange === 'group' && { ownPatients: [] }),
    reported: {},
    pages: 0,
    resources: 0,
    bytes: 0,
  },
  parts: [],
  problems: [],
  referred: [],
});

/**
 * Begins an export: makes its state key, and writes the first state.
 * @throws Error with a message that contains nothing from the record
 */
export const begin = (job: Job): Promise<Begun> =>
  inStep(job, 'begin', async (found) => {
    const { deps, exportId, memory } = job;
    if (found === undefined) return { next: { kind: 'gone' } };
    const allowed = await checkAllowed(deps, found);
    if (allowed.kind === 'wait' && secondsLeft(deps, found) <= 0) return { next: { kind: 'never', why: 'seconds' } };
    if (allowed.kind !== 'yes') return { next: allowed };
    const item = await withStateKey(job, found);
    if (item === undefined) return { next: { kind: 'gone' } };
    memory.forget();
    return memory.commit({ exportId, stateKey: await job.stateKey(item) }, firstDelta(item));
  });

/**
 * Continues an export from the state that the previous execution left.
 * @throws Error with a message that contains nothing from the record
 */
export const goOn = (job: Job, state: string): Promise<Begun> =>
  inStep(job, 'begin', async (item) => {
    const goesOn = item !== undefined && (await continueExport(job.deps.exports, item, job.execution.arn));
    return goesOn ? { state, snapshot: true } : { next: { kind: 'gone' } };
  });
