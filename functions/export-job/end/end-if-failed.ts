import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { isObject, parseObject } from '../../shared/json-object.ts';
import type { JobDeps } from '../deps.ts';
import { fail } from './finish.ts';

type Invocation = Parameters<DurableLambdaHandler>[0];

/** The id of an execution's export, from the execution's input. */
const exportOf = ({ InitialExecutionState }: Invocation): string | undefined => {
  const [execution] = InitialExecutionState.Operations;
  const input = parseObject(execution?.ExecutionDetails?.InputPayload ?? '');
  const exportId = isObject(input) ? input['exportId'] : undefined;
  return typeof exportId === 'string' ? exportId : undefined;
};

/**
 * The engine can end an execution before the job handles it: AWS refuses a checkpoint, or a new version of the code has
 * different steps. This ends the export as failed; otherwise its item would stay `running`.
 */
export const endIfFailed =
  (deps: JobDeps, handler: DurableLambdaHandler): DurableLambdaHandler =>
  async (event, context) => {
    const output = await handler(event, context);
    const exportId = exportOf(event);
    // A literal, since using the SDK's enum would load it for one word.
    if ((output.Status as string) === 'FAILED' && exportId !== undefined)
      await fail({ deps, exportId }, 'executionFailed');
    return output;
  };
