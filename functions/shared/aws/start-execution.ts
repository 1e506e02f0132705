import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';

/**
 * Starts executions of durable functions. Lambda starts one execution per name; repeating a start with the same input
 * has no further effect.
 * @param qualified the function's name and version
 */
export const startExecution = async (
  client: LambdaClient,
  qualified: string,
  name: string,
  input: object,
): Promise<void> => {
  await client.send(
    new InvokeCommand({
      FunctionName: qualified,
      InvocationType: 'Event',
      DurableExecutionName: name,
      Payload: Buffer.from(JSON.stringify(input)),
    }),
  );
};
