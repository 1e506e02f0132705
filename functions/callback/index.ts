import { environment, realDeps } from '../shared/deps.ts';
import { payerSecrets, secretsClient } from '../shared/payer/secrets.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { callbackHandler } from './handler.ts';

const deps = realDeps();
const client = dynamoClient();

export const handler = callbackHandler({
  ...deps,
  loginAttempts: { client, name: environment('LOGIN_ATTEMPTS_TABLE') },
  grants: { client, name: environment('GRANTS_TABLE') },
  readPayerSecret: payerSecrets(secretsClient(), environment('PAYER_SECRET_PREFIX'), deps.clock),
});
