import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { JobDeps } from './job/deps.ts';

/**
 * Starts executions of a durable function. Lambda starts one execution per name; repeating a start with the same input
 * has no further effect.
 * @param qualified the function's name and version
 */
export const executionStarter =
  (client: LambdaClient, qualified: string): JobDeps['startExecution'] =>
  async (name, input) => {
    await client.send(
      new InvokeCommand({
        FunctionName: qualified,
        InvocationType: 'Event',
        DurableExecutionName: name,
        Payload: Buffer.from(JSON.stringify(input)),
      }),
    );
  };
