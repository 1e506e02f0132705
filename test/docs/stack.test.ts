import { stageCounts } from '../../bin/cost/fixed.ts';
import { sizeOf } from '../../bin/cost/stage-size.ts';
import { loadStage } from '../../config/checks/load.ts';
import { stageSchema } from '../../config/checks/schema.ts';
import config from '../../config/production-example.ts';
import { ownEverything } from '../support/own-everything.ts';
import { ofType, pathOf, property, stageTemplate, synthesized, withoutExchanges } from '../support/stage-template.ts';
import { anchorsOf, codeSpansOf, documentAt, documents } from './documents.ts';

const template = await stageTemplate('production-example');

const idsOf = (type: string): string[] =>
  Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id]) => id);

/** A name in the code, without the hash that the CDK ends a logical id with. */
const logicalName = (id: string): string => id.replace(/[\dA-F]{8}$/, '');

/** What the stack leaves when it is deleted. A version goes with its function. */
const retainedIn = ({ Resources: resources }: typeof template) =>
  Object.entries(resources)
    .filter(
      ([, { DeletionPolicy: policy, Type: type }]) =>
        String(policy).startsWith('Retain') && type !== 'AWS::Lambda::Version',
    )
    .map(([id, { Type: type }]) => ({ id, type }));

const propertiesOf = (type: string): Record<string, unknown>[] =>
  idsOf(type).map((id) => template.Resources[id]?.Properties ?? {});

const alarms = propertiesOf('AWS::CloudWatch::Alarm');
const anchorsOfAlarms = alarms.map(({ AlarmDescription: text }) => /#([\w-]+)$/.exec(String(text))?.[1]);

/** A query with a series, and so a metric, for each payer that fails. */
const isByPayer = (alarm: Record<string, unknown>): boolean => JSON.stringify(alarm).includes('GROUP BY payer');

/** The metrics that an alarm watches, whatever the number of payers. */
const metricsOf = ({ Metrics: metrics }: Record<string, unknown>): number =>
  Array.isArray(metrics) ? metrics.filter((metric: object) => 'MetricStat' in metric).length : 1;

const textOfAll = [...documents(), documentAt('docs/operate.sh')].map(({ text }) => text).join('\n');
const named = (pattern: RegExp): string[][] => [...textOfAll.matchAll(pattern)].map(([, ...groups]) => groups);

describe('docs/alarms.md', () => {
  it('has a section for each alarm, at the anchor that its mail links to', () => {
    expect(anchorsOfAlarms).not.toContain(undefined);
    expect(anchorsOf(documentAt('docs/alarms.md'))).toEqual(expect.arrayContaining([...new Set(anchorsOfAlarms)]));
  });

  it('says what each alarm means, by its name', () => {
    const { text } = documentAt('docs/alarms.md');
    const names = alarms.map(({ AlarmName: name }) => String(name).replace(/^p2p-gateway-[a-z-]+-(?=[A-Z])/, ''));
    expect(names.length).toBeGreaterThan(20);
    // One alarm for each stream has the stream's name at its end.
    expect(names.filter((name) => !text.includes(`\`${name.replace(/(?<=Stopped-).*/, '…')}\``))).toEqual([]);
  });

  it('says of all durable functions that they need the key of exports, which no page disables to stop exports', () => {
    const [, section = ''] = documentAt('docs/alarms.md').text.split('### A disabled key');
    const said = section.slice(0, section.indexOf('\n## '));
    const words: Readonly<Record<string, string>> = { ExportJob: 'Exports', Sweep: 'sweeps', Deliver: 'deliveries' };
    const needing = ofType(template, 'AWS::Lambda::Function')
      .filter((one) => property(one, 'DurableConfig') !== undefined)
      .map((one) => pathOf(one).split('/').at(-2) ?? '');

    expect(needing.sort()).toEqual(Object.keys(words).sort());
    for (const name of needing) expect(said).toContain(words[name]);
    const key = 'KeysExports';
    expect(idsOf('AWS::KMS::Key').filter((id) => id.startsWith(key))).toHaveLength(1);
    const sentences = textOfAll.split(/(?<=[.:!?])[\s*]+|\n{2,}/).filter((one) => /\bdisable\b|disable-key/i.test(one));
    const about = sentences.filter((one) => one.includes(key));
    const forbidding = about.filter((one) => /^\W*(?:do not|never) disable\b/i.test(one));
    expect(forbidding).not.toEqual([]);
    expect(about).toEqual(forbidding);
  });
});

describe('the documents', () => {
  it('name outputs that the stack has', () => {
    const outputs = named(/(?:^|\$\()output ([A-Z]\w+)/gm).flat();
    expect(outputs).toContain('GrantsTable');
    expect(outputs.filter((name) => !(name in template.Outputs))).toEqual([]);
  });

  it('find each resource that they look up, and no other', () => {
    const lookUps = named(/resource ([A-Z]\w+) (AWS::\w+::\w+)/g);
    expect(lookUps.length).toBeGreaterThan(5);
    for (const [prefix = '', type = ''] of lookUps) {
      const found = idsOf(type).filter((id) => id.startsWith(prefix));
      expect([prefix, found.length]).toEqual([prefix, 1]);
    }
  });

  it('name fields that the configuration has', () => {
    const [, table = ''] = documentAt('docs/deploy.md').text.split('| field ');
    const rows = table.slice(0, table.indexOf('\n\n')).split('\n');
    const fields = rows.flatMap((row) => codeSpansOf({ path: '', text: row.split('|')[1] ?? '' }));
    const isField = (field: string): boolean => {
      const [name = '', ...within] = field.split('.');
      const valueAt = within.reduce<unknown>(
        (value, part) => (value as Record<string, unknown>)[part],
        {
          ...stageSchema.shape,
          ...config,
        }[name],
      );
      return valueAt !== undefined;
    };
    expect(fields).toContain('domain.certificateArn');
    expect(fields.filter((field) => !isField(field))).toEqual([]);
  });
});

describe('the way to tear production down', () => {
  it('names each kind of resource that stays, and each bucket', () => {
    const [, after = ''] = documentAt('docs/deploy.md').text.split('**It retains**');
    const list = after.slice(0, after.indexOf('```')).replaceAll(/\s+/g, ' ');
    const words: Readonly<Record<string, string>> = {
      AuditBucket: 'the audit bucket',
      AuditAccessLogs: 'its access log',
      ExportsFiles: "the bucket of exports' files",
      'AWS::S3::BucketPolicy': 'their policies',
      'AWS::KMS::Key': 'the KMS keys',
      'AWS::DynamoDB::Table': 'the tables',
      'AWS::Logs::LogGroup': 'log groups',
      'AWS::SecretsManager::Secret': 'all secrets',
      'AWS::EC2::EIP': 'Elastic IPs',
      'AWS::ApiGateway::Account': "API Gateway's log role",
      'AWS::IAM::Role': "API Gateway's log role",
      'AWS::IAM::ManagedPolicy': "API Gateway's log role",
      'AWS::Lambda::Function': 'the edge function',
    };
    const retained = retainedIn(template);
    const unnamed = retained.filter(({ id, type }) => {
      const name = type === 'AWS::S3::Bucket' ? logicalName(id) : type;
      return !list.includes(words[name] ?? `${name} ${id}`);
    });

    expect(retained.length).toBeGreaterThan(20);
    expect(unnamed).toEqual([]);
  });
});

describe('what outlives a stack', () => {
  /** A bucket's policy goes with its bucket, and the account's setting names a role, nothing more. */
  const alongside = new Set(['AWS::S3::BucketPolicy', 'AWS::ApiGateway::Account']);
  const outliving = (made: typeof template) => retainedIn(made).filter(({ type }) => !alongside.has(type));
  const [, production = '', others = ''] = documentAt('docs/deploy.md').text.split(
    /\n## Tear down\n+### Production\n|\n### Other stages\n/,
  );
  const lookUps = (text: string) =>
    [...text.matchAll(/resource ([A-Z]\w+) (AWS::\w+::\w+)/g)].map(([, prefix = '', type = '']) => ({ prefix, type }));
  const isLookedUp = (text: string, id: string, of: string): boolean =>
    lookUps(text).some(({ prefix, type }) => type === of && id.startsWith(prefix)) ||
    text.includes(`output ${logicalName(id)})`);
  const deletes: Readonly<Record<string, string>> = {
    'AWS::DynamoDB::Table': 'dynamodb delete-table',
    'AWS::S3::Bucket': 's3api delete-bucket',
    'AWS::KMS::Key': 'kms schedule-key-deletion',
    'AWS::Logs::LogGroup': 'logs delete-log-group',
    'AWS::SecretsManager::Secret': 'secretsmanager delete-secret',
    'AWS::EC2::EIP': 'ec2 release-address',
    'AWS::IAM::Role': 'iam delete-role',
    'AWS::IAM::ManagedPolicy': 'iam delete-policy',
    'AWS::Lambda::Function': 'lambda delete-function',
  };

  it('is listed before production is torn down, each kind, and has a command that deletes it', () => {
    const [, listed = ''] = /for type in ([\w: ]+);/.exec(production) ?? [];
    const types = new Set(listed.split(' ').map((type) => `AWS::${type}`));
    const left = outliving(template);

    expect(new Set(left.map(({ type }) => type)).size).toBeGreaterThan(6);
    expect(left.filter(({ id, type }) => !types.has(type) && !isLookedUp(production, id, type))).toEqual([]);
    expect(left.filter(({ type }) => !production.includes(`aws ${deletes[type] ?? type} `))).toEqual([]);
  });

  it('is listed and deleted with a stage that no member has used, each kind', () => {
    const { text } = documentAt('docs/operate.sh');
    const kept = [...text.matchAll(/\(kept (AWS::\w+::\w+)(?: (\w+))?\)/g)];
    const left = outliving(template);
    const isKept = ({ id, type: of }: (typeof left)[number]) =>
      kept.some(([, type, prefix = '']) => type === of && id.startsWith(prefix));

    expect(left.filter((one) => !isKept(one))).toEqual([]);
    expect(left.filter(({ type }) => !text.includes(`aws ${deletes[type] ?? type} `))).toEqual([]);
  });

  it('is looked up by its name before another stage is destroyed', async () => {
    const stage = await loadStage('production-example');
    const made = await synthesized({ ...stage, production: false, removalPolicy: 'destroy', payerSecrets: 'tool' });
    const left = outliving(made);

    expect(left.length).toBeGreaterThan(5);
    expect(left.filter(({ id, type }) => !isLookedUp(others, id, type))).toEqual([]);
  });
});

describe('the numbers that the cost is computed with', () => {
  it('match the template', async () => {
    const without = await stageTemplate('production-example', await withoutExchanges('production-example'));
    const less = ofType(without, 'AWS::CloudWatch::Alarm').map(({ Properties = {} }) => Properties);
    const isOfEdge = (alarm: Record<string, unknown>): boolean => JSON.stringify(alarm).includes('AWS/CloudFront');
    const sumOf = (some: readonly Record<string, unknown>[]): number =>
      some.reduce((sum, alarm) => sum + metricsOf(alarm), 0);

    expect(stageCounts).toMatchObject({
      alarmMetrics: sumOf(less.filter((alarm) => !isOfEdge(alarm))),
      edgeAlarmMetrics: sumOf(alarms.filter(isOfEdge)),
      exchangeAlarmMetrics: sumOf(alarms) - sumOf(less),
      alarmMetricsPerFailingPayer: alarms.filter(isByPayer).length,
      addresses: idsOf('AWS::EC2::EIP').length,
      interfaceEndpoints: propertiesOf('AWS::EC2::VPCEndpoint').filter(
        ({ VpcEndpointType: type }) => type === 'Interface',
      ).length,
    });
  });

  it.each([
    ['with everything on', () => loadStage('production-example')],
    ['without an edge', async () => ({ ...(await loadStage('production-example')), edge: false })],
    [
      'without exchanges',
      async () => ({ ...(await loadStage('production-example')), ...(await withoutExchanges('production-example')) }),
    ],
    ['without a web ACL', async () => ({ ...(await loadStage('demo')), waf: 'none' as const })],
    ['that brings everything', () => ownEverything()],
    ['that brings everything, without an edge', () => ownEverything({ edge: false })],
  ])('are what the stack makes, for a stage %s', async (_what, load) => {
    const stage = await load();
    const made = await synthesized(stage);
    const count = (type: string): number => ofType(made, type).length;
    const { keys, distributions, originSecrets, webAcls, zones, exchangeTables } = sizeOf(stage);

    expect({ keys, distributions, originSecrets, webAcls, exchangeTables, network: zones > 0 }).toEqual({
      keys: count('AWS::KMS::Key'),
      distributions: count('AWS::CloudFront::Distribution'),
      originSecrets: ofType(made, 'AWS::SecretsManager::Secret').filter(
        (secret) => 'GenerateSecretString' in (secret.Properties ?? {}),
      ).length,
      exchangeTables: ofType(made, 'AWS::DynamoDB::Table').filter((table) => pathOf(table).endsWith('Exchanges'))
        .length,
      webAcls: ofType(made, 'AWS::WAFv2::WebACL').map((acl) => property(acl, 'Rules')['length']),
      network: count('AWS::EC2::NatGateway') > 0,
    });
  });
});
