import { checkStage } from '../../config/checks/check-stage.ts';
import { calledServices } from '../../config/existing.ts';
import { problems, stage } from './stages.ts';

const account = '111122223333';
const placed = { account, region: 'us-east-1' };
const arn = (rest: string): string => `arn:aws:${rest}`;
const keyId = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const key = arn(`kms:us-east-1:${account}:key/${keyId}`);
const topic = arn(`sns:us-east-1:${account}:oncall`);
const regional = arn(`wafv2:us-east-1:${account}:regional/webacl/api/0f1e2d3c`);
const global = regional.replace('regional', 'global');
const role = arn(`iam::${account}:role/team/logs-to-siem`);
const stream = arn(`kinesis:us-east-1:${account}:stream/siem`);
const subnet = (letter: string) => ({ id: `subnet-0a1b2c3d4e5f6071${letter}`, availabilityZone: `us-east-1${letter}` });
const vpc = (changes: object = {}) => ({
  vpc: { id: 'vpc-0a1b2c3d', subnets: [subnet('a'), subnet('b')], awsEndpoints: 'nat', ...changes },
});
const domain = {
  name: 'gateway.plan.example.org',
  certificateArn: arn(`acm:us-east-1:${account}:certificate/${keyId}`),
};
const edge = { edge: true, domain };

const found = (existing: object, more: object = {}): string[] =>
  problems(stage({ stage: { ...placed, existing, ...more } }));

/** What an account may not bring, by the line that says so without `existing.`. */
const refusedExisting: Readonly<Record<string, object>> = {
  'vpc.awsEndpoints: is missing, so functions might not reach AWS\'s services; write "nat" if the subnets have a way out to AWS, or list the VPC\'s endpoints: dynamodb, kms, lambda, s3 and secretsmanager':
    vpc({ awsEndpoints: undefined }),
  'vpc.awsEndpoints: lacks kms and secretsmanager, which functions call; make these endpoints and add them, or write "nat" if the subnets have a way out to AWS':
    vpc({ awsEndpoints: ['dynamodb', 's3', 'lambda'] }),
  'vpc.awsEndpoints: names "sqs", which is not called; write "nat" if the subnets have a way out to AWS, or list the VPC\'s endpoints: dynamodb, kms, lambda, s3 and secretsmanager':
    vpc({ awsEndpoints: [...calledServices, 'sqs'] }),
  'vpc.awsEndpoints: is neither "nat" nor a list; write "nat" if the subnets have a way out to AWS, or list the VPC\'s endpoints: dynamodb, kms, lambda, s3 and secretsmanager':
    vpc({ awsEndpoints: 'internet' }),
  'vpc.id: is not the id of a VPC; write one such as "vpc-0a1b2c3d4e5f60718"': vpc({ id: 'shared-vpc' }),
  'vpc.subnets[0].id: is not the id of a subnet; write one such as "subnet-0a1b2c3d4e5f60718"': vpc({
    subnets: [{ ...subnet('a'), id: 'vpc-0a1b2c3d' }],
  }),
  'vpc.subnets: is empty; write at least one private subnet': vpc({ subnets: [] }),
  'vpc.subnets[0].availabilityZone: is the id of a zone; write its name in your account, such as "us-east-1a"': vpc({
    subnets: [{ ...subnet('a'), availabilityZone: 'use1-az4' }],
  }),
  "vpc.subnets[0].availabilityZone: is in another region; write a zone of us-east-1, the stage's region": vpc({
    subnets: [{ ...subnet('a'), availabilityZone: 'us-west-2a' }],
  }),
  "keys.data: is in us-west-2; write the ARN of a key in us-east-1, the stage's region": {
    keys: { data: key.replace('us-east-1', 'us-west-2') },
  },
  "keys.audit: is in account 444455556666; write the ARN of a key in 111122223333, the stage's account": {
    keys: { audit: key.replace(account, '444455556666') },
  },
  'keys.data: is an alias, which can be moved to another key; write the ARN of the key itself': {
    keys: { data: arn(`kms:us-east-1:${account}:alias/data`) },
  },
  'keys.data: is not the ARN of a KMS key; write one such as "arn:aws:kms:us-east-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"':
    { keys: { data: keyId } },
  'keys.audit: is also the key for data, so who may use one could use the other; write another key': {
    keys: { data: key, audit: key },
  },
  "alarmTopicArn: is in eu-west-1; write the ARN of a topic in us-east-1, the stage's region": {
    alarmTopicArn: topic.replace('us-east-1', 'eu-west-1'),
  },
  "alarmTopicArn: is in account 444455556666; write the ARN of a topic in 111122223333, the stage's account": {
    alarmTopicArn: topic.replace(account, '444455556666'),
  },
  'alarmTopicArn: is not the ARN of a standard SNS topic; write one such as "arn:aws:sns:us-east-1:111122223333:gateway-alarms"':
    { alarmTopicArn: 'oncall' },
  'logDestination.roleArn: is missing, but CloudWatch Logs writes to a stream only with a role; write the ARN of one that it may assume':
    { logDestination: { arn: stream } },
  'logDestination.roleArn: is set, but CloudWatch Logs calls a function without a role; remove it, and let logs.amazonaws.com invoke the function':
    { logDestination: { arn: arn(`lambda:us-east-1:${account}:function:siem`), roleArn: role } },
  'logDestination.arn: is not the ARN of a Kinesis stream, a Firehose stream, a function or a destination of CloudWatch Logs; write one such as "arn:aws:logs:us-east-1:111122223333:destination:siem"':
    { logDestination: { arn: arn('s3:::logs') } },
  "logDestination.arn: is in account 444455556666; write the ARN of a destination in 111122223333, the stage's account":
    { logDestination: { arn: stream.replace(account, '444455556666'), roleArn: role } },
  'webAclArn: has the scope CLOUDFRONT, but it is for an API; write one with the scope REGIONAL, or edge: true': {
    webAclArn: global,
  },
};
/** What may not be beside it, by the whole line. */
const refusedBeside: Readonly<Record<string, object>> = {
  'network: makes a VPC, but existing.vpc names one; remove one of them': {
    existing: vpc(),
    network: { availabilityZones: 2, cidr: '10.20.0.0/20' },
  },
  'alarmAddresses: would be subscribed to a topic of the stack, but existing.alarmTopicArn names yours; subscribe them there, and remove them':
    { existing: { alarmTopicArn: topic }, alarmAddresses: ['oncall@plan.example.org'] },
  'ticketAddresses: would be subscribed to a topic of the stack, but existing.ticketTopicArn names yours; subscribe them there, and remove them':
    { existing: { ticketTopicArn: topic }, ticketAddresses: ['desk@plan.example.org'] },
  'existing.keys.alarms: would encrypt a topic of the stack, but existing.alarmTopicArn names yours; remove it': {
    existing: { alarmTopicArn: topic, keys: { alarms: key } },
  },
  'existing.webAclArn: has the scope REGIONAL, but edge puts it in front of CloudFront; write one with the scope CLOUDFRONT':
    { existing: { webAclArn: regional }, ...edge },
  'waf: is "none", but existing.webAclArn names a web ACL; remove one of them': {
    existing: { webAclArn: regional },
    waf: 'none',
  },
  'tags: "AWS:owner" begins with "aws:", which AWS keeps to itself; write another key': { tags: { 'AWS:owner': 'x' } },
  'tags: "stage" is a tag that the stack sets itself; remove it': { tags: { stage: 'x' } },
  'tags: "owner" is "Owner" for IAM, in other case; write one of them': { tags: { Owner: 'a', owner: 'b' } },
  'tags.team: has characters that AWS refuses in a tag; write letters, digits, spaces and _ . : / = + - @': {
    tags: { team: 'a & b' },
  },
  "permissionsBoundaryArn: is in account 444455556666; write the ARN of a policy in 111122223333, the stage's account":
    { permissionsBoundaryArn: arn('iam::444455556666:policy/boundary') },
  'permissionsBoundaryArn: is not the ARN of a managed policy; write one such as "arn:aws:iam::111122223333:policy/boundary"':
    { permissionsBoundaryArn: role },
  'bootstrapQualifier: is not a qualifier; write 1 to 10 lower-case letters, digits and hyphens, such as "gateway1"': {
    bootstrapQualifier: 'Team_A',
  },
};

describe('what an account brings', () => {
  it('is kept as it is written, and passes the check again', () => {
    const existing = {
      ...vpc({ securityGroupId: 'sg-0a1b2c3d', awsEndpoints: [...calledServices] }),
      keys: { data: key },
      logDestination: { arn: stream, roleArn: role },
      alarmTopicArn: topic,
      ticketTopicArn: `${topic}-tickets`,
      webAclArn: regional,
    };
    const checked = checkStage(stage({ stage: { ...placed, existing, tags: { team: 'a b' } } }), 'stage.json');
    expect(checked.existing).toEqual(existing);
    expect(checkStage(checked, 'stage.json')).toEqual(checked);
  });

  it.each<[string, object, object?]>([
    ['nothing', {}],
    ['a VPC whose subnets have a way out', vpc()],
    ['a VPC with endpoints', vpc({ awsEndpoints: calledServices.toReversed() })],
    ['one zone outside production', vpc({ subnets: [subnet('a')] })],
    ['one key of several', { keys: { exports: key } }],
    ['a multi-region key', { keys: { audit: key.replace(keyId, `mrk-${'0a'.repeat(16)}`) } }],
    ['a Kinesis stream with a role', { logDestination: { arn: stream, roleArn: role } }],
    ['a function for logs', { logDestination: { arn: arn(`lambda:us-east-1:${account}:function:siem`) } }],
    [
      'a destination in another account',
      { logDestination: { arn: arn('logs:us-east-1:444455556666:destination:siem') } },
    ],
    ['a topic', { alarmTopicArn: topic }],
    ['a topic for tickets alone', { ticketTopicArn: topic }],
    ['a web ACL for the API', { webAclArn: regional }],
    ['a web ACL for CloudFront', { webAclArn: global }, edge],
    [
      'tags, a boundary and a qualifier',
      {},
      {
        tags: { Team: 'Öl und Gas: 1/2' },
        permissionsBoundaryArn: arn('iam::aws:policy/PowerUserAccess'),
        bootstrapQualifier: 'p2p-1',
      },
    ],
  ])('may be %s', (_title, existing, more = {}) => {
    expect(found(existing, more)).toEqual([]);
  });

  it.each([
    ...Object.entries(refusedExisting).map(([line, existing]) => [`existing.${line}`, { existing }] as const),
    ...Object.entries(refusedBeside),
  ])('is refused: %s', (line, more) => {
    expect(problems(stage({ stage: { ...placed, ...more } }))).toEqual([line]);
  });

  it('has a line for each of two keys with the same mistake', () => {
    expect(found({ keys: { data: keyId, audit: 'audit' } })).toEqual([
      expect.stringMatching(/^existing\.keys\.data: is not the ARN of a KMS key; /),
      expect.stringMatching(/^existing\.keys\.audit: is not the ARN of a KMS key; /),
    ]);
  });

  it('must be spread over two zones in production', () => {
    const lines = found(vpc({ subnets: [subnet('a'), { ...subnet('b'), availabilityZone: 'us-east-1a' }] }), {
      production: true,
    });
    expect(lines).toContain(
      'existing.vpc.subnets: are all in one zone, whose outage would stop production; write subnets in at least two zones',
    );
    expect(found(vpc(), { production: true }).filter((line) => line.includes('subnets'))).toEqual([]);
  });

  it('can be the topic that production requires', () => {
    const missing = (existing: object): string[] =>
      found(existing, { production: true }).filter((line) => line.startsWith('alarmAddresses: is empty'));
    expect(missing({})).toHaveLength(1);
    expect(missing({ alarmTopicArn: topic })).toEqual([]);
  });
});
