import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { payerSecretReader, secretsLimits } from '../../functions/shared/payer/secrets.ts';
import { ofType, property } from '../support/stage-template.ts';
import { production } from './made-from-template.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
let client: SecretsManagerClient;
let prefix: string;
beforeAll(async () => {
  client = new SecretsManagerClient({ ...secretsLimits, ...moto.settings() });
  // As the stack creates payers' secrets: without a value. AWS generates the value of the one that CloudFront sends.
  const secrets = ofType(await production(), 'AWS::SecretsManager::Secret');
  const names = secrets
    .filter(({ Properties = {} }) => !('GenerateSecretString' in Properties))
    .map((secret): string => property(secret, 'Name'));
  for (const Name of names) await client.send(new CreateSecretCommand({ Name }));
  prefix = names[0]?.replace(/[^/]+$/, '') ?? '';
});
afterAll(() => client.destroy());

const time = { ms: 0 };
const reader = () => payerSecretReader(client, prefix, { now: () => time.ms, monotonic: () => time.ms });
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

it("a payer's secret is read as an operator wrote it", async () => {
  await fill('lakeside', { client_secret: 'first' });

  expect(await reader()('lakeside')).toEqual({ client_secret: 'first' });
});

it("a rotated payer's secret is read again after five minutes, and at once if the payer refuses it", async () => {
  await fill('northwind', { client_secret: 'first' });
  const read = reader();
  await read('northwind');
  await fill('northwind', { client_secret: 'second' });

  expect(await read('northwind')).toEqual({ client_secret: 'first' });
  expect(await read('northwind', { fresh: true })).toEqual({ client_secret: 'second' });
  await fill('northwind', { client_secret: 'third' });
  time.ms += 5 * 60 * 1000;
  expect(await read('northwind')).toEqual({ client_secret: 'third' });
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
