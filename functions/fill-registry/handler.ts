import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { nowSeconds } from '../shared/deps.ts';
import { causeOf } from '../shared/errors.ts';
import { entriesOf, newEntryItem } from '../shared/registry/entry-items.ts';
import { answer, type Outcome } from './answer.ts';
import type { FillDeps } from './deps.ts';
import { putItems, Unfinished, type Counts } from './put-items.ts';

/** Kept for the last call to DynamoDB and the answer. */
const reserveMs = 45_000;

type FillContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis' | 'invokedFunctionArn'>;

interface Done extends Outcome {
  readonly counts?: Counts;
}

const fill = async (deps: FillDeps, context: FillContext): Promise<Done> => {
  try {
    const untilMs = deps.clock.monotonic() + context.getRemainingTimeInMillis() - reserveMs;
    const { table, registry } = deps.open();
    const by = { changedAt: nowSeconds(deps.clock), changedBy: context.invokedFunctionArn, reason: 'first deployment' };
    const items = [...entriesOf(registry)].map(([entryId, entry]) => newEntryItem(entryId, entry, by));
    const counts = await putItems({ deps, table, untilMs }, items);
    return { status: 'SUCCESS', reason: `${counts.put} items were put, ${counts.kept} were there.`, counts };
  } catch (error) {
    const why = error instanceof Unfinished ? error.message : causeOf(error);
    return {
      status: 'FAILED',
      reason: `The registry was not filled: ${why}. Deploy again; what was written stays as it is.`,
    };
  }
};

/** What is in the table is changed by people from now on. */
const nothingToDo: Done = { status: 'SUCCESS', reason: 'Only a new registry is filled.' };

/**
 * Fills the registry for CloudFormation, which calls it when a stage first gets the table, and again when it repeats a
 * call. An update or removal of the resource changes nothing. Every call is answered, or the deployment would hang.
 * @throws Error if CloudFormation could not be answered, so that Lambda calls it again
 */
export const fillRegistryHandler =
  (deps: FillDeps) =>
  async (event: CloudFormationCustomResourceEvent, context: FillContext): Promise<void> => {
    const startedAtMs = deps.clock.monotonic();
    const done = event.RequestType === 'Create' ? await fill(deps, context) : nothingToDo;
    deps.writeLog(
      JSON.stringify({
        level: done.status === 'SUCCESS' ? 'info' : 'error',
        time: new Date(deps.clock.now()).toISOString(),
        requestId: context.awsRequestId,
        function: 'fill-registry',
        step: event.RequestType,
        detail: done.reason,
        ...done.counts,
        ms: Math.round(deps.clock.monotonic() - startedAtMs),
      }),
    );
    await answer(deps, event, done);
  };
