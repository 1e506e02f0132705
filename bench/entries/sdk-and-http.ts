/** The least of a function that also loads Node's HTTP client at its start, which the first call would else wait for. */
import { dynamoClient } from '../../functions/shared/store/dynamo.ts';

void globalThis.Response;

export const handler = dynamoClient();
