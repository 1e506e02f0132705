import { LambdaClient, SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { causeOf, unavailable } from '../shared/errors.ts';
import type { ExportDeps } from './deps.ts';

/** The client that completes callbacks. */
export const callbackClient = (): LambdaClient => new LambdaClient(awsLimits({ maxAttempts: 3, requestMs: 2000 }));

/** Completes a callback of a durable execution, without a result. Ignores one that has timed out. */
export const wakeJobThrough =
  (client: LambdaClient): ExportDeps['wakeJob'] =>
  async (callbackId) => {
    try {
      await client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackId }));
    } catch (error) {
      if (error instanceof Error && error.name === 'CallbackTimeoutException') return;
      throw unavailable(`lambda: ${causeOf(error)}`);
    }
  };
