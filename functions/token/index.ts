import { setTimeout as sleep } from 'node:timers/promises';
import { kmsClient } from '../shared/aws/kms-client.ts';
import { exchangesTable, realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { keyReader, ofIdentityProviders } from '../shared/payer/key-reader.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import type { IdentityProvider } from '../shared/registry/types.ts';
import { memberIndexer } from '../shared/store/index-member.ts';
import { tokenHandler } from './handler.ts';

const { client, ...deps } = realDeps();

/** Only a stage with identity providers lets the function create grants. */
const identity = () => ({
  ...(JSON.parse(requireEnvironment('IDENTITY')) as {
    readonly providers: readonly IdentityProvider[];
    readonly longestConsentAge: number;
  }),
  readKeys: keyReader(deps, ofIdentityProviders),
  limits: { client, name: requireEnvironment('LIMITS_TABLE') },
  indexMember: memberIndexer(kmsClient(), requireEnvironment('MEMBER_INDEX_KEY')),
  sleep: (ms: number) => sleep(ms),
});

export const handler = tokenHandler({
  ...deps,
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
  exchanges: exchangesTable(client),
  identity: process.env['IDENTITY'] === undefined ? undefined : identity(),
});
