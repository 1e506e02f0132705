import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import { CreatePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { askBoundary } from '../../bin/existing/boundary.ts';
import { askKey } from '../../bin/existing/keys.ts';
import type { Question } from '../../bin/existing/question.ts';
import { askTopic } from '../../bin/existing/topic.ts';
import { askVpc } from '../../bin/existing/vpc.ts';
import { boundaryActions } from '../../config/account/boundary-actions.ts';
import { endpointCalls } from '../../config/account/endpoint-calls.ts';
import { alarmsMayPublish, keyNeeds, type PolicyStatement } from '../../config/account/policy-needs.ts';
import { loadStage } from '../../config/checks/load.ts';
import { calledServices, type CalledService, type ExistingVpc, type KeyName } from '../../config/existing.ts';
import type { StageConfig } from '../../config/stage.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
/** Moto's only account. */
const place = { partition: 'aws', region: 'us-east-1', account: '123456789012' };
let config: StageConfig;
beforeAll(async () => {
  config = await loadStage('demo');
});

const linesOf = async ({ ask }: Question): Promise<string[]> =>
  (await ask()).map(({ outcome, what }) => `${outcome}: ${what}`);

describe('a key', () => {
  let kms: KMSClient;
  beforeAll(() => {
    kms = new KMSClient(moto.settings());
  });
  afterAll(() => kms.destroy());

  const make = async (statements: readonly PolicyStatement[], more: object = {}): Promise<string> => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    const { KeyMetadata: metadata } = await kms.send(
      new CreateKeyCommand({ Policy, KeyUsage: 'ENCRYPT_DECRYPT', ...more }),
    );
    return metadata?.Arn ?? '';
  };
  const check = (name: KeyName, arn: string) => linesOf(askKey(kms, name, arn));

  it.each(['data', 'audit', 'exports'] as const)(
    'a key with the statements that are printed is right: %s',
    async (name) => {
      expect(await check(name, await make(keyNeeds(name, place)))).toEqual([
        'ok: is enabled, and its policy lets the stack use it',
      ]);
    },
  );

  it('a key whose policy does not let CloudWatch Logs is wrong', async () => {
    const needs = keyNeeds('data', place).filter(({ Sid }) => Sid !== 'LogGroupsOfThisAccount');
    expect(await check('data', await make(needs))).toEqual([
      expect.stringMatching(
        /^wrong: its policy does not let logs\.us-east-1\.amazonaws\.com do kms:Decrypt, .*; add the statement LogGroupsOfThisAccount$/,
      ),
    ]);
  });

  it('a key that does not leave the account’s roles to IAM is wrong', async () => {
    const needs = keyNeeds('exports', place).filter(({ Sid }) => Sid !== 'RolesOfThisAccount');
    expect(await check('exports', await make(needs))).toEqual([
      expect.stringContaining('does not let arn:aws:iam::123456789012:root do'),
    ]);
  });

  it('a key for signatures is wrong', async () => {
    const arn = await make(keyNeeds('data', place), { KeyUsage: 'SIGN_VERIFY', KeySpec: 'RSA_2048' });
    expect(await check('data', arn)).toEqual([
      'wrong: is a key of kind RSA_2048 for SIGN_VERIFY; write one of kind SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT',
    ]);
  });

  it('a key for the member index makes codes, and encrypts nothing', async () => {
    const needs = keyNeeds('memberIndex', place);
    const right = await make(needs, { KeyUsage: 'GENERATE_VERIFY_MAC', KeySpec: 'HMAC_256' });
    expect(await check('memberIndex', right)).toEqual(['ok: is enabled, and its policy lets the stack use it']);
    expect(await check('memberIndex', await make(needs))).toEqual([
      'wrong: is a key of kind SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT; write one of kind HMAC_256 for GENERATE_VERIFY_MAC',
    ]);
  });

  it('a key that is disabled is wrong', async () => {
    const arn = await make(keyNeeds('audit', place));
    await kms.send(new DisableKeyCommand({ KeyId: arn.split('/').at(-1) }));
    expect(await check('audit', arn)).toEqual(['wrong: is Disabled; enable it, or write another key']);
  });

  it('a key that does not exist is wrong', async () => {
    const arn = 'arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
    expect(await check('data', arn)).toEqual([
      'wrong: there is no such key; write the ARN of one in this account and region',
    ]);
  });
});

describe('a topic', () => {
  let sns: SNSClient;
  let kms: KMSClient;
  beforeAll(() => {
    sns = new SNSClient(moto.settings());
    kms = new KMSClient(moto.settings());
  });
  afterAll(() => {
    sns.destroy();
    kms.destroy();
  });

  const make = async (name: string, attributes: Record<string, string> = {}, subscribed = true): Promise<string> => {
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: name, Attributes: attributes }));
    // Confirmed at once, unlike an address.
    if (subscribed) await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sms', Endpoint: '+15555550100' }));
    return TopicArn;
  };
  const check = (arn: string) => linesOf(askTopic({ sns, kms }, config, { field: 'existing.alarmTopicArn', arn }));
  const arnOf = (name: string): string => `arn:aws:sns:us-east-1:123456789012:${name}`;
  const policy = (...statements: readonly object[]): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: statements });

  it('a topic with the policy that SNS made is right', async () => {
    expect(await check(await make('usual'))).toEqual(['ok: takes the stage’s alarms, and has a subscription']);
  });

  it('a topic with the statement that is printed is right', async () => {
    const arn = await make('own', { Policy: policy(alarmsMayPublish(arnOf('own'), config, place)) });
    expect(await check(arn)).toEqual(['ok: takes the stage’s alarms, and has a subscription']);
  });

  it('a topic whose policy lets something else publish is wrong', async () => {
    const statement = {
      ...alarmsMayPublish(arnOf('other'), config, place),
      Principal: { Service: 'events.amazonaws.com' },
    };
    expect(await check(await make('other', { Policy: policy(statement) }))).toEqual([
      'wrong: its policy does not let cloudwatch.amazonaws.com do sns:Publish; add the statement AlarmsOfThisStage',
    ]);
  });

  it('a topic that AWS’s own key encrypts is wrong', async () => {
    expect(await check(await make('aws-key', { KmsMasterKeyId: 'alias/aws/sns' }))).toEqual([
      'wrong: is encrypted with alias/aws/sns, which alarms cannot use; encrypt it with a key of your own',
    ]);
  });

  it('a topic whose key no alarm may use is wrong', async () => {
    const { KeyMetadata: metadata } = await kms.send(new CreateKeyCommand({}));
    expect(await check(await make('closed-key', { KmsMasterKeyId: metadata?.Arn ?? '' }))).toEqual([
      expect.stringMatching(
        /^wrong: of its key arn:.* does not let cloudwatch\.amazonaws\.com do kms:Decrypt, kms:GenerateDataKey/,
      ),
    ]);
  });

  it('a topic to which no one listens is wrong', async () => {
    expect(await check(await make('silent', {}, false))).toEqual([
      'wrong: has no confirmed subscription, so no one would receive an alarm; subscribe someone',
    ]);
  });

  it('a topic that does not exist is wrong', async () => {
    expect(await check(arnOf('none'))).toEqual([
      'wrong: there is no such topic; make it, or write the ARN of one that exists',
    ]);
  });
});

describe('a permissions boundary', () => {
  let iam: IAMClient;
  beforeAll(() => {
    iam = new IAMClient(moto.settings());
  });
  afterAll(() => iam.destroy());

  const make = async (name: string, actions: readonly string[]): Promise<string> => {
    const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    const { Policy: made } = await iam.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument }));
    return made?.Arn ?? '';
  };
  const check = (arn: string) => linesOf(askBoundary(iam, config, arn));

  it('a permissions boundary that allows what roles do is right', async () => {
    expect(await check(await make('right', boundaryActions(config)))).toEqual(['ok: allows what the stack’s roles do']);
  });

  it('a permissions boundary that does not exist is wrong', async () => {
    expect(await check('arn:aws:iam::123456789012:policy/none')).toEqual([
      'wrong: there is no such policy; make it, or write the ARN of one that exists',
    ]);
  });
});

describe('a VPC', () => {
  let ec2: EC2Client;
  beforeAll(() => {
    ec2 = new EC2Client(moto.settings());
  });
  afterAll(() => ec2.destroy());

  const subnetIn = async (VpcId: string, CidrBlock: string, AvailabilityZone: string): Promise<string> => {
    const { Subnet: subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone }));
    return subnet?.SubnetId ?? '';
  };

  interface Made {
    readonly vpc: ExistingVpc;
    readonly table: string;
    readonly nat: string;
    readonly gateway: string;
    readonly group: string;
  }

  /** A VPC with two subnets in one route table, without a way out. */
  const make = async (): Promise<Made> => {
    const { Vpc: made } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.30.0.0/16' }));
    const VpcId = made?.VpcId ?? '';
    for (const EnableDnsHostnames of [{ Value: true }]) {
      await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames }));
    }
    const [a, b] = [
      await subnetIn(VpcId, '10.30.0.0/24', 'us-east-1a'),
      await subnetIn(VpcId, '10.30.1.0/24', 'us-east-1b'),
    ];
    const { RouteTable: routes } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
    const table = routes?.RouteTableId ?? '';
    for (const SubnetId of [a, b]) await ec2.send(new AssociateRouteTableCommand({ RouteTableId: table, SubnetId }));
    const { InternetGateway: internet } = await ec2.send(new CreateInternetGatewayCommand({}));
    const gateway = internet?.InternetGatewayId ?? '';
    await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId: gateway }));
    const outside = await subnetIn(VpcId, '10.30.9.0/24', 'us-east-1a');
    const { NatGateway: nat } = await ec2.send(
      new CreateNatGatewayCommand({ SubnetId: outside, ConnectivityType: 'private' }),
    );
    const { GroupId: group = '' } = await ec2.send(
      new CreateSecurityGroupCommand({ VpcId, GroupName: 'functions', Description: 'functions' }),
    );
    const subnets = [
      { id: a, availabilityZone: 'us-east-1a' },
      { id: b, availabilityZone: 'us-east-1b' },
    ];
    return { vpc: { id: VpcId, subnets, awsEndpoints: 'nat' }, table, nat: nat?.NatGatewayId ?? '', gateway, group };
  };

  const routeOut = (RouteTableId: string, target: object) =>
    ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0', ...target }));

  const within = (actions: readonly string[]): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: actions, Resource: '*' }],
    });

  const addEndpoint = ({ vpc, table, group }: Made, name: CalledService, more: object = {}) => {
    const isGateway = name === 'dynamodb' || name === 's3';
    return ec2.send(
      new CreateVpcEndpointCommand({
        VpcId: vpc.id,
        ServiceName: `com.amazonaws.us-east-1.${name}`,
        VpcEndpointType: isGateway ? 'Gateway' : 'Interface',
        PolicyDocument: within(endpointCalls[name]),
        ...(isGateway
          ? { RouteTableIds: [table] }
          : { SubnetIds: vpc.subnets.map(({ id }) => id), SecurityGroupIds: [group], PrivateDnsEnabled: true }),
        ...more,
      }),
    );
  };
  const openToFunctions = (GroupId: string) =>
    ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: '10.30.0.0/16' }] }],
      }),
    );
  const check = (vpc: ExistingVpc) => linesOf(askVpc(ec2, config, vpc));
  const right = ['ok: its subnets have a way to payers and to AWS'];

  it('a VPC whose subnets go out by a NAT gateway is right', async () => {
    const { vpc, table, nat, group } = await make();
    await routeOut(table, { NatGatewayId: nat });
    expect(await check({ ...vpc, securityGroupId: group })).toEqual(right);
  });

  it('a VPC without a way out is wrong, for each subnet', async () => {
    const { vpc } = await make();
    expect(await check(vpc)).toEqual(
      vpc.subnets.map(
        ({ id }) =>
          `wrong: subnet ${id} has no way out, so functions could not reach any payer; route 0.0.0.0/0 to a NAT gateway, a transit gateway or a firewall`,
      ),
    );
  });

  it('a VPC with public subnets is wrong', async () => {
    const { vpc, table, gateway } = await make();
    await routeOut(table, { GatewayId: gateway });
    expect(await check(vpc)).toEqual([expect.stringContaining('is public'), expect.stringContaining('is public')]);
  });

  it('a VPC with every endpoint is right', async () => {
    const made = await make();
    await routeOut(made.table, { NatGatewayId: made.nat });
    await openToFunctions(made.group);
    for (const name of calledServices) await addEndpoint(made, name);
    expect(await check({ ...made.vpc, awsEndpoints: calledServices })).toEqual(right);
  });

  it('a VPC without an endpoint that the stage names is wrong', async () => {
    const made = await make();
    await routeOut(made.table, { NatGatewayId: made.nat });
    await openToFunctions(made.group);
    for (const name of calledServices) if (name !== 'kms') await addEndpoint(made, name);
    expect(await check({ ...made.vpc, awsEndpoints: calledServices })).toEqual([
      "wrong: has no endpoint for kms, so every call to it would time out; make one, or write awsEndpoints: 'nat'",
    ]);
  });

  it('a VPC whose endpoints let nothing in or through, or are not found, is wrong', async () => {
    const made = await make();
    await routeOut(made.table, { NatGatewayId: made.nat });
    await addEndpoint(made, 'dynamodb', { RouteTableIds: [] });
    await addEndpoint(made, 's3', { PolicyDocument: within(['s3:GetObject']) });
    await addEndpoint(made, 'lambda', { PrivateDnsEnabled: false });
    for (const name of ['kms', 'secretsmanager'] as const) await addEndpoint(made, name);
    const lines = await check({ ...made.vpc, awsEndpoints: calledServices });
    expect(lines.every((line) => line.startsWith('wrong: '))).toBe(true);
    expect(lines.join('\n')).toContain(
      `endpoint for dynamodb is not in the route table of subnet ${made.vpc.subnets[0]?.id}`,
    );
    expect(lines.join('\n')).toContain('endpoint for s3 does not allow s3:DeleteObject, s3:ListBucket, s3:PutObject');
    expect(lines.join('\n')).toContain('endpoint for lambda has no private DNS');
    expect(lines.join('\n')).toContain('endpoint for kms lets nothing in on port 443');
  });

  it('a VPC with a subnet that is elsewhere is wrong', async () => {
    const [one, other] = [await make(), await make()];
    await routeOut(one.table, { NatGatewayId: one.nat });
    const [first] = one.vpc.subnets;
    const [foreign] = other.vpc.subnets;
    if (first === undefined || foreign === undefined) throw new Error('no subnet');
    const lines = await check({
      ...one.vpc,
      subnets: [
        { ...first, availabilityZone: 'us-east-1c' },
        { id: 'subnet-0a1b2c3d', availabilityZone: 'us-east-1b' },
      ],
    });
    expect(lines).toEqual([
      `wrong: subnet ${first.id} is in us-east-1a; write that as its availabilityZone`,
      'wrong: there is no subnet subnet-0a1b2c3d in this account and region; write one that exists',
    ]);
    expect((await check({ ...one.vpc, subnets: [foreign] }))[0]).toBe(
      `wrong: subnet ${foreign.id} is in ${other.vpc.id}; write a subnet of ${one.vpc.id}`,
    );
  });

  it('a VPC that does not exist is wrong', async () => {
    const { vpc } = await make();
    expect(await check({ ...vpc, id: 'vpc-0a1b2c3d' })).toEqual([
      'wrong: there is no such VPC in this account and region; write one that exists',
    ]);
  });
});
