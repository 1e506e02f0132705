import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decide } from '../support/evaluate-policy.ts';
import { stages, stageTemplate, type StageTemplate, type Statement } from '../support/stage-template.ts';

const account = '111122223333';
const text = readFileSync(join(import.meta.dirname, '../../docs/bootstrap-policy.json'), 'utf8');
const { Statement: statements } = JSON.parse(text.replaceAll('${aws:PrincipalAccount}', account)) as {
  Statement: Statement[];
};
const resources = (JSON.parse(text) as { Statement: { Resource: string[] }[] }).Statement.flatMap(
  ({ Resource }) => Resource,
);

const at = (service: string, name: string): string => `arn:aws:${service}:us-east-1:${account}:${name}`;
const bucket = 'arn:aws:s3:::p2p-gateway-demo-auditbucket-x1';
const role = `arn:aws:iam::${account}:role/p2p-gateway-demo-FetchRole-x1`;
const policy = `arn:aws:iam::${account}:policy/p2p-gateway-demo-Policy-x1`;
const api = (path: string): string => `arn:aws:apigateway:us-east-1::${path}`;

/** What CloudFormation calls to create, change and delete a resource of a type, with a name that CloudFormation gives. */
const calls: Readonly<Record<string, readonly [resource: string, ...actions: string[]]>> = {
  'AWS::ApiGateway::Account': [api('/account'), 'apigateway:GET', 'apigateway:PATCH'],
  'AWS::ApiGateway::BasePathMapping': [api('/domainnames/gateway.example.org/basepathmappings'), 'apigateway:POST'],
  'AWS::ApiGateway::ClientCertificate': [api('/clientcertificates/abc'), 'apigateway:POST', 'apigateway:DELETE'],
  'AWS::ApiGateway::Deployment': [api('/restapis/abc/deployments'), 'apigateway:POST'],
  'AWS::ApiGateway::DomainName': [api('/domainnames'), 'apigateway:POST'],
  'AWS::ApiGateway::GatewayResponse': [api('/restapis/abc/gatewayresponses/THROTTLED'), 'apigateway:PUT'],
  'AWS::ApiGateway::Method': [api('/restapis/abc/resources/x/methods/ANY'), 'apigateway:PUT'],
  'AWS::ApiGateway::Resource': [api('/restapis/abc/resources'), 'apigateway:POST'],
  'AWS::ApiGateway::RestApi': [api('/restapis'), 'apigateway:POST'],
  'AWS::ApiGateway::Stage': [api('/restapis/abc/stages'), 'apigateway:POST'],
  'AWS::CloudFront::Distribution': [
    at('cloudfront', 'distribution/E1'),
    'cloudfront:CreateDistribution',
    'cloudfront:UpdateDistribution',
    'cloudfront:TagResource',
  ],
  'AWS::CloudFront::OriginRequestPolicy': [
    at('cloudfront', 'origin-request-policy/x'),
    'cloudfront:CreateOriginRequestPolicy',
    'cloudfront:DeleteOriginRequestPolicy',
  ],
  'AWS::CloudWatch::Alarm': [
    at('cloudwatch', 'alarm:p2p-gateway-demo-ServerErrors'),
    'cloudwatch:PutMetricAlarm',
    'cloudwatch:DeleteAlarms',
  ],
  'AWS::CloudWatch::Dashboard': [
    `arn:aws:cloudwatch::${account}:dashboard/p2p-gateway-demo`,
    'cloudwatch:PutDashboard',
    'cloudwatch:DeleteDashboards',
  ],
  'AWS::DynamoDB::Table': [
    at('dynamodb', 'table/p2p-gateway-demo-Grants-x1'),
    'dynamodb:CreateTable',
    'dynamodb:UpdateTable',
    'dynamodb:UpdateContinuousBackups',
    'dynamodb:UpdateTimeToLive',
    'dynamodb:DescribeTimeToLive',
    'dynamodb:TagResource',
  ],
  'AWS::EC2::EIP': [at('ec2', 'elastic-ip/x'), 'ec2:AllocateAddress', 'ec2:ReleaseAddress'],
  'AWS::EC2::FlowLog': [at('ec2', 'vpc-flow-log/x'), 'ec2:CreateFlowLogs', 'ec2:DeleteFlowLogs'],
  'AWS::EC2::InternetGateway': [
    at('ec2', 'internet-gateway/x'),
    'ec2:CreateInternetGateway',
    'ec2:DeleteInternetGateway',
  ],
  'AWS::EC2::NatGateway': [
    at('ec2', 'natgateway/x'),
    'ec2:CreateNatGateway',
    'ec2:DeleteNatGateway',
    'ec2:AssociateNatGatewayAddress',
  ],
  'AWS::EC2::Route': [at('ec2', 'route-table/x'), 'ec2:CreateRoute', 'ec2:DeleteRoute'],
  'AWS::EC2::RouteTable': [at('ec2', 'route-table/x'), 'ec2:CreateRouteTable', 'ec2:DeleteRouteTable'],
  'AWS::EC2::SecurityGroup': [
    at('ec2', 'security-group/x'),
    'ec2:CreateSecurityGroup',
    'ec2:DeleteSecurityGroup',
    'ec2:RevokeSecurityGroupEgress',
    'ec2:AuthorizeSecurityGroupEgress',
  ],
  'AWS::EC2::SecurityGroupIngress': [at('ec2', 'security-group/x'), 'ec2:AuthorizeSecurityGroupIngress'],
  'AWS::EC2::Subnet': [at('ec2', 'subnet/x'), 'ec2:CreateSubnet', 'ec2:ModifySubnetAttribute', 'ec2:DeleteSubnet'],
  'AWS::EC2::SubnetRouteTableAssociation': [
    at('ec2', 'route-table/x'),
    'ec2:AssociateRouteTable',
    'ec2:DisassociateRouteTable',
  ],
  'AWS::EC2::VPC': [at('ec2', 'vpc/x'), 'ec2:CreateVpc', 'ec2:ModifyVpcAttribute', 'ec2:DeleteVpc', 'ec2:CreateTags'],
  'AWS::EC2::VPCEndpoint': [
    at('ec2', 'vpc-endpoint/x'),
    'ec2:CreateVpcEndpoint',
    'ec2:ModifyVpcEndpoint',
    'ec2:DeleteVpcEndpoints',
    'ec2:CreateTags',
  ],
  'AWS::EC2::VPCGatewayAttachment': [at('ec2', 'vpc/x'), 'ec2:AttachInternetGateway', 'ec2:DetachInternetGateway'],
  'AWS::Events::Rule': [
    at('events', 'rule/p2p-gateway-demo-CanarySchedule-x1'),
    'events:PutRule',
    'events:PutTargets',
    'events:DeleteRule',
    'events:RemoveTargets',
  ],
  'AWS::IAM::ManagedPolicy': [
    policy,
    'iam:CreatePolicy',
    'iam:CreatePolicyVersion',
    'iam:DeletePolicy',
    'iam:GetPolicy',
  ],
  'AWS::IAM::Role': [
    role,
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:GetRole',
    'iam:AttachRolePolicy',
    'iam:PutRolePolicy',
    'iam:PassRole',
    'iam:TagRole',
  ],
  'AWS::KMS::Alias': [at('kms', 'alias/p2p-demo-data'), 'kms:CreateAlias', 'kms:UpdateAlias', 'kms:DeleteAlias'],
  'AWS::KMS::Key': [
    at('kms', 'key/x'),
    'kms:CreateKey',
    'kms:PutKeyPolicy',
    'kms:EnableKeyRotation',
    'kms:DescribeKey',
    'kms:TagResource',
    // Alias and key must both be allowed.
    'kms:CreateAlias',
    'kms:DeleteAlias',
  ],
  'AWS::Lambda::EventInvokeConfig': [
    at('lambda', 'function:p2p-gateway-demo-Canary-x1'),
    'lambda:PutFunctionEventInvokeConfig',
  ],
  'AWS::Lambda::EventSourceMapping': [
    at('lambda', 'event-source-mapping:x'),
    'lambda:CreateEventSourceMapping',
    'lambda:UpdateEventSourceMapping',
    'lambda:DeleteEventSourceMapping',
  ],
  'AWS::Lambda::Function': [
    at('lambda', 'function:p2p-gateway-demo-Fetch-x1'),
    'lambda:CreateFunction',
    'lambda:UpdateFunctionCode',
    'lambda:UpdateFunctionConfiguration',
    'lambda:PutFunctionConcurrency',
    'lambda:DeleteFunction',
  ],
  'AWS::Lambda::Permission': [
    at('lambda', 'function:p2p-gateway-demo-Fetch-x1'),
    'lambda:AddPermission',
    'lambda:RemovePermission',
  ],
  'AWS::Lambda::Version': [
    at('lambda', 'function:p2p-gateway-demo-Edge-x1:1'),
    'lambda:PublishVersion',
    'lambda:EnableReplication',
    'lambda:GetFunction',
  ],
  'AWS::Logs::Delivery': [at('logs', 'delivery:x'), 'logs:CreateDelivery', 'logs:DeleteDelivery'],
  'AWS::Logs::DeliveryDestination': [at('logs', 'delivery-destination:x'), 'logs:PutDeliveryDestination'],
  'AWS::Logs::DeliverySource': [at('logs', 'delivery-source:x'), 'logs:PutDeliverySource'],
  'AWS::Logs::LogGroup': [
    at('logs', 'log-group:p2p-gateway-demo-FetchLogs-x1'),
    'logs:CreateLogGroup',
    'logs:PutRetentionPolicy',
    'logs:AssociateKmsKey',
    'logs:DeleteLogGroup',
  ],
  'AWS::Route53::RecordSet': ['arn:aws:route53:::hostedzone/Z1', 'route53:ChangeResourceRecordSets'],
  'AWS::S3::Bucket': [
    bucket,
    's3:CreateBucket',
    's3:PutBucketObjectLockConfiguration',
    's3:PutEncryptionConfiguration',
    's3:PutLifecycleConfiguration',
    's3:PutBucketLogging',
    's3:PutBucketVersioning',
    's3:PutBucketPublicAccessBlock',
  ],
  'AWS::S3::BucketPolicy': [bucket, 's3:PutBucketPolicy', 's3:DeleteBucketPolicy'],
  'AWS::SecretsManager::Secret': [
    at('secretsmanager', 'secret:p2p/demo/payers/demo-health-plan-AbCdEf'),
    'secretsmanager:CreateSecret',
    'secretsmanager:DescribeSecret',
    'secretsmanager:DeleteSecret',
    'secretsmanager:TagResource',
  ],
  'AWS::SNS::Subscription': [at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'), 'sns:Subscribe', 'sns:Unsubscribe'],
  'AWS::SNS::Topic': [
    at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'),
    'sns:CreateTopic',
    'sns:SetTopicAttributes',
    'sns:DeleteTopic',
  ],
  'AWS::SNS::TopicPolicy': [at('sns', 'p2p-gateway-demo-AlarmsTopic-x1'), 'sns:SetTopicAttributes'],
  'AWS::SQS::Queue': [
    at('sqs', 'p2p-gateway-demo-EventsDeliverDeadLetters-x1'),
    'sqs:CreateQueue',
    'sqs:SetQueueAttributes',
    'sqs:GetQueueAttributes',
    'sqs:DeleteQueue',
    'sqs:TagQueue',
  ],
  'AWS::SQS::QueuePolicy': [at('sqs', 'p2p-gateway-demo-EventsDeliverDeadLetters-x1'), 'sqs:SetQueueAttributes'],
  'AWS::WAFv2::LoggingConfiguration': [
    at('wafv2', 'regional/webacl/x/1'),
    'wafv2:PutLoggingConfiguration',
    'wafv2:DeleteLoggingConfiguration',
  ],
  'AWS::WAFv2::WebACL': [
    at('wafv2', 'regional/webacl/x/1'),
    'wafv2:CreateWebACL',
    'wafv2:UpdateWebACL',
    'wafv2:DeleteWebACL',
  ],
  'AWS::WAFv2::WebACLAssociation': [
    at('wafv2', 'regional/webacl/x/1'),
    'wafv2:AssociateWebACL',
    'wafv2:DisassociateWebACL',
  ],
  // A function of the stack makes the calls.
  'Custom::DataVersion': [at('lambda', 'function:p2p-gateway-demo-RegistryFill-x1'), 'lambda:InvokeFunction'],
  'Custom::RegistryFill': [at('lambda', 'function:p2p-gateway-demo-RegistryFill-x1'), 'lambda:InvokeFunction'],
  'Custom::VpcRestrictDefaultSG': [at('lambda', 'function:p2p-gateway-demo-CustomVpc-x1'), 'lambda:InvokeFunction'],
};

describe('the policy that CloudFormation deploys with', () => {
  const templates: StageTemplate[] = [];
  beforeAll(async () => {
    for (const stage of stages) templates.push(await stageTemplate(stage));
  });
  const decided = (action: string, resource: string, context: Record<string, string> = {}) =>
    decide(templates[0] as StageTemplate, statements, { action, resource, context });

  it('allows it to create, change and delete each kind of resource in a stage', () => {
    const types = new Set(templates.flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type)));
    types.delete('AWS::CDK::Metadata');
    expect([...types].filter((type) => calls[type] === undefined)).toEqual([]);
    const refused = [...types].flatMap((type) => {
      const [resource = '', ...actions] = calls[type] ?? [];
      return actions.filter((action) => decided(action, resource) !== 'allowed').map((action) => `${type}: ${action}`);
    });
    expect(refused).toEqual([]);
  });

  // "Authorizing use of a customer managed key":
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
  it.each([
    'kms:Encrypt',
    'kms:Decrypt',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:DescribeKey',
    'kms:CreateGrant',
  ])('allows it %s through DynamoDB, which requires that to encrypt a table with a customer managed key', (action) => {
    const through = { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' };
    expect(decided(action, at('kms', 'key/x'), through)).toBe('allowed');
  });

  // Creating an interface endpoint with private DNS associates the VPC with the endpoint's hosted zone.
  it('allows it to associate a VPC with the hosted zone of an interface endpoint', () => {
    expect(decided('route53:AssociateVPCWithHostedZone', 'arn:aws:route53:::hostedzone/Z1')).toBe('allowed');
  });

  it('allows it to read the secret that CloudFront sends, and the bundles', () => {
    const edge = at('secretsmanager', 'secret:OriginSecretValue1A2B3C-AbCdEf');
    expect(decided('secretsmanager:GetSecretValue', edge)).toBe('allowed');
    const through = { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' };
    expect(decided('kms:Decrypt', at('kms', 'key/x'), through)).toBe('allowed');
    expect(decided('s3:GetObject', 'arn:aws:s3:::cdk-hnb659fds-assets-111122223333-us-east-1/x.zip')).toBe('allowed');
  });

  it.each<[string, string, Record<string, string>?]>([
    ['secretsmanager:GetSecretValue', at('secretsmanager', 'secret:p2p/demo/payers/demo-health-plan-AbCdEf')],
    ['dynamodb:GetItem', at('dynamodb', 'table/p2p-gateway-demo-Grants-x1')],
    ['dynamodb:Scan', at('dynamodb', 'table/p2p-gateway-demo-Grants-x1')],
    ['s3:GetObject', `${bucket}/events/x.ndjson`],
    ['s3:DeleteObjectVersion', `${bucket}/events/x.ndjson`],
    ['s3:BypassGovernanceRetention', `${bucket}/events/x.ndjson`],
    ['logs:GetLogEvents', at('logs', 'log-group:p2p-gateway-demo-FetchLogs-x1:log-stream:x')],
    ['logs:StartQuery', at('logs', 'log-group:p2p-gateway-demo-FetchLogs-x1')],
    ['kms:Decrypt', at('kms', 'key/x')],
    ['sqs:ReceiveMessage', at('sqs', 'p2p-gateway-demo-EventsDeliverDeadLetters-x1')],
    ['iam:CreateUser', `arn:aws:iam::${account}:user/p2p-gateway-x`],
    ['iam:CreateRole', `arn:aws:iam::${account}:role/admin`],
    ['iam:AttachRolePolicy', role, { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' }],
    ['iam:PassRole', role, { 'iam:PassedToService': 'ec2.amazonaws.com' }],
    ['iam:PassRole', `arn:aws:iam::${account}:role/admin`],
    ['lambda:UpdateFunctionCode', at('lambda', 'function:payroll')],
    ['dynamodb:DeleteTable', at('dynamodb', 'table/payroll')],
    ['s3:PutBucketPolicy', 'arn:aws:s3:::payroll'],
    ['sts:AssumeRole', role],
    ['ec2:RunInstances', at('ec2', 'instance/x')],
    ['organizations:LeaveOrganization', '*'],
  ])(
    'does not allow it to read data or touch what is not the stack’s: no %s on %s',
    (action, resource, context = {}) => {
      expect(decided(action, resource, context)).toBe('not allowed');
    },
  );

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
  it('has variables only where IAM reads them: in a resource after the fifth colon', () => {
    const early = resources.filter((arn) => arn !== '*' && arn.split(':').slice(0, 5).join(':').includes('${'));
    expect(resources.length).toBeGreaterThan(20);
    expect(early).toEqual([]);
  });

  it("fits into one managed policy, and allows no service's actions as a whole", () => {
    expect(text.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(6144);
    expect(statements.flatMap(({ Action }) => Action).filter((action) => /^\*|^iam:\*$/.test(action))).toEqual([]);
  });
});
