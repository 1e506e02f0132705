import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { nowSeconds } from '../../shared/clock.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { isObject, parseObject } from '../../shared/json/json-object.ts';
import { dropSecrets } from '../../shared/store/exports.ts';
import { closeAtPlan, giveBack } from '../exchange/close.ts';
import type { JobDeps } from '../job/deps.ts';
import type { JobInput } from '../job/job-input.ts';
import { systemTokensOf, type Job } from '../job/job.ts';
import { loggedCause } from '../job/log.ts';
import { fail } from './finish.ts';

/**
 * Removes the job's secrets from an export that is overdue, since no end can be written to it. Does nothing to any other.
 * @throws Error with a message that contains nothing from the record
 */
export const dropSecretsIfOverdue = async ({ deps, exportId }: Pick<Job, 'deps' | 'exportId'>): Promise<void> => {
  try {
    await dropSecrets(deps.exports, { grantId: grantOfExport(exportId) ?? '', exportId }, nowSeconds(deps.clock));
  } catch (error) {
    throw loggedCause(deps, { exportId, jobStep: 'drop-secrets' }, error);
  }
};

type Invocation = Parameters<DurableLambdaHandler>[0];

const textIn = (input: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = input[name];
  return typeof value === 'string' ? value : undefined;
};

/** The export of an execution, from the execution's input. */
const jobOf = (
  deps: JobDeps,
  { DurableExecutionArn: arn, InitialExecutionState }: Invocation,
): (Pick<Job, 'deps' | 'exportId' | 'execution' | 'tokens'> & Pick<JobInput, 'owner'>) | undefined => {
  const [first] = InitialExecutionState.Operations;
  const input = parseObject(first?.ExecutionDetails?.InputPayload ?? '');
  if (!isObject(input)) return undefined;
  const exportId = textIn(input, 'exportId');
  if (exportId === undefined) return undefined;
  const execution = { arn, after: textIn(input, 'after') };
  return { deps, exportId, execution, owner: textIn(input, 'owner'), tokens: systemTokensOf(deps) };
};

/**
 * The engine can end an execution before the job handles it: AWS refuses a checkpoint, or a new version of the code has
 * different steps. This ends the export as failed; otherwise its item would stay `running`. If this
 * invocation is cut off, the engine runs it again.
 */
export const endIfFailed =
  (deps: JobDeps, handler: DurableLambdaHandler): DurableLambdaHandler =>
  async (event, context) => {
    const output = await handler(event, context);
    const job = jobOf(deps, event);
    // A literal, since using the SDK's enum would load it for one word.
    if ((output.Status as string) === 'FAILED' && job !== undefined) {
      const { status } = await fail(job, 'executionFailed');
      // An error would make the engine repeat the invocation. The table deletes the item soon.
      if (status === 'gone') await dropSecretsIfOverdue(job).catch(() => undefined);
      const { owner } = job;
      if (owner !== undefined) {
        await closeAtPlan(job, owner).catch(() => undefined);
        await giveBack(job, owner).catch(() => undefined);
      }
    }
    return output;
  };
