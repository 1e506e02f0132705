import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { payerSecretReader, secretsLimits } from '../../functions/shared/payer/secrets.ts';
import { at, property } from '../support/stage-template.ts';
import { production } from './made-from-template.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
let client: SecretsManagerClient;
let prefix: string;
beforeAll(async () => {
  client = new SecretsManagerClient({ ...secretsLimits, ...moto.settings() });
  const { Variables }: { Variables: Record<string, string> } = property(
    at(await production(), 'Functions/Fetch/Function'),
    'Environment',
  );
  prefix = Variables['PAYER_SECRET_PREFIX'] ?? '';
  // Without a value, as an operator may leave them.
  for (const id of ['lakeside', 'northwind']) await client.send(new CreateSecretCommand({ Name: prefix + id }));
});
afterAll(() => client.destroy());

const reader = () => payerSecretReader(client, prefix, { now: () => 0, monotonic: () => 0 });
const fill = (payerId: string, secret: object) =>
  client.send(new PutSecretValueCommand({ SecretId: prefix + payerId, SecretString: JSON.stringify(secret) }));
const missing = { code: 'temporarily_unavailable', status: 503, signal: 'secretMissing' };

it.each([
  ['that has no value yet', 'lakeside'],
  ['that does not exist', 'no-such-payer'],
])("a payer's secret %s is missing, and the log says whose", async (_, payerId) => {
  await expect(reader()(payerId)).rejects.toMatchObject({
    ...missing,
    detail: `the secret of payer ${payerId} is missing or not in its form`,
  });
});

it("a payer's secret is the AWSCURRENT version, whichever that is", async () => {
  const SecretId = `${prefix}northwind`;
  await fill('northwind', { client_secret: 'good' });
  await fill('northwind', { client_secret: 'mistake' });
  const { VersionIdsToStages: versions = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
  const versionOf = (stage: string) => Object.keys(versions).find((id) => versions[id]?.includes(stage));

  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: versionOf('AWSPREVIOUS'),
      RemoveFromVersionId: versionOf('AWSCURRENT'),
    }),
  );

  expect(await reader()('northwind')).toEqual({ client_secret: 'good' });
});
