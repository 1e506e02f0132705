import { realDeps, requireEnvironment } from '../shared/deps.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { tokenHandler } from './handler.ts';

const deps = realDeps();

export const handler = tokenHandler({
  ...deps,
  grants: { client: dynamoClient(), name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
});
