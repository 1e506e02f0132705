import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';

/** What AWS says when it refuses a checkpoint of an invocation that it has replaced by another one. */
const refusal = /invalid checkpoint token/i;

/**
 * Ends an invocation whose checkpoint token AWS no longer takes, and leaves its execution alone: Lambda invokes again with a
 * new token, or already has. The SDK means to do this too, but version 2.4.0 compares another spelling of AWS's message,
 * and reports that the execution has failed.
 */
export const endStaleInvocation =
  (handler: DurableLambdaHandler): DurableLambdaHandler =>
  async (event, context) => {
    const output = await handler(event, context);
    const message = 'Error' in output ? output.Error.ErrorMessage : undefined;
    if (refusal.test(String(message))) throw new Error('the checkpoint token is no longer valid');
    return output;
  };
