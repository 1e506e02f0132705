import { kmsClient } from '../shared/aws/kms-client.ts';
import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { memberIndexer } from '../shared/store/index-member.ts';
import { callbackHandler } from './handler.ts';

const { client, ...deps } = realDeps();

export const handler = callbackHandler({
  ...deps,
  pages: readPageSettings(),
  loginAttempts: { client, name: requireEnvironment('LOGIN_ATTEMPTS_TABLE') },
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  indexMember: memberIndexer(kmsClient(), requireEnvironment('MEMBER_INDEX_KEY')),
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
});
