import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundaryActions } from '../../config/account/boundary-actions.ts';
import { keyNeeds } from '../../config/account/policy-needs.ts';
import { loadStage } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { tableKeyActions } from '../../sandbox/aws/table-key.ts';
import { edgeWebAclArn, everything, ownEverything } from '../support/own-everything.ts';
import { kindsOf } from '../support/service-authorization.ts';
import {
  at,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  principalsOf,
  property,
  rightsOf,
  stageTemplate,
  statementsOf,
  synthesized,
  type StageTemplate,
  type Statement,
} from '../support/stage-template.ts';

let own: StageTemplate;
let ownWithoutEdge: StageTemplate;
let production: StageTemplate;
beforeAll(async () => {
  production = await stageTemplate('production-example');
  own = await synthesized(await ownEverything());
  ownWithoutEdge = await synthesized(await ownEverything({ edge: false }));
});

/** The statements at any depth of a resource's properties. */
const statementsAnywhere = (value: unknown): Statement[] => {
  if (typeof value !== 'object' || value === null) return [];
  return 'Effect' in value ? [value as Statement] : Object.values(value).flatMap(statementsAnywhere);
};

const countsOf = ({ Resources }: StageTemplate): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { Type } of Object.values(Resources)) counts.set(Type, (counts.get(Type) ?? 0) + 1);
  return counts;
};

describe('a stage that brings everything', () => {
  it('no longer makes what the document says, and makes nothing else but the forwarding of its logs', () => {
    const [before, after] = [countsOf(production), countsOf(own)];
    const types = [...new Set([...before.keys(), ...after.keys()])].sort();
    const changed = types
      .map((type) => [type, before.get(type) ?? 0, after.get(type) ?? 0] as const)
      .filter(([, was, is]) => was !== is);

    const document = readFileSync(join(import.meta.dirname, '../../docs/reports/bring-your-own.md'), 'utf8');
    const rows = [...document.matchAll(/^\| `([A-Z]\w+(?:::\w+)+)` +\| +(\d+) \| +(\d+) \|$/gm)];
    expect(changed.length).toBeGreaterThan(15);
    expect(rows.map(([, type, was, is]) => [type, Number(was), Number(is)])).toEqual(changed);
  });

  it('names what it brings, and nothing of it is a resource of the stack', () => {
    const subnets = everything.vpc?.subnets.map(({ id }) => id);
    for (const lambda of ofType(own, 'AWS::Lambda::Function')) {
      const path = pathOf(lambda);
      if (path.startsWith('RegistryFill/') || path.startsWith('Edge/')) continue;
      expect([path, property(lambda, 'VpcConfig')]).toEqual([
        path,
        { SubnetIds: subnets, SecurityGroupIds: [everything.vpc?.securityGroupId] },
      ]);
    }
    for (const table of ofType(own, 'AWS::DynamoDB::Table')) {
      expect(property(table, 'SSESpecification')).toMatchObject({ KMSMasterKeyId: everything.keys?.data });
    }
    expect(JSON.stringify(at(own, 'Audit/Bucket').Properties)).toContain(everything.keys?.audit);
    expect(JSON.stringify(at(own, 'Exports/Files').Properties)).toContain(everything.keys?.exports);
    for (const alarm of ofType(own, 'AWS::CloudWatch::Alarm')) {
      const isPage = String(property(alarm, 'AlarmDescription')).startsWith('Page');
      const topic = isPage ? everything.alarmTopicArn : everything.ticketTopicArn;
      expect([property(alarm, 'AlarmActions'), property(alarm, 'OKActions')]).toEqual([[topic], [topic]]);
    }
    expect(own.Outputs['AlarmTopic']?.Value).toBe(everything.alarmTopicArn);
  });

  it('encrypts the stack’s own topics with its key for alarms', async () => {
    const { existing = {}, ...config } = await ownEverything({ edge: false });
    const { alarmTopicArn: _page, ticketTopicArn: _ticket, ...rest } = existing;
    const alarms = 'arn:aws:kms:us-east-1:111122223333:key/55555555-1111-2222-3333-444455556666';
    const addresses = { alarmAddresses: ['oncall@example.org'], ticketAddresses: ['desk@example.org'] };
    const template = await synthesized({
      ...config,
      ...addresses,
      existing: { ...rest, keys: { ...rest.keys, alarms } },
    });

    expect(ofType(template, 'AWS::SNS::Topic').map((topic) => property(topic, 'KmsMasterKeyId'))).toEqual([
      alarms,
      alarms,
    ]);
    expect(ofType(template, 'AWS::KMS::Key')).toEqual([]);
  });

  it('still finds its data key by the name that the tools make secrets with', () => {
    const aliases = ofType(own, 'AWS::KMS::Alias').map(({ Properties }) => Properties);
    expect(aliases).toEqual([
      { AliasName: 'alias/p2p-production-example-data', TargetKeyId: everything.keys?.data },
      { AliasName: 'alias/p2p-production-example-member-index', TargetKeyId: everything.keys?.memberIndex },
    ]);
  });

  it('lets each function do what it may do elsewhere, with its own keys and nothing more', () => {
    const names = { data: 'Data', audit: 'Audit', exports: 'Exports', memberIndex: 'MemberIndex' } as const;
    const withNames = (line: string): string =>
      Object.entries(names).reduce(
        (text, [name, id]) => text.replaceAll(everything.keys?.[name as keyof typeof names] ?? '', `Keys/${id}`),
        line,
      );
    const roles = ofType(own, 'AWS::IAM::Role')
      .map(pathOf)
      .filter((path) => path.endsWith('/Role'));
    for (const path of roles.map((role) => role.replace(/\/Role$/, '')).filter((one) => !one.startsWith('Edge/'))) {
      expect([path, rightsOf(own, path).map(withNames).sort()]).toEqual([path, rightsOf(production, path)]);
    }
    expect(roles.length).toBeGreaterThan(12);
  });

  it('forwards every log group to its destination, whole', () => {
    for (const template of [own, ownWithoutEdge]) {
      const groups = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::Logs::LogGroup');
      const filters = ofType(template, 'AWS::Logs::SubscriptionFilter');
      const forwarded = filters.map((filter) => property(filter, 'LogGroupName') as { Ref: string });

      expect(groups.length).toBeGreaterThan(13);
      expect(forwarded.map(({ Ref }) => Ref).sort()).toEqual(groups.map(([id]) => id).sort());
      for (const filter of filters) {
        expect(filter.Properties).toMatchObject({
          DestinationArn: everything.logDestination?.arn,
          RoleArn: everything.logDestination?.roleArn,
          FilterPattern: '',
        });
      }
    }
  });

  it('limits every role by its boundary', () => {
    for (const template of [own, ownWithoutEdge]) {
      const roles = ofType(template, 'AWS::IAM::Role');
      expect(roles.length).toBeGreaterThan(13);
      const limits = new Set(roles.map((role) => property(role, 'PermissionsBoundary')));
      expect([...limits]).toEqual(['arn:aws:iam::111122223333:policy/boundary']);
    }
  });

  it.each<[string, () => Promise<StageConfig>]>([
    ['with its own network', () => loadStage('production-example')],
    ['without a network', () => loadStage('demo')],
    ['without API Gateway’s role', async () => ({ ...(await loadStage('demo')), apiGatewayLogRole: false })],
    ['that brings everything', () => ownEverything()],
  ])('%s needs of a boundary exactly what its roles may do', async (_, load) => {
    const config = await load();
    const { Resources } = await synthesized(config);
    const granted = Object.values(Resources)
      .filter(({ Type }) => Type.startsWith('AWS::IAM::'))
      .flatMap(({ Properties }) => statementsAnywhere(Properties))
      .filter(({ Effect, Principal }) => Effect === 'Allow' && Principal === undefined)
      .flatMap(({ Action }) => Action);

    expect(boundaryActions(config)).toEqual([...new Set(granted)].sort());
  });

  it('limits the role of the CDK’s own function too, where the stack makes the VPC', async () => {
    const { permissionsBoundaryArn } = await ownEverything();
    const template = await stageTemplate('production-example', { permissionsBoundaryArn });
    const role = at(template, 'Custom::VpcRestrictDefaultSGCustomResourceProvider/Role');
    expect(property(role, 'PermissionsBoundary')).toBe(permissionsBoundaryArn);
  });

  it('has its tags on whatever had the stack’s own', () => {
    const tagged = Object.values(own.Resources).filter(({ Properties: { Tags: tags } = {} }) => tags !== undefined);
    const asPairs = (tags: unknown): string[] =>
      Array.isArray(tags)
        ? (tags as { Key: string; Value: string }[]).map(({ Key, Value }) => `${Key}=${Value}`)
        : Object.entries(tags as object).map(([key, value]) => `${key}=${String(value)}`);

    expect(tagged.length).toBeGreaterThan(40);
    for (const resource of tagged) {
      expect([pathOf(resource), asPairs(property(resource, 'Tags'))]).toEqual([
        pathOf(resource),
        expect.arrayContaining(['cost-center=4711', 'DataClass=phi', 'project=p2p-gateway']),
      ]);
    }
  });

  it('puts its web ACL in front of CloudFront, and keeps the one by which the API refuses everyone else', () => {
    const [distribution] = ofType(own, 'AWS::CloudFront::Distribution');
    expect(property(distribution, 'DistributionConfig')).toMatchObject({ WebACLId: edgeWebAclArn });
    expect(ofType(own, 'AWS::WAFv2::WebACL').map(pathOf)).toEqual(['WebAcl/Acl']);
  });

  it('puts its web ACL in front of the API without an edge', () => {
    expect(ofType(ownWithoutEdge, 'AWS::WAFv2::WebACL')).toEqual([]);
    const [association, ...others] = ofType(ownWithoutEdge, 'AWS::WAFv2::WebACLAssociation');
    expect(others).toEqual([]);
    expect(association?.Properties).toMatchObject({ WebACLArn: everything.webAclArn });
    expect(JSON.stringify(property(association, 'ResourceArn'))).toContain('/stages/');
  });

  it('reads its code from the bucket of its own bootstrap', () => {
    const bucket = JSON.stringify(property(at(own, 'Functions/Token/Function'), 'Code'));
    expect(bucket).toContain('cdk-gateway1-assets-');
  });

  it('makes the functions’ security group if the account brings none', async () => {
    const config = await ownEverything({ edge: false });
    const { securityGroupId: _, ...vpc } = everything.vpc ?? { id: '', subnets: [], awsEndpoints: 'nat' as const };
    const template = await synthesized({ ...config, existing: { ...config.existing, vpc } });
    const groups = ofType(template, 'AWS::EC2::SecurityGroup');
    expect(groups.map((group) => [pathOf(group), property(group, 'VpcId')])).toEqual([
      ['ExistingNetwork/FunctionsGroup', everything.vpc?.id],
    ]);
  });
});

describe('a stage that brings nothing', () => {
  it.each(['demo', 'production-example'])(
    'is made of the same template, whether it says so or not: %s',
    async (stage) => {
      const without = await stageTemplate(stage);
      const withNothing = await stageTemplate(stage, { existing: { keys: {} }, tags: {} });
      expect(withNothing).toEqual(without);
    },
  );
});

describe('what a brought key must allow', () => {
  const keyPaths = [
    ['data', 'Keys/Data'],
    ['audit', 'Keys/Audit'],
    ['exports', 'Keys/Exports'],
    ['memberIndex', 'Keys/MemberIndex'],
    ['alarms', 'Keys/Alarms'],
  ] as const;

  it('is what the policies of the stack’s own keys allow', () => {
    const place = { partition: '{partition}', region: '{region}', account: '{account}' };
    for (const [name, path] of keyPaths) {
      const [, ...needed] = keyNeeds(name, place);
      const [, ...allowed] = statementsOf(at(production, path), 'KeyPolicy');
      const asLine = (statement: Statement): string =>
        `${principalsOf(production, statement).join()}: ${lineOf(production, statement)}`;
      expect(needed.map((statement) => asLine(statement as unknown as Statement))).toEqual(allowed.map(asLine));
    }
  });

  it('lets the account’s roles do what functions and CloudFormation do with it', () => {
    const { types } = JSON.parse(
      readFileSync(join(import.meta.dirname, '../docs/registry-permissions.json'), 'utf8'),
    ) as { types: Record<string, Record<string, string>> };
    const handlers = (type: string): string[] =>
      Object.values(types[type] ?? {}).flatMap((actions) =>
        actions.split(' ').filter((action) => action.startsWith('kms:')),
      );
    const byCloudFormation = {
      data: [...handlers('AWS::DynamoDB::Table'), ...tableKeyActions, ...handlers('AWS::KMS::Alias')],
      audit: [],
      exports: [],
      memberIndex: handlers('AWS::KMS::Alias'),
      alarms: [],
    };
    const byFunctions = (path: string): string[] =>
      ofType(production, 'AWS::IAM::ManagedPolicy')
        .flatMap((policy) => statementsOf(policy))
        .filter(({ Resource }) => [Resource].flat().some((one) => nameOf(production, one) === path))
        .flatMap(({ Action }) => Action);
    // Whoever uses a key may look at it, as `existing -- check` does.
    const common = ['kms:DescribeKey'];
    const place = { partition: 'aws', region: 'us-east-1', account: '111122223333' };
    for (const [name, path] of keyPaths) {
      const [roles] = keyNeeds(name, place);
      const needed = new Set([...byCloudFormation[name], ...byFunctions(path), ...common]);
      expect([name, roles?.Action]).toEqual([
        name,
        expect.arrayContaining([...needed].filter((action) => kindsOf(action)?.length !== 0)),
      ]);
    }
  });
});
