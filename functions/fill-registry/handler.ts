import { ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { nowSeconds } from '../shared/clock.ts';
import { causeOf } from '../shared/errors.ts';
import { dataVersionResource } from '../shared/registry/data-version.ts';
import { entriesOf, newEntryItem } from '../shared/registry/entry-items.ts';
import { answer, type Outcome } from './answer.ts';
import type { FillDeps } from './deps.ts';
import { keepDataVersion } from './keep-data-version.ts';
import { putItems, type Counts } from './put-items.ts';
import { Unfinished } from './try-again.ts';

/** Kept for the last call to DynamoDB and the answer. */
const reserveMs = 45_000;

type FillContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis' | 'invokedFunctionArn'>;

interface Done extends Outcome {
  readonly counts?: Counts;
  /** Whether something failed that the deployment goes on without. */
  readonly isError?: true;
}

const untilMsOf = ({ clock }: FillDeps, context: FillContext): number =>
  clock.monotonic() + context.getRemainingTimeInMillis() - reserveMs;

const whyOf = (error: unknown): string => (error instanceof Unfinished ? error.message : causeOf(error));

const fill = async (deps: FillDeps, context: FillContext): Promise<Done> => {
  try {
    const untilMs = untilMsOf(deps, context);
    const { table, registry } = deps.open();
    const by = { changedAt: nowSeconds(deps.clock), changedBy: context.invokedFunctionArn, reason: 'first deployment' };
    const items = [...entriesOf(registry)].map(([entryId, entry]) => newEntryItem(entryId, entry, by));
    const counts = await putItems({ deps, table, untilMs }, items);
    return { status: 'SUCCESS', reason: `${counts.put} items were put, ${counts.kept} were there.`, counts };
  } catch (error) {
    return {
      status: 'FAILED',
      reason: `The registry was not filled: ${whyOf(error)}. Deploy again; what was written stays as it is.`,
    };
  }
};

/** What is in the table is changed by people from now on. */
const nothingToDo: Done = { status: 'SUCCESS', reason: 'Only a new registry is filled.' };

/** Why older code may run over a data version. Numbers only, as the stack writes it; anything else allows nothing. */
const whyAllowed =
  ({ RequestType, ResourceProperties: { AllowOlder: text } }: CloudFormationCustomResourceEvent) =>
  (number: number): string | undefined => {
    if (typeof text === 'string' && /^\d+$/.test(text) && Number(text) === number) return 'as was allowed';
    return RequestType === 'Create' ? undefined : 'since no update is refused';
  };

const checkDataVersion = async (
  deps: FillDeps,
  event: CloudFormationCustomResourceEvent,
  context: FillContext,
): Promise<Done> => {
  try {
    const { table } = deps.open();
    const by = { changedAt: nowSeconds(deps.clock), changedBy: context.invokedFunctionArn };
    return await keepDataVersion({ deps, table, untilMs: untilMsOf(deps, context) }, whyAllowed(event), by);
  } catch (error) {
    const why = whyOf(error);
    if (event.RequestType === 'Create') {
      return { status: 'FAILED', reason: `The data version of the tables was not checked: ${why}. Deploy again.` };
    }
    // A rollback to a table that somebody deleted.
    if (error instanceof Unfinished && error.cause instanceof ResourceNotFoundException) {
      return { status: 'SUCCESS', reason: 'There is no table Registry to keep the data version in.' };
    }
    // A rollback that is refused leaves a stack that only AWS's own tools can mend.
    return {
      status: 'SUCCESS',
      isError: true,
      reason: `The data version was not kept in the table Registry: ${why}. The next deployment of another data version checks it again.`,
    };
  }
};

const nothingToCheck: Done = { status: 'SUCCESS', reason: 'Only another data version or table is checked.' };

/** A table that was made anew does not hold the data version yet. */
const isForAnotherTable = (event: CloudFormationCustomResourceEvent): boolean =>
  event.RequestType === 'Update' &&
  event.ResourceProperties['Table'] !== (event.OldResourceProperties as { Table?: unknown }).Table;

const doneFor = async (
  deps: FillDeps,
  event: CloudFormationCustomResourceEvent,
  context: FillContext,
): Promise<Done> => {
  const isCreate = event.RequestType === 'Create';
  if (event.ResourceType === dataVersionResource) {
    return isCreate || isForAnotherTable(event) ? checkDataVersion(deps, event, context) : nothingToCheck;
  }
  return isCreate ? fill(deps, context) : nothingToDo;
};

/**
 * Does what a deployment needs of the registry. CloudFormation calls it
 *
 * - when a stage first gets the table, to fill it;
 * - when code with another data version is deployed, to refuse code that is older than what the tables hold;
 * - when the table is made anew, to keep the data version in it.
 *
 * The resource of the check has the data version in its name, so that other code always begins with a `Create`. An update
 * or removal refuses nothing, so that no rollback of CloudFormation's is ever refused, and fills nothing: a table that was
 * made anew waits for its stops (docs/restore.md). Every call is answered, or the deployment would hang.
 * @throws Error if CloudFormation could not be answered, so that Lambda calls it again
 */
export const fillRegistryHandler =
  (deps: FillDeps) =>
  async (event: CloudFormationCustomResourceEvent, context: FillContext): Promise<void> => {
    const startedAtMs = deps.clock.monotonic();
    const done = await doneFor(deps, event, context);
    deps.writeLog(
      JSON.stringify({
        level: done.status === 'FAILED' || done.isError === true ? 'error' : 'info',
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
