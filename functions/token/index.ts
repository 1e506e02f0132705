import { environment, realDeps } from '../shared/deps.ts';
import { payerSecrets, secretsClient } from '../shared/payer/secrets.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { tokenHandler } from './handler.ts';

const deps = realDeps();

export const handler = tokenHandler({
  ...deps,
  grants: { client: dynamoClient(), name: environment('GRANTS_TABLE') },
  readPayerSecret: payerSecrets(secretsClient(), environment('PAYER_SECRET_PREFIX'), deps.clock),
});
