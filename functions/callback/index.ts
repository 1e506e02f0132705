import { requireEnvironment } from '../shared/deps.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { realDeps } from '../shared/real-deps.ts';
import { callbackHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = callbackHandler({
  ...deps,
  loginAttempts: { client, name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
});
