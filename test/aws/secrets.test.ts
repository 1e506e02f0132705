import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { loadStage } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { payerSecretReader, secretsLimits } from '../../functions/shared/payer/secrets.ts';
import { runTool } from '../bin/run-tool.ts';
import { exchangeRegistry } from '../support/exchange-gateway.ts';
import { at, property, stageTemplate } from '../support/stage-template.ts';
import { production } from './made-from-template.ts';
import { motoServer } from './moto.ts';

// The account of production-example.
const moto = motoServer('111122223333');
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

describe("npm run payers, where the stack makes payers' secrets,", () => {
  const environment = () => ({
    AWS_ENDPOINT_URL: moto.settings().endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'operator',
    AWS_SECRET_ACCESS_KEY: 'none',
  });
  const run = (...args: readonly string[]) => runTool('payers.ts', args, environment(), 'a value');

  /** What `cdk synth` writes. */
  const synthesized = async (stage: string, changes?: Partial<StageConfig>): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'assembly-'));
    const write = (name: string, value: object) => writeFile(join(folder, name), JSON.stringify(value));
    await write('manifest.json', { artifacts: { stack: { type: 'aws:cloudformation:stack' } } });
    await write('stack.assets.json', {});
    await write('stack.template.json', await stageTemplate(stage, changes));
    return folder;
  };
  const mapping = async (stage: string, changes?: Partial<StageConfig>) => {
    const folder = await synthesized(stage, changes);
    return run('mapping', '--stage', stage, '--assembly', folder).finally(() => rm(folder, { recursive: true }));
  };

  it('mapping prints by its id in the template each that exists: cdk import takes those into the stack, also when a payer comes back', async () => {
    const arns = await Promise.all(
      ['lakeside', 'northwind'].map(async (id) => {
        const { ARN } = await client.send(new DescribeSecretCommand({ SecretId: prefix + id }));
        return ARN;
      }),
    );

    const { out, ...ended } = await mapping('production-example');

    const err =
      'Not in Secrets Manager yet, so the next deployment makes them: p2p/production-example/exchanges/northwind\n';
    expect(ended).toEqual({ code: 0, err });
    // The ids of version 0.1, whose stack had made them.
    expect(JSON.parse(out)).toEqual({
      PayerSecretslakeside7D1DDED3: { Id: arns[0] },
      PayerSecretsnorthwindCEBE2890: { Id: arns[1] },
    });
    expect(await mapping('demo')).toEqual({
      code: 0,
      out: '{}\n',
      err: 'Not in Secrets Manager yet, so the next deployment makes them: p2p/demo/payers/demo-health-plan\n',
    });
  });

  it('mapping has a secret of exchanges too, which the stack makes beside the other', async () => {
    const { exchange } = exchangeRegistry().payers.find((payer) => payer.exchange !== undefined)!;
    const { payers } = await loadStage('demo');
    const { ARN: Id } = await client.send(new CreateSecretCommand({ Name: 'p2p/demo/exchanges/demo-health-plan' }));

    const { out, err } = await mapping('demo', {
      exchanges: { groupDays: 90, mostRunning: 20 },
      payers: payers.map((payer) => Object.assign({}, payer, { exchange })),
    });

    expect(Object.entries(JSON.parse(out) as object)).toEqual([[expect.stringContaining('Exchange'), { Id }]]);
    expect(err).toBe(
      'Not in Secrets Manager yet, so the next deployment makes them: p2p/demo/payers/demo-health-plan\n',
    );
  });

  it('secret makes none: before the stage is deployed it says so, and reads no value', async () => {
    expect(await run('secret', 'demo-health-plan', '--stage', 'demo')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(
        'p2p/demo/payers/demo-health-plan does not exist: the stack makes it (payerSecrets: "stack"). Deploy, and run again.',
      ),
    });
  });
});
