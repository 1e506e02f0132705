import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';

/**
 * Starts an execution of a durable function. Lambda starts only one execution for each name, so repeating a call with the same input
 * has no effect.
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
