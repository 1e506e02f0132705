/** The least that a function with a table loads: the client, and nothing that uses it. */
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';

export const handler = dynamoClient();
