/** The least that a function with a table must load: the client alone. */
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';

export const handler = dynamoClient();
