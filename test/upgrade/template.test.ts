import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathOf, stages, stageTemplate, stageTemplates, type Resource } from '../support/stage-template.ts';
import { words } from '../support/words.ts';

/**
 * What CloudFormation cannot change in place: another value makes a new resource, and the old one is deleted or left
 * behind. Of resources with data, this is also what their data depends on.
 */
const fixedProperties: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGateway::DomainName': ['DomainName'],
  'AWS::ApiGateway::RestApi': [],
  'AWS::ApiGateway::Stage': ['RestApiId', 'StageName'],
  'AWS::CloudFront::Distribution': [],
  'AWS::DynamoDB::Table': words(`
    TableName KeySchema LocalSecondaryIndexes TimeToLiveSpecification StreamSpecification SSESpecification
  `),
  'AWS::EC2::EIP': ['Domain', 'NetworkBorderGroup', 'PublicIpv4Pool', 'TransferAddress'],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage', 'MultiRegion'],
  'AWS::Lambda::EventSourceMapping': ['EventSourceArn', 'StartingPosition', 'StartingPositionTimestamp'],
  'AWS::Logs::LogGroup': ['LogGroupName', 'LogGroupClass'],
  'AWS::S3::Bucket': ['BucketName', 'ObjectLockEnabled'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::SNS::Topic': ['TopicName', 'FifoTopic'],
};

type Recorded = Readonly<Record<(typeof stages)[number], Readonly<Record<string, Resource>>>>;

const recordedOf = async (version: string): Promise<Recorded> =>
  JSON.parse(await readFile(join(import.meta.dirname, version, 'resources.json'), 'utf8')) as Recorded;
const recorded = await recordedOf('version-0.1');
const recorded02 = await recordedOf('version-0.2');

/** What must stay as it is of a resource. */
const fixedOf = ({ Type, Properties = {}, DeletionPolicy, UpdateReplacePolicy }: Resource): object => ({
  Type,
  Properties: Object.fromEntries(
    (fixedProperties[Type] ?? []).flatMap((name) => (name in Properties ? [[name, Properties[name]]] : [])),
  ),
  DeletionPolicy,
  UpdateReplacePolicy,
});

/** The functions that 0.1's template led callers to, and how API Gateway took their answers there. */
const answered: Readonly<Record<string, string>> = {
  FunctionsAuthorizeFunction3A51B368: 'BUFFERED',
  FunctionsCallbackFunctionFDD8153E: 'BUFFERED',
  FunctionsTokenFunctionE065CB29: 'BUFFERED',
  FunctionsDiscoveryFunctionE46982BC: 'BUFFERED',
  FunctionsFetchFunction8DD28494: 'STREAM',
};

const isSecret = ({ Type }: Resource): boolean => Type === 'AWS::SecretsManager::Secret';

const byId = (resources: Readonly<Record<string, Resource>>, which: (resource: Resource) => boolean) =>
  Object.entries(resources).filter(([, resource]) => which(resource));

describe.each(await stageTemplates())('the upgrade of the stage %s', (stage, template) => {
  it.each([
    ['0.1, payers’ secrets included', recorded, 20],
    ['0.2', recorded02, 30],
  ])('keeps every stateful resource of %s in place', (_, made, fewest) => {
    const kept = Object.entries(made[stage]);
    const now = kept.map(([id]) => [id, template.Resources[id] && fixedOf(template.Resources[id])]);

    expect(kept.length).toBeGreaterThan(fewest);
    expect(Object.fromEntries(now)).toEqual(Object.fromEntries(kept.map(([id, was]) => [id, fixedOf(was)])));
  });

  // Version 0.2's topics have the data key. A publication that fails is not tried again.
  it('moves the topics to a key of their own before the data key’s policy stops admitting CloudWatch', () => {
    const [dataId, dataKey] = byId(template.Resources, (resource) => pathOf(resource) === 'Keys/Data')[0]!;
    const [keyId] = byId(template.Resources, (resource) => pathOf(resource) === 'Keys/Alarms')[0]!;
    const topics = byId(template.Resources, ({ Type }) => Type === 'AWS::SNS::Topic');

    expect(Object.keys(recorded02[stage])).toContain(dataId);
    expect(JSON.stringify(dataKey)).not.toContain('cloudwatch.');
    expect(topics.map(([, topic]) => topic.Properties?.['KmsMasterKeyId'])).toEqual(
      topics.map(() => ({ 'Fn::GetAtt': [keyId, 'Arn'] })),
    );
    expect([dataKey?.DependsOn ?? []].flat()).toEqual(topics.map(([id]) => id).toSorted());
  });

  it('adds at most one index to a table, which is all that one update of CloudFormation can', () => {
    const indexes = byId(template.Resources, ({ Type }) => Type === 'AWS::DynamoDB::Table').map(
      ([, { Properties }]) => ((Properties?.['GlobalSecondaryIndexes'] ?? []) as { IndexName: string }[]).length,
    );

    expect(indexes).toHaveLength(stage === 'demo' ? 6 : 7);
    expect(Math.max(...indexes)).toBe(1);
  });

  it("with payerSecrets 'tool' takes the payers' secrets out of the stack, and leaves them in place where the stage keeps its data", async () => {
    const secrets = byId(recorded[stage], isSecret);

    const ids = new Set(Object.keys((await stageTemplate(stage, { payerSecrets: 'tool' })).Resources));
    expect(secrets.filter(([id]) => ids.has(id))).toEqual([]);
    // The policy of the old template decides what becomes of a resource that is no longer in the new one.
    expect(secrets.map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(
      secrets.map(() => (stage === 'demo' ? 'Delete' : 'RetainExceptOnCreate')),
    );
  });

  it('reads the secrets by the names that they had', () => {
    const prefixes = Object.values(template.Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties?.['Environment'] as { Variables?: Record<string, string> } | undefined)
      .flatMap((environment) => environment?.Variables?.['PAYER_SECRET_PREFIX'] ?? []);
    const names = byId(recorded[stage], isSecret).map(([, { Properties }]) => String(Properties?.['Name']));

    expect(names.length).toBeGreaterThan(0);
    expect(prefixes.length).toBeGreaterThan(0);
    for (const name of names) for (const prefix of prefixes) expect(name.startsWith(prefix)).toBe(true);
  });

  // The form of an answer differs, so a function that changes in place answers 502 until the API has changed too:
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
  it('changes how no function of that version answers: the one that streams now is another', () => {
    const now = byId(template.Resources, ({ Type }) => Type === 'AWS::ApiGateway::Method').map(([, { Properties }]) => {
      const integration = (Properties?.['Integration'] ?? {}) as { ResponseTransferMode?: string; Uri?: object };
      const { ResponseTransferMode: mode = 'BUFFERED', Uri } = integration;
      const [, id = ''] = /"Fn::GetAtt":\["([^"]+)"/.exec(JSON.stringify(Uri)) ?? [];
      return [id, mode] as const;
    });
    const was = now.filter(([id]) => id in answered);
    expect(new Set(was.map(([id]) => id)).size).toBe(4);
    expect(was.filter(([id, mode]) => answered[id] !== mode)).toEqual([]);
    expect(new Set(now.map(([id]) => id))).toContain('FunctionsDiscoveryStreamed');
  });
});

describe('the upgrade from version 0.1', () => {
  it('adds at most one index to a table, since AWS takes one in an update, and changes none', async () => {
    const { Resources: resources } = await stageTemplate('production-example');
    const tables = Object.keys(recorded['production-example']).filter((id) => id.startsWith('Tables'));
    const added = tables.map((id) => (resources[id]?.Properties?.['GlobalSecondaryIndexes'] as unknown[]) ?? []);

    // Version 0.1's tables had no index.
    expect(tables).toHaveLength(3);
    expect(Math.max(...added.map((indexes) => indexes.length))).toBe(1);
  });

  // What the CDK made of 10.20.0.0/20 then. AWS refuses a new subnet that overlaps one that is to be replaced.
  it.each([
    [1, 20, ['10.20.0.0/20']],
    [2, 21, ['10.20.0.0/21', '10.20.8.0/21']],
    [3, undefined, ['10.20.0.0/22', '10.20.4.0/22', '10.20.8.0/22']],
  ])(
    'keeps the subnets of %i zones, with subnetPrefix %s as docs/upgrade.md says',
    async (count, subnetPrefix, blocks) => {
      const network = {
        zones: ['us-east-1a', 'us-east-1b', 'us-east-1c'].slice(0, count),
        cidr: '10.20.0.0/20',
        ...(subnetPrefix === undefined ? {} : { subnetPrefix }),
      };
      const { Resources: resources } = await stageTemplate('production-example', { network });
      const subnets = byId(resources, ({ Type }) => Type === 'AWS::EC2::Subnet');

      expect(subnets.map(([, { Properties }]) => Properties?.['CidrBlock'])).toEqual(blocks);
    },
  );
});
