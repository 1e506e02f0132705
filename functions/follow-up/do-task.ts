import { DurableExecutionAlreadyStartedException } from '@aws-sdk/client-lambda';
import { startExecution } from '../shared/aws/start-execution.ts';
import { asGatewayError } from '../shared/errors.ts';
import type { PartnerEvent } from '../shared/events/event.ts';
import { deleteExportOfGrant } from '../shared/store/exports.ts';
import type { FollowUpDeps } from './deps.ts';
import type { Task } from './tasks.ts';

/** Starts a durable execution, once for each name. */
const start = async ({ lambda }: FollowUpDeps, arn: string, name: string, input: object): Promise<void> => {
  try {
    await startExecution(lambda, arn, name, input);
  } catch (error) {
    // An execution of this name has another input. It was started, so nothing is left to do.
    if (!(error instanceof DurableExecutionAlreadyStartedException)) throw error;
  }
};

/**
 * Whether the partner may get events. A blocked one does not. If its entry cannot be read, the delivery reads it again for
 * days: one damaged entry must not hold up what follows from other records.
 */
const mayHaveWebhook = async ({ registry }: FollowUpDeps, clientId: string): Promise<boolean> => {
  try {
    return (await registry.partner(clientId))?.webhook !== undefined;
  } catch (error) {
    return asGatewayError(error).stop !== 'block';
  }
};

const tell = async (deps: FollowUpDeps, event: PartnerEvent): Promise<void> => {
  if (await mayHaveWebhook(deps, event.partner)) await start(deps, deps.functions.deliver, event.id, event);
};

/**
 * Does one task.
 * @throws whatever AWS throws; the stream then repeats the record
 */
export const doTask = async (deps: FollowUpDeps, task: Task): Promise<void> => {
  const { exportJob, sweep } = deps.functions;
  switch (task.do) {
    case 'startJob': {
      const { exportId, owner } = task;
      return start(deps, exportJob, task.name, { exportId, ...(owner === undefined ? {} : { owner }) });
    }
    case 'sweep':
      return start(deps, sweep, task.name, { exportId: task.exportId, keep: task.keep });
    case 'deleteExport':
      return deleteExportOfGrant(deps.exports, task.grantId);
    case 'tell':
      return tell(deps, task.event);
  }
};
