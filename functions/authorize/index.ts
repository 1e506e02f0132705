import { realDeps, requireEnvironment } from '../shared/deps.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { authorizeHandler } from './handler.ts';

export const handler = authorizeHandler({
  ...realDeps(),
  loginAttempts: { client: dynamoClient(), name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
});
