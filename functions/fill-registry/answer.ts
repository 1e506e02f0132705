import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import { causeOf } from '../shared/errors.ts';
import type { FillDeps } from './deps.ts';
import { backOff } from './try-again.ts';

/** What CloudFormation is told; the reason is for a person, in the stack's events. */
export interface Outcome {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly reason: string;
}

const mostTries = 5;

/** It stays the same for the resource's life: another one would make CloudFormation delete the old resource. */
const physicalIdOf = (event: CloudFormationCustomResourceEvent): string =>
  'PhysicalResourceId' in event ? event.PhysicalResourceId : event.LogicalResourceId;

/**
 * Answers CloudFormation, at the URL that it gave
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html).
 * @throws Error that names only the cause, so that Lambda calls the function again
 */
export const answer = async (
  { put, random, wait }: FillDeps,
  event: CloudFormationCustomResourceEvent,
  { status, reason }: Outcome,
): Promise<void> => {
  const { StackId, RequestId, LogicalResourceId } = event;
  const told: CloudFormationCustomResourceResponse = {
    Status: status,
    Reason: reason,
    PhysicalResourceId: physicalIdOf(event),
    StackId,
    RequestId,
    LogicalResourceId,
  };
  for (let tries = 1; ; tries += 1) {
    const cause = await put(event.ResponseURL, JSON.stringify(told)).then(
      (code) => (code >= 200 && code < 300 ? undefined : `status ${code}`),
      causeOf,
    );
    if (cause === undefined) return;
    // The URL opens the answer to whoever has it, so no error quotes it.
    if (tries >= mostTries) throw new Error(`CloudFormation was not answered: ${cause}`);
    await wait(backOff(tries, random()));
  }
};
