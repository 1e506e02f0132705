import {
  StepError,
  withDurableExecution,
  type DurableContext,
  type DurableExecutionConfig,
  type DurableExecutionHandler,
  type DurableLambdaHandler,
} from '@aws/durable-execution-sdk-js';
import { endStaleInvocation } from '../shared/aws/stale-invocation.ts';
import { causeOf } from '../shared/errors.ts';
import { begin, goOn, type Begun } from './begin.ts';
import { dropSecretsIfOverdue, endIfFailed } from './end/end-if-failed.ts';
import { fail, finish, writeEndOfRecord, type Ended } from './end/finish.ts';
import { closeAtPlan, giveBack } from './exchange/close.ts';
import type { JobDeps } from './job/deps.ts';
import type { JobInput } from './job/job-input.ts';
import { startJob, type Job } from './job/job.ts';
import { longestTokenWait } from './leg/leg-stop.ts';
import type { NotReadReason } from './reading/problems.ts';
import { aFewTimes, patiently, untilItEnds } from './retries.ts';
import { runLeg, type AfterLeg, type LegResult } from './run-leg.ts';
import type { Committed } from './state/memory.ts';
import { mostOperations, startSuccessor, type Succeeded } from './successor.ts';
import { waitForToken } from './wait-for-token.ts';

/** The state files to read, oldest first, once another file is written. */
const afterFile = (files: readonly string[], { state, snapshot }: Partial<Committed>): readonly string[] => {
  if (state === undefined) return files;
  return snapshot === true ? [state] : [...files, state];
};

const gone: Ended = { status: 'gone', resources: 0 };

const end = async (
  job: Job,
  context: DurableContext,
  files: readonly string[],
  why?: NotReadReason,
): Promise<Ended> => {
  const written = await context.step('manifest', () => writeEndOfRecord(job, files, why), { retryStrategy: patiently });
  // A step without a result may come back as null.
  if (written?.digest === undefined) return gone;
  return context.step('finish', () => finish(job, written, why), { retryStrategy: untilItEnds });
};

const stop = (job: Job, context: DurableContext, why: string): Promise<Ended> =>
  context.step('stop', () => fail(job, why), { retryStrategy: untilItEnds });

/** Begins the export, or continues it after an earlier execution. Waits while the payer is paused or down. */
const beginning = async (job: Job, context: DurableContext, { state }: JobInput): Promise<Begun> => {
  const first = (): Promise<Begun> => (state === undefined ? begin(job) : goOn(job, state));
  for (;;) {
    const begun = await context.step('begin', first, { retryStrategy: patiently });
    if (!('next' in begun) || begun.next.kind !== 'wait') return begun;
    await context.wait('wait', { seconds: begun.next.seconds });
  }
};

/** Waits as a leg asks. Returns false if the export must end with what it has. */
const rest = async (
  job: Job,
  context: DurableContext,
  next: Extract<AfterLeg, { kind: 'wait' | 'token' }>,
): Promise<boolean> => {
  if (next.kind === 'token') return waitForToken(job, context, next);
  await context.wait('wait', { seconds: next.seconds });
  return true;
};

/** The operations in one turn of the job's loop: a leg, a callback and the callback's step. */
const operationsPerTurn = 3;

/** The whole job: it begins, runs legs with waits between them, and finishes. */
const run = async (job: Job, context: DurableContext, input: JobInput): Promise<Ended | Succeeded> => {
  const begun = await beginning(job, context, input);
  if ('next' in begun) return begun.next.kind === 'never' ? stop(job, context, begun.next.why) : gone;
  const mostTurns = (job.deps.mostOperations ?? mostOperations) / operationsPerTurn;
  let files = afterFile([], begun);
  for (let turn = 0; turn < mostTurns; turn += 1) {
    const { next, ...leg }: LegResult = await context.step('leg', () => runLeg(job, files), {
      retryStrategy: patiently,
    });
    files = afterFile(files, leg);
    switch (next.kind) {
      case 'go':
        break;
      case 'wait':
      case 'token':
        if (!(await rest(job, context, next))) {
          return end(job, context, files, next.seconds < longestTokenWait ? 'seconds' : 'tokenNotRenewed');
        }
        break;
      case 'bound':
        return end(job, context, files, next.why);
      case 'finish':
        return end(job, context, files);
      case 'never':
        return stop(job, context, next.why);
      case 'gone':
        return gone;
    }
  }
  return (await startSuccessor(job, context, input, files)) ?? gone;
};

const runOrStop = async (job: Job, context: DurableContext, input: JobInput): Promise<Ended | Succeeded> => {
  try {
    return await run(job, context, input);
  } catch (error) {
    // A step failed on its last try. The message of a StepError is ours, so it is safe to log.
    return stop(job, context, error instanceof StepError ? error.message : causeOf(error));
  }
};

/** The job as the engine runs it. */
export const runExport =
  (deps: JobDeps): DurableExecutionHandler<JobInput, Ended | Succeeded> =>
  async (input, context) => {
    const execution = { arn: context.executionContext.durableExecutionArn, after: input.after };
    const job = startJob(deps, input.exportId, execution, () => context.lambdaContext.getRemainingTimeInMillis());
    const ended = await runOrStop(job, context, input);
    if (ended.status === 'gone') {
      await context.step('drop-secrets', () => dropSecretsIfOverdue(job), { retryStrategy: patiently });
    }
    const { owner } = input;
    if (ended.status === 'succeeded' || owner === undefined) return ended;
    // If these fail, the exchange has ended all the same. It counts as running until the former plan is told.
    await context.step('close', () => closeAtPlan(job, owner), { retryStrategy: aFewTimes }).catch(() => undefined);
    await context.step('give-back', () => giveBack(job, owner), { retryStrategy: aFewTimes }).catch(() => undefined);
    return ended;
  };

/**
 * The job of an export: a Lambda durable function. The export's item in the table says what to read; the engine stores
 * names, counts and outcomes only. If the execution fails for a reason that no step can handle, the export ends as
 * failed.
 */
export const exportJob = (deps: JobDeps, config?: DurableExecutionConfig): DurableLambdaHandler =>
  endIfFailed(deps, endStaleInvocation(withDurableExecution(runExport(deps), config)));
