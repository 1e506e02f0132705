import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decide } from '../support/evaluate-policy.ts';
import {
  at,
  lineOf,
  nameOf,
  ofType,
  pathOf,
  property,
  stageTemplate,
  type StageTemplate,
  type Statement,
} from '../support/stage-template.ts';

const functionPaths = [
  'Functions/Authorize',
  'Functions/Callback',
  'Functions/Connections',
  'Functions/Token',
  'Functions/Fetch',
  'Functions/Discovery',
  'Audit/Audit',
  'Canary/Canary',
  'Exports/Export',
  'Exports/ExportJob',
  'Exports/Sweep',
  'Events/FollowUp',
  'Events/Deliver',
];

describe('a stage without a network', () => {
  it('creates no network resource', async () => {
    const template = await stageTemplate('demo');

    expect(Object.values(template.Resources).filter(({ Type }) => Type.startsWith('AWS::EC2::'))).toEqual([]);
    expect(Object.keys(template.Outputs).filter((name) => name.startsWith('EgressAddress'))).toEqual([]);
    for (const path of functionPaths) expect(property(at(template, `${path}/Function`), 'VpcConfig')).toBeUndefined();
  });
});

describe('the network of a stage', () => {
  let template: StageTemplate;
  beforeAll(async () => {
    template = await stageTemplate('production-example');
  });

  const endpoint = (id: string) => at(template, `Network/Vpc/${id}`);

  it('puts every function into private subnets of two zones, in one security group', () => {
    for (const path of functionPaths) {
      const config: { SubnetIds: unknown[]; SecurityGroupIds: unknown[] } = property(
        at(template, `${path}/Function`),
        'VpcConfig',
      );
      expect(config.SubnetIds.map((id) => nameOf(template, id))).toEqual([
        'Network/Vpc/FunctionsSubnet1/Subnet',
        'Network/Vpc/FunctionsSubnet2/Subnet',
      ]);
      expect(config.SecurityGroupIds.map((id) => nameOf(template, id))).toEqual(['Network/FunctionsGroup.GroupId']);
    }
  });

  it('calls payers from one known address in each zone, and outputs all addresses that it may ever use', () => {
    const gateways = ofType(template, 'AWS::EC2::NatGateway');
    expect(gateways.map((gateway) => property(gateway, 'AvailabilityMode'))).toEqual(['regional']);
    const zones: { AllocationIds: unknown[] }[] = property(gateways[0], 'AvailabilityZoneAddresses');
    expect(zones.map(({ AllocationIds }) => AllocationIds.map((id) => nameOf(template, id)))).toEqual([
      ['Network/Address1.AllocationId'],
      ['Network/Address2.AllocationId'],
    ]);
    const told = Object.entries(template.Outputs).filter(([name]) => name.startsWith('EgressAddress'));
    expect(Object.fromEntries(told.map(([name, { Value }]) => [name, nameOf(template, Value)]))).toEqual({
      EgressAddress1: 'Network/Address1.PublicIp',
      EgressAddress2: 'Network/Address2.PublicIp',
      EgressAddress3: 'Network/Address3.PublicIp',
    });
  });

  it('creates its NAT gateway only after the internet gateway is attached', () => {
    const attachment = Object.entries(template.Resources).find(
      ([, { Type }]) => Type === 'AWS::EC2::VPCGatewayAttachment',
    );
    const [gateway] = ofType(template, 'AWS::EC2::NatGateway') as { DependsOn?: string[] }[];
    expect(gateway?.DependsOn).toContain(attachment?.[0]);
  });

  it('keeps the zones as they are named, their addresses and blocks when their number changes, whatever AWS lists', async () => {
    const zonesOf = async (count: number) => {
      const network = { zones: names.slice(0, count), cidr: '10.20.0.0/20' };
      const changed = await stageTemplate('production-example', { network });
      const blocks = ofType(changed, 'AWS::EC2::Subnet').map((subnet): unknown => [
        property(subnet, 'AvailabilityZone'),
        property(subnet, 'CidrBlock'),
      ]);
      return { addresses: ofType(changed, 'AWS::EC2::EIP').map(pathOf), blocks };
    };
    const names = ['us-east-1c', 'us-east-1a', 'us-east-1f'];
    const blocks = [
      ['us-east-1c', '10.20.0.0/22'],
      ['us-east-1a', '10.20.4.0/22'],
      ['us-east-1f', '10.20.8.0/22'],
    ];
    const addresses = ['Network/Address1', 'Network/Address2', 'Network/Address3'];
    for (const zones of [1, 2, 3]) {
      expect(await zonesOf(zones)).toEqual({ addresses, blocks: blocks.slice(0, zones) });
    }
    // The CDK's validation would warn of named zones.
    expect(template.acknowledged).toContain('Network: CloudFormation-Validate::W3010');
    expect(JSON.stringify(template)).not.toContain('Fn::GetAZs');
  });

  it('has no public subnet, and no route to the internet except through the NAT gateway', () => {
    expect(ofType(template, 'AWS::EC2::Subnet').map(pathOf)).toEqual([
      'Network/Vpc/FunctionsSubnet1/Subnet',
      'Network/Vpc/FunctionsSubnet2/Subnet',
    ]);
    for (const subnet of ofType(template, 'AWS::EC2::Subnet')) {
      expect(property(subnet, 'MapPublicIpOnLaunch')).toBe(false);
    }
    for (const route of ofType(template, 'AWS::EC2::Route')) expect(route.Properties).not.toHaveProperty('GatewayId');
  });

  it('lets functions connect out over TLS only, and lets nothing in', async () => {
    const { payers } = (await import('../../config/production-example.ts')).default;
    const [payer] = payers;
    if (payer === undefined) throw new Error('the stage has no payer');
    const elsewhere = { ...payer, tokenEndpoint: 'https://auth.lakeside.invalid:8443/token' };
    const withPort = await stageTemplate('demo', {
      network: { availabilityZones: 1, cidr: '10.0.0.0/20' },
      payers: [elsewhere],
      partners: [],
    });

    const portsOf = (of: StageTemplate): unknown[] => {
      const rules: { FromPort: number; ToPort: number; IpProtocol: string }[] = property(
        at(of, 'Network/FunctionsGroup'),
        'SecurityGroupEgress',
      );
      return rules.map(({ FromPort, ToPort, IpProtocol }) => [IpProtocol, FromPort, ToPort]);
    };

    expect(portsOf(template)).toEqual([['tcp', 443, 443]]);
    expect(portsOf(withPort)).toEqual([
      ['tcp', 443, 443],
      ['tcp', 8443, 8443],
    ]);
    expect(at(template, 'Network/FunctionsGroup').Properties).not.toHaveProperty('SecurityGroupIngress');
    expect(at(template, 'Network/EndpointsGroup').Properties).not.toHaveProperty('SecurityGroupIngress');
    expect(
      ofType(template, 'AWS::EC2::SecurityGroupIngress').map((rule) => [
        nameOf(template, property(rule, 'GroupId')),
        nameOf(template, property(rule, 'SourceSecurityGroupId')),
        property(rule, 'FromPort'),
        property(rule, 'ToPort'),
      ]),
    ).toEqual([['Network/EndpointsGroup.GroupId', 'Network/FunctionsGroup.GroupId', 443, 443]]);
  });

  it.each([
    [
      'DynamoDb',
      'Gateway',
      'Allow dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem on *',
    ],
    ['S3', 'Gateway', 'Allow s3:DeleteObject s3:GetObject s3:ListBucket s3:PutObject on *'],
    ['SecretsManager', 'Interface', 'Allow secretsmanager:GetSecretValue on *'],
    ['Kms', 'Interface', 'Allow kms:Decrypt kms:GenerateDataKey kms:GenerateMac on *'],
    [
      'Lambda',
      'Interface',
      'Allow lambda:CheckpointDurableExecution lambda:GetDurableExecutionState lambda:InvokeFunction ' +
        'lambda:SendDurableExecutionCallbackSuccess on *',
    ],
  ])('reaches %s through an endpoint, for the calls of functions and within the account only', (id, type, line) => {
    const { Properties = {} } = endpoint(id);
    expect(Properties['VpcEndpointType']).toBe(type);
    const { Statement: statements } = Properties['PolicyDocument'] as { Statement: Statement[] };
    const condition = ' if StringEquals aws:PrincipalAccount={account} and StringEquals aws:ResourceAccount={account}';
    expect(statements.map((statement) => lineOf(template, statement))).toEqual([`${line}${condition}`]);
  });

  it('records all its traffic in a log that is encrypted and kept like the others', () => {
    const [log] = ofType(template, 'AWS::EC2::FlowLog');
    expect(log?.Properties).toMatchObject({ ResourceType: 'VPC', TrafficType: 'ALL' });
    expect(nameOf(template, property(log, 'LogGroupName'))).toBe('Network/FlowLogs');
    const group = at(template, 'Network/FlowLogs');
    expect(nameOf(template, property(group, 'KmsKeyId'))).toBe('Keys/Data');
    expect(property(group, 'RetentionInDays')).toBe(400);
  });

  it('closes its default security group, with a function that may do only that', () => {
    expect(ofType(template, 'Custom::VpcRestrictDefaultSG')).toHaveLength(1);
    const provider = 'Custom::VpcRestrictDefaultSGCustomResourceProvider';
    const handler = at(template, `${provider}/Handler`);
    const { LogGroup }: { LogGroup: unknown } = property(handler, 'LoggingConfig');
    expect(nameOf(template, LogGroup)).toBe('Network/DefaultGroupLogs');
    const role = at(template, `${provider}/Role`);
    const arns: unknown[] = property(role, 'ManagedPolicyArns');
    expect(arns.map((arn) => nameOf(template, arn))).toEqual(['Network/DefaultGroupPolicy']);
    const [{ PolicyDocument }]: [{ PolicyDocument: { Statement: Statement[] } }] = property(role, 'Policies');
    expect(PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Allow',
        Action: [
          'ec2:AuthorizeSecurityGroupIngress',
          'ec2:AuthorizeSecurityGroupEgress',
          'ec2:RevokeSecurityGroupIngress',
          'ec2:RevokeSecurityGroupEgress',
        ],
      }),
    ]);
    expect(JSON.stringify(PolicyDocument.Statement[0]?.Resource)).toContain('"DefaultSecurityGroup"');
  });

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
  it('is not deleted or replaced by an update under the stack policy of the documents, which permits anything else', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/network-policy.json'), 'utf8');
    const { Statement: statements } = JSON.parse(text) as { Statement: Statement[] };
    const changes = ['Update:Delete', 'Update:Modify', 'Update:Replace'];
    const permitted = (type: string) =>
      changes.filter(
        (action) =>
          decide(template, statements, { principal: '*', action, context: { ResourceType: type } }) === 'allowed',
      );
    const inVpc = Object.values(template.Resources).filter((resource) =>
      /^Network\/Vpc(?:\/|$)/.test(pathOf(resource)),
    );
    const parts = new Set(inVpc.map(({ Type }) => Type).filter((type) => type !== 'Custom::VpcRestrictDefaultSG'));
    const group = at(template, 'Network/FunctionsGroup').Type;

    expect([...parts].sort()).toEqual(
      [
        'FlowLog',
        'InternetGateway',
        'NatGateway',
        'Route',
        'RouteTable',
        'Subnet',
        'SubnetRouteTableAssociation',
        'VPC',
      ]
        .concat('VPCEndpoint', 'VPCGatewayAttachment')
        .map((name) => `AWS::EC2::${name}`),
    );
    for (const type of [...parts, group]) expect([type, permitted(type)]).toEqual([type, ['Update:Modify']]);
    for (const type of ['AWS::Lambda::Version', 'AWS::CloudWatch::Alarm']) expect(permitted(type)).toEqual(changes);
  });

  it('of a stage that gives a number of zones uses those that AWS lists first', async () => {
    const counted = await stageTemplate('demo', { network: { availabilityZones: 2, cidr: '10.0.0.0/20' } });
    const zones = ofType(counted, 'AWS::EC2::Subnet').map((subnet) =>
      JSON.stringify(property(subnet, 'AvailabilityZone')),
    );
    expect(zones).toEqual(['{"Fn::Select":[0,{"Fn::GetAZs":""}]}', '{"Fn::Select":[1,{"Fn::GetAZs":""}]}']);
  });
});
