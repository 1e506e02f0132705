import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { inStep } from './job/in-step.ts';
import { executionName, type JobInput } from './job/job-input.ts';
import type { Job } from './job/job.ts';
import { patiently } from './retries.ts';
import type { Committed } from './state/memory.ts';

/*
 * AWS ends an execution at 3,000 operations or 100 MB of history. A step's result is under 4 KB, so the limit of
 * operations is always reached first. The number of executions has no bound but the time for reading, so the function is
 * allowed to start itself more often than Lambda's detection of loops lets others do (lib/durable-function.ts).
 */
export const mostOperations = 2500;

/** The result of an execution that another one continues. */
export interface Succeeded {
  readonly status: 'succeeded';
  readonly by: string;
}

/** Writes a snapshot of the state, unless the export is gone. */
const writeSnapshot = (job: Job, files: readonly string[]): Promise<Committed | undefined> =>
  inStep(job, 'snapshot', async (item) => {
    const { exportId, memory } = job;
    if (item === undefined) return undefined;
    const key = { exportId, stateKey: await job.stateKey(item) };
    const { known } = await memory.after(key, files);
    return memory.commit(key, { known, parts: [], problems: [], referred: [] }, { snapshot: true });
  });

const start = (job: Job, name: string, input: JobInput): Promise<void> =>
  inStep(job, 'successor', () => job.deps.startExecution(name, input));

/** Starts the next execution. The state is written first, so that a repeated start has the same input. */
export const startSuccessor = async (
  job: Job,
  context: DurableContext,
  { exportId, run = 1, owner }: JobInput,
  files: readonly string[],
): Promise<Succeeded | undefined> => {
  const snapshot = await context.step('snapshot', () => writeSnapshot(job, files), { retryStrategy: patiently });
  // A step without a result may come back as null.
  if (snapshot?.state === undefined) return undefined;
  const next = {
    exportId,
    run: run + 1,
    state: snapshot.state,
    after: job.execution.arn,
    ...(owner === undefined ? {} : { owner }),
  };
  const by = executionName(exportId, next.run);
  await context.step('successor', () => start(job, by, next), { retryStrategy: patiently });
  return { status: 'succeeded', by };
};
