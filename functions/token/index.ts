import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { tokenHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = tokenHandler({
  ...deps,
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
});
