import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { matchesPattern } from '../../bin/shared/policy-pattern.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { decide } from '../support/evaluate-policy.ts';
import { account, api, at, bucket, named, role, stream } from '../support/named-resources.ts';
import { everything, ownEverything } from '../support/own-everything.ts';
import {
  hasConditionKey,
  isGranted,
  isOfKind,
  kindsOf,
  knownActions,
  someOfKind,
  type Kind,
} from '../support/service-authorization.ts';
import {
  ofType,
  stages,
  stageTemplate,
  synthesized,
  type Resource,
  type StageTemplate,
  type Statement,
} from '../support/stage-template.ts';
import { words } from '../support/words.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/bootstrap-policy.json'), 'utf8');
const { Statement: statements } = JSON.parse(text.replaceAll('${aws:PrincipalAccount}', account)) as {
  Statement: Statement[];
};
const resources = (JSON.parse(text) as { Statement: { Resource: string[] }[] }).Statement.flatMap(
  ({ Resource }) => Resource,
);

const permissions = JSON.parse(readFileSync(join(import.meta.dirname, 'registry-permissions.json'), 'utf8')) as {
  /** By type and handler, the actions that CloudFormation calls. */
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** What a call of another service is about: a table's key, a function's role, its bundle, the log of a web ACL. */
const ofService: Readonly<Record<string, string>> = {
  apigateway: api('/restapis/abc/stages/demo'),
  iam: role,
  kms: at('kms', 'key/x'),
  s3: 'arn:aws:s3:::cdk-hnb659fds-assets-111122223333-us-east-1/x.zip',
};

/** The role of a log destination that the account brings. */
const broughtRole = everything.logDestination?.roleArn ?? '';

/** What is needed only by a stage whose account brings a permissions boundary or a log destination. */
const added = [
  ['iam:DeleteRolePermissionsBoundary', role],
  ['iam:PassRole', broughtRole],
  ['iam:PutRolePermissionsBoundary', role],
];

/** Who gets a role of the stack. */
const receivers = ['apigateway', 'lambda', 'vpc-flow-logs'];

/**
 * Actions that a type's handlers have for a property, or a value of one, that no stage can have: no resource of the
 * type has the text, whatever an operator configures. So neither a deployment nor the way back from one calls them.
 */
const waived: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS::ApiGateway::Method': { credentials: 'iam:PassRole' },
  'AWS::ApiGateway::RestApi': { BodyS3Location: 'iam:PassRole s3:GetObject' },
  'AWS::CloudFront::Distribution': {
    ConnectionMode: 'cloudfront:CreateConnectionGroup cloudfront:GetConnectionGroup',
    VpcOrigin: 'cloudfront:GetVpcOrigin',
  },
  'AWS::DynamoDB::Table': {
    ContributorInsights: 'dynamodb:UpdateContributorInsights',
    ImportSource: `
      dynamodb:DescribeImport dynamodb:ImportTable logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams
      logs:PutLogEvents logs:PutRetentionPolicy s3:GetObject s3:ListBucket
    `,
    Kinesis: `
      dynamodb:DescribeKinesisStreamingDestination dynamodb:DisableKinesisStreamingDestination
      dynamodb:EnableKinesisStreamingDestination kinesis:DescribeStream kinesis:PutRecords
      dynamodb:UpdateKinesisStreamingDestination
    `,
    Replica: `
      dynamodb:AssociateTableReplica dynamodb:BatchWriteItem dynamodb:CreateTableReplica dynamodb:DeleteItem
      dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem
    `,
    ResourcePolicy: 'dynamodb:PutResourcePolicy dynamodb:DeleteResourcePolicy',
  },
  'AWS::EC2::FlowLog': { 's3:::': 's3:GetBucketPolicy s3:PutBucketPolicy' },
  'AWS::EC2::VPCEndpoint': {
    ServiceNetwork: 'vpc-lattice:CreateServiceNetworkVpcEndpointAssociation',
    ServiceRegion: 'vpce:AllowMultiRegion',
  },
  'AWS::EC2::VPCGatewayAttachment': { VpnGateway: 'ec2:AttachVpnGateway ec2:DetachVpnGateway' },
  'AWS::Events::Rule': { RoleArn: 'iam:PassRole' },
  'AWS::Lambda::EventSourceMapping': {
    // Customer managed keys for filters, destinations and code.
    KmsKeyArn: 'kms:Decrypt kms:DescribeKey kms:GenerateDataKey',
  },
  'AWS::IAM::ManagedPolicy': {
    '"Groups"': 'iam:AttachGroupPolicy iam:DetachGroupPolicy',
    '"Users"': 'iam:AttachUserPolicy iam:DetachUserPolicy',
  },
  'AWS::IAM::Role': { '"Description"': 'iam:UpdateRoleDescription' },
  'AWS::KMS::Key': { '"Enabled"': 'kms:DisableKey kms:EnableKey' },
  'AWS::Lambda::Function': {
    CapacityProvider: 'lambda:PassCapacityProvider',
    CodeSigningConfig: 'lambda:GetCodeSigningConfig lambda:PutFunctionCodeSigningConfig',
    Layers: 'lambda:GetLayerVersion',
    FileSystem: 'elasticfilesystem:DescribeMountTargets s3files:ListMountTargets',
    ObjectVersion: 's3:GetObjectVersion',
  },
  'AWS::Logs::DeliverySource': {
    codewhisperer: 'codewhisperer:AllowVendedLogDeliveryForResource',
    workmail: 'workmail:AllowVendedLogDeliveryForResource',
  },
  'AWS::Logs::LogGroup': {
    firehose: 'firehose:TagDeliveryStream',
    BearerToken: 'logs:PutBearerTokenAuthentication',
    FieldIndex: 'logs:PutIndexPolicy logs:DeleteIndexPolicy',
    ResourcePolicy: 'logs:PutResourcePolicy logs:DeleteResourcePolicy',
  },
  'AWS::S3::Bucket': {
    AccessControl: 's3:PutObjectAcl',
    Replication: 'iam:PassRole',
    MetadataTable: `
      s3tables:CreateNamespace s3tables:CreateTable s3tables:CreateTableBucket s3tables:GetTable
      s3tables:GetTableMetadataLocation s3tables:PutTableBucketPolicy s3tables:PutTableEncryption
      s3tables:PutTablePolicy s3tables:UpdateTableMetadataLocation
    `,
    // A property of a new bucket acts on no object, and nobody may delete one of the audit.
    '"Objects"': 's3:DeleteObject',
  },
  'AWS::SecretsManager::Secret': {
    Replica: 'secretsmanager:ReplicateSecretToRegions secretsmanager:RemoveRegionsFromReplication',
  },
  'AWS::SNS::Subscription': { RoleArn: 'iam:GetRole iam:PassRole' },
  'AWS::SNS::Topic': { RoleArn: 'iam:GetRole iam:PassRole' },
  'AWS::WAFv2::LoggingConfiguration': {
    firehose: 'firehose:ListDeliveryStreams',
    's3:::': 's3:GetBucketPolicy s3:PutBucketPolicy',
  },
  'AWS::WAFv2::WebACLAssociation': {
    amplify: 'amplify:AssociateWebACL amplify:GetWebACLForResource amplify:DisassociateWebACL',
    apprunner: 'apprunner:AssociateWebAcl apprunner:DescribeWebAclForService apprunner:DisassociateWebAcl',
    appsync: `
      appsync:AssociateWebACL appsync:DisassociateWebACL appsync:GetWebACLForResource appsync:SetWebACL
    `,
    bedrock: `
      bedrock-agentcore:GatewayAssociateWebACL bedrock-agentcore:GatewayDisassociateWebACL
      bedrock-agentcore:GatewayGetWebACLForResource
    `,
    cognito: `
      cognito-idp:AssociateWebACL cognito-idp:DisassociateWebACL cognito-idp:GetWebACLForResource
    `,
    elasticloadbalancing: `
      elasticloadbalancing:CreateWebACLAssociation elasticloadbalancing:DeleteWebACLAssociation
      elasticloadbalancing:GetLoadBalancerWebACL elasticloadbalancing:SetWebACL
    `,
    'verified-access': `
      ec2:AssociateVerifiedAccessInstanceWebAcl ec2:DescribeVerifiedAccessInstanceWebAclAssociations
      ec2:DisassociateVerifiedAccessInstanceWebAcl ec2:GetVerifiedAccessInstanceWebAcl
    `,
  },
};

/** Where the registry is silent: `action on resource`, and AWS's page that says so. */
const silent: readonly (readonly [type: string, action: string, resource: string, source: string])[] = [
  ...['ChangeResourceRecordSets', 'GetHostedZone', 'ListResourceRecordSets'].map(
    (name) =>
      [
        'AWS::Route53::RecordSet',
        `route53:${name}`,
        'arn:aws:route53:::hostedzone/Z1',
        'https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html',
      ] as const,
  ),
  [
    'AWS::Route53::RecordSet',
    'route53:GetChange',
    'arn:aws:route53:::change/C1',
    'https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html',
  ],
  // With private DNS, EC2 associates the VPC with the endpoint's hosted zone for whoever makes the endpoint.
  [
    'AWS::EC2::VPCEndpoint',
    'route53:AssociateVPCWithHostedZone',
    'arn:aws:route53:::hostedzone/Z1',
    'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html',
  ],
  ...['lambda:EnableReplication', 'lambda:GetFunction'].map(
    (action) =>
      [
        'AWS::CloudFront::Distribution',
        action,
        at('lambda', 'function:p2p-gateway-demo-Edge-x1:1'),
        'https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html',
      ] as const,
  ),
  [
    'AWS::Logs::DeliverySource',
    'cloudfront:AllowVendedLogDeliveryForResource',
    at('cloudfront', 'distribution/E1'),
    'https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html',
  ],
  [
    'AWS::KMS::Alias',
    'kms:CreateAlias',
    at('kms', 'key/x'),
    'https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html',
  ],
  // A function of the stack makes the calls.
  ...['Custom::DataVersion', 'Custom::RegistryFill', 'Custom::VpcRestrictDefaultSG'].map(
    (type) =>
      [
        type,
        'lambda:InvokeFunction',
        at('lambda', 'function:p2p-gateway-demo-RegistryFill-x1'),
        'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda.html',
      ] as const,
  ),
];

interface Row {
  readonly action: string;
  readonly resource: string;
  readonly context?: Record<string, string>;
}

describe('the policy that CloudFormation deploys with', () => {
  const templates: StageTemplate[] = [];
  let own: StageTemplate;
  beforeAll(async () => {
    for (const stage of stages) templates.push(await stageTemplate(stage));
    own = await synthesized(await ownEverything());
  });
  const decided = (action: string, resource: string, context: Record<string, string> = {}) =>
    decide(templates[0] as StageTemplate, statements, { action, resource, context });

  /**
   * The resources that an action is about when CloudFormation calls it for a type: one of each kind that AWS decides about, with a name
   * that a stage has if it has any of that kind.
   */
  const resourcesOf = (type: string, action: string, kinds: readonly Kind[]): string[] => {
    if (kinds.length === 0) return ['*'];
    const first = [named[type], `${named[type]}/x`, ofService[action.split(':')[0]!.toLowerCase()]];
    const all = [...first, ...Object.values(named), stream].filter((one) => one !== undefined);
    const one = (kind: Kind) => all.find((resource) => isOfKind(resource, kind)) ?? someOfKind(kind);
    const required = kinds.filter(({ isRequired }) => isRequired);
    if (required.length > 0) return required.map(one);
    return [all.find((resource) => kinds.some((kind) => isOfKind(resource, kind))) ?? someOfKind(kinds[0]!)];
  };

  /** The rows of the registry for a type that a stage uses: an action, and the resources that it is about. */
  const rowsOf = (type: string): Row[] => {
    const [, service = ''] = type.toLowerCase().split('::');
    const actions = new Set(Object.values(permissions.types[type] ?? {}).flatMap((all) => all.split(' ')));
    const without = new Set(Object.values(waived[type] ?? {}).flatMap((all) => words(all)));
    const needed = [...actions].filter((action) => kindsOf(action) !== undefined && !without.has(action));
    return needed.flatMap((action): Row[] => {
      const of = action.split(':')[0]!.toLowerCase();
      const through = { 'kms:ViaService': `${service}.us-east-1.amazonaws.com` };
      if (action === 'iam:PassRole' && type === 'AWS::Logs::SubscriptionFilter') {
        return [{ action, resource: broughtRole, context: { 'iam:PassedToService': 'logs.amazonaws.com' } }];
      }
      if (action === 'iam:PassRole') {
        const passed = receivers.filter(
          (to) => type.toLowerCase().includes(to) || (to === 'vpc-flow-logs' && /FlowLog/.test(type)),
        );
        return passed.map((to) => ({
          action,
          resource: role,
          context: { 'iam:PassedToService': `${to}.amazonaws.com` },
        }));
      }
      if (action === 'iam:CreateServiceLinkedRole') {
        return [
          { action, resource: `arn:aws:iam::${account}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX` },
        ];
      }
      return resourcesOf(type, action, kindsOf(action)!).map((resource) => ({
        action,
        resource,
        context: of === 'kms' && service !== 'kms' ? through : {},
      }));
    });
  };
  const types = (): Set<string> => {
    const found = [...templates, own].flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
    return new Set(found.filter((type) => type !== 'AWS::CDK::Metadata'));
  };

  it('allows it what the registry says of each kind of resource in a stage, and what AWS says where that is silent', () => {
    const refused = [...types()].flatMap((type) =>
      rowsOf(type)
        .filter(({ action, resource, context }) => decided(action, resource, context) !== 'allowed')
        .filter(({ action, resource }) => !added.some(([one, of]) => one === action && of === resource))
        .map(({ action, resource }) => `${type}: ${action} on ${resource}`),
    );
    expect(
      [...types()].filter((type) => permissions.types[type] === undefined && !silent.some(([one]) => one === type)),
    ).toEqual([]);
    expect([...types()].reduce((sum, type) => sum + rowsOf(type).length, 0)).toBeGreaterThan(300);
    expect(refused).toEqual([]);
    const ofPayer = at('secretsmanager', 'secret:p2p/demo/payers/demo-health-plan-AbCdEf');
    const atPayers = rowsOf('AWS::SecretsManager::Secret').filter(
      ({ resource }) => resource === named['AWS::SecretsManager::Secret'],
    );
    // A payer's secret is made without a value.
    expect(atPayers.filter(({ action }) => decided(action, ofPayer) !== 'allowed').map(({ action }) => action)).toEqual(
      ['secretsmanager:GetSecretValue'],
    );
    expect(silent.filter(([, action, resource]) => decided(action, resource) !== 'allowed')).toEqual([]);
  });

  it('leaves out only actions that the registry has for properties that no stage uses, whatever it brings of its own', () => {
    const used = Object.entries(waived).flatMap(([type, texts]) => {
      const made = [...templates, own].flatMap(({ Resources }) =>
        JSON.stringify(Object.values(Resources).flatMap((one) => (one.Type === type ? [one.Properties] : []))),
      );
      return Object.keys(texts)
        .filter((name) => made.some((one) => one.toLowerCase().includes(name.toLowerCase())))
        .map((name) => `${type}: ${name}`);
    });
    const called = (type: string) => Object.values(permissions.types[type] ?? {}).flatMap((all) => words(all));
    const unknown = Object.entries(waived).flatMap(([type, texts]) =>
      Object.values(texts).flatMap((all) => words(all).filter((action) => !called(type).includes(action))),
    );
    expect([used, unknown]).toEqual([[], []]);
  });

  it('lacks for a permissions boundary and a log destination what docs/bring-your-own.md tells to add', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../docs/bring-your-own.md'), 'utf8');
    const told = /^The role that deploys needs[^#]*/m.exec(guide)?.[0] ?? '';
    const refused = ['AWS::IAM::Role', 'AWS::Logs::SubscriptionFilter'].flatMap((type) =>
      rowsOf(type).filter(({ action, resource, context }) => decided(action, resource, context) !== 'allowed'),
    );
    const used = JSON.stringify([ofType(own, 'AWS::IAM::Role'), ofType(own, 'AWS::Logs::SubscriptionFilter')]);
    expect([used.includes('PermissionsBoundary'), used.includes(broughtRole)]).toEqual([true, true]);
    expect(
      refused
        .map(({ action, resource }) => [action, resource])
        .toSorted((one, other) => compareTexts(one.join(), other.join())),
    ).toEqual(added);
    expect(refused.filter(({ action }) => !told.includes(`\`${action}\``))).toEqual([]);
  });

  describe('before a DynamoDB that asks KMS for the rights of whoever makes a table', () => {
    let aws: LocalAws;
    let client: DynamoDBClient;
    const keyArn = at('kms', 'key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0');
    beforeAll(async () => {
      aws = await startAws(0);
      aws.kms.createKey(keyArn);
      const credentials = { accessKeyId: 'cloudformation', secretAccessKey: 'none' };
      client = new DynamoDBClient({ region: 'us-east-1', endpoint: aws.url, credentials, maxAttempts: 1 });
    });
    afterAll(async () => {
      client.destroy();
      await aws.close();
    });

    /** Makes a table of the template, under the stage's key. */
    const make = (table: Resource, TableName: string) => {
      const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, SSESpecification } = table.Properties ?? {};
      const { SSEEnabled: Enabled, SSEType, KMSMasterKeyId } = SSESpecification as Record<string, unknown>;
      expect(KMSMasterKeyId).toBeDefined();
      return client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          ...({ KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } as Pick<
            CreateTableCommandInput,
            'KeySchema' | 'AttributeDefinitions' | 'GlobalSecondaryIndexes'
          >),
          SSESpecification: { Enabled: Enabled === true, SSEType: SSEType as 'KMS', KMSMasterKeyId: keyArn },
        }),
      );
    };
    const tables = (): Resource[] => ofType(templates.at(-1) as StageTemplate, 'AWS::DynamoDB::Table');
    const byPolicy: Parameters<LocalAws['kms']['allowOnly']>[0] = ({ action, through }) =>
      decided(action, keyArn, { 'kms:ViaService': `${through}.us-east-1.amazonaws.com` }) === 'allowed';

    it('makes every table of a stage', async () => {
      aws.kms.allowOnly(byPolicy);
      for (const [index, table] of tables().entries()) await make(table, `p2p-gateway-demo-${index}`);
      expect(tables()).toHaveLength(7);
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
    ])('could make none without %s', async (missing) => {
      aws.kms.allowOnly((use) => use.action !== missing && byPolicy(use));
      await expect(make(tables()[0] as Resource, 'p2p-gateway-demo-none')).rejects.toMatchObject({
        name: 'AccessDeniedException',
        message: expect.stringContaining(`perform: ${missing} on resource: ${keyArn}`) as string,
      });
    });
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

  it('denies it every change of this policy, by the name that docs/deploy.md gives it', () => {
    const guide = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
    const [, name = ''] = /create-policy --policy-name (\S+) --policy-document/.exec(guide) ?? [];
    const itself = `arn:aws:iam::${account}:policy/${name}`;
    const changes = [
      'CreatePolicyVersion',
      'SetDefaultPolicyVersion',
      'DeletePolicyVersion',
      'CreatePolicy',
      'DeletePolicy',
    ];

    expect(changes.map((change) => decided(`iam:${change}`, itself))).toEqual(changes.map(() => 'denied'));
  });

  it('grants nothing in vain: of each action AWS decides about some resource of its statement, and looks at the condition', () => {
    const inVain = statements.flatMap(({ Action, Resource, Condition = {} }) => {
      const keys = Object.entries(Condition).flatMap(([operator, of]) =>
        Object.keys(of).filter(() => !operator.endsWith('IfExists')),
      );
      return [Action].flat().filter((pattern) => {
        const actions = knownActions.filter((action) => matchesPattern(action.toLowerCase(), pattern.toLowerCase()));
        return !actions.some(
          (action) => isGranted(action, Resource as string[]) && keys.every((key) => hasConditionKey(action, key)),
        );
      });
    });
    expect(inVain).toEqual([]);
  });

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

it('the command for GovCloud makes every ARN one of its partition', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
  const command = /^sed .*aws-us-gov.*(?= >)/m.exec(guide)?.[0] ?? '';
  const made = execFileSync('bash', ['--norc', '-c', command], {
    cwd: join(import.meta.dirname, '../..'),
  }).toString();

  expect(made.match(/arn:aws-us-gov:/g)).toHaveLength(text.match(/arn:aws:/g)?.length ?? 0);
  expect(made).not.toMatch(/arn:aws:/);
});
