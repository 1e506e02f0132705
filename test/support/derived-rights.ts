/**
 * Rights that no call of a function's code shows, since an AWS service makes the call for it. Each follows from a fact
 * in the template. A right of one of these kinds that follows from no fact is excessive.
 */
import { byItsCode, through, type UsedRight } from './right-lines.ts';
import { nameOf, type Resource, type StageTemplate } from './stage-template.ts';
import { words } from './words.ts';

/** The facts that a right is derived from. */
export interface Facts {
  readonly template: StageTemplate;
  readonly lambdaId: string;
  readonly lambda: Resource;
  /** What the function's code calls. */
  readonly uses: readonly UsedRight[];
}

interface Derivation {
  readonly reason: string;
  readonly rights: (facts: Facts) => readonly string[];
}

const allow = (actions: readonly string[], resource: string, condition = ''): string[] =>
  actions.map((action) => `Allow ${action} on ${resource}${condition}`);

const properties = ({ Properties = {} }: Resource): Readonly<Record<string, unknown>> => Properties;

/** A nested property; lists by index. */
const deep = (value: unknown, ...names: readonly (string | number)[]): unknown =>
  names.reduce<unknown>((found, name) => (found as Record<string | number, unknown> | undefined)?.[name], value);

/** The keys of the resources of one type that one of the actions uses, at a path of property names. */
const keysOf = (
  { template, uses }: Facts,
  { type, action, at }: { type: string; action: RegExp; at: readonly (string | number)[] },
): string[] => {
  const called = uses.filter((right) => action.test(right.action));
  const used = new Set(called.map(({ resource }) => resource.replace(/\/(?:\*.*|index\/\w+)$/, '')));
  const keys = Object.entries(template.Resources)
    .filter(([id, { Type }]) => Type === type && used.has(nameOf(template, { Ref: id })))
    .map(([, resource]) => deep(properties(resource), ...at));
  return [...new Set(keys.filter((key) => key !== undefined).map((key) => nameOf(template, key)))];
};

/** The DynamoDB streams that trigger the function, with their tables. */
const streamsOf = ({ template, lambdaId }: Facts): { stream: string; table: string }[] =>
  Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::EventSourceMapping')
    .map(properties)
    .filter(({ FunctionName }) => deep(FunctionName, 'Ref') === lambdaId)
    .map(({ EventSourceArn: arn }) => ({ stream: nameOf(template, arn), table: String(deep(arn, 'Fn::GetAtt', 0)) }));

const streamKeysOf = (facts: Facts): string[] => {
  const keys = streamsOf(facts).map(({ table }) =>
    deep(facts.template.Resources[table]?.Properties, 'SSESpecification', 'KMSMasterKeyId'),
  );
  return [...new Set(keys.filter((key) => key !== undefined).map((key) => nameOf(facts.template, key)))];
};

/** The path to the key in a bucket's encryption settings. */
const keyOfBucket = [
  'BucketEncryption',
  'ServerSideEncryptionConfiguration',
  0,
  'ServerSideEncryptionByDefault',
  'KMSMasterKeyID',
] as const;

const networkInterfaceActions = words(`
  ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces
  ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses
`);

export const derivations: readonly Derivation[] = [
  {
    reason: 'Lambda writes what a function prints into the log group that the function names.',
    rights: ({ template, lambda }) => {
      const group = deep(properties(lambda), 'LoggingConfig', 'LogGroup');
      return group === undefined ? [] : allow(['logs:CreateLogStream', 'logs:PutLogEvents'], nameOf(template, group));
    },
  },
  {
    reason: 'Lambda sends the traces of a function that is traced; X-Ray has no resources to narrow it to.',
    rights: ({ lambda }) =>
      deep(properties(lambda), 'TracingConfig', 'Mode') === 'Active'
        ? allow(['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], '*')
        : [],
  },
  {
    reason: 'Lambda makes the network interfaces of a function in a VPC with its role, and its code must not.',
    rights: ({ lambda }) =>
      properties(lambda)['VpcConfig'] === undefined
        ? []
        : [
            ...allow(networkInterfaceActions, '*'),
            ...networkInterfaceActions.map((action) => `Deny ${action} on *${byItsCode}`),
          ],
  },
  {
    reason: 'Lambda reads the streams that an event source mapping feeds a function from.',
    rights: (facts) =>
      streamsOf(facts).flatMap(({ stream, table }) =>
        allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], stream).concat(
          allow(['dynamodb:ListStreams'], `${nameOf(facts.template, { Ref: table })}/stream/*`),
        ),
      ),
  },
  {
    reason: "A stream's records are encrypted with its table's key.",
    rights: (facts) =>
      streamKeysOf(facts).flatMap((key) => allow(['kms:Decrypt', 'kms:DescribeKey'], key, through('dynamodb'))),
  },
  {
    reason: "DynamoDB uses a table's key for whoever reads or writes the table's items.",
    rights: (facts) =>
      keysOf(facts, {
        type: 'AWS::DynamoDB::Table',
        action: /^dynamodb:/,
        at: ['SSESpecification', 'KMSMasterKeyId'],
      }).flatMap((key) =>
        allow(
          words(`
            kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext
            kms:ReEncryptFrom kms:ReEncryptTo
          `),
          key,
          through('dynamodb'),
        ),
      ),
  },
  {
    reason: "Secrets Manager decrypts a secret with its key for whoever reads the secret's value.",
    rights: (facts) =>
      keysOf(facts, {
        type: 'AWS::SecretsManager::Secret',
        action: /^secretsmanager:GetSecretValue$/,
        at: ['KmsKeyId'],
      }).flatMap((key) => allow(['kms:Decrypt'], key, through('secretsmanager'))),
  },
  {
    reason:
      "Secrets of payers and of webhooks are not of the template. The tools make them with the key that the stage's alias names.",
    rights: ({ template, uses }) =>
      uses.every(({ action, resource }) => action !== 'secretsmanager:GetSecretValue' || !resource.startsWith('arn:'))
        ? []
        : Object.values(template.Resources)
            .filter(
              ({ Type, Properties }) =>
                Type === 'AWS::KMS::Alias' && String(Properties?.['AliasName']).endsWith('-data'),
            )
            .map((alias) => nameOf(template, properties(alias)['TargetKeyId']))
            .flatMap((key) => allow(['kms:Decrypt'], key, through('secretsmanager'))),
  },
  {
    reason: "S3 encrypts an object with its bucket's key for whoever puts it in one part.",
    rights: (facts) =>
      keysOf(facts, {
        type: 'AWS::S3::Bucket',
        action: /^s3:PutObject$/,
        at: keyOfBucket,
      }).flatMap((key) => allow(['kms:GenerateDataKey'], key, through('s3'))),
  },
  {
    reason: "S3 decrypts an object with its bucket's key for whoever gets it.",
    rights: (facts) =>
      keysOf(facts, { type: 'AWS::S3::Bucket', action: /^s3:GetObject$/, at: keyOfBucket }).flatMap((key) =>
        allow(['kms:Decrypt'], key, through('s3')),
      ),
  },
  {
    reason:
      "Lambda decrypts a durable function's history with the key that the function names, for that function alone.",
    rights: ({ template, lambdaId, lambda }) => {
      const key = deep(properties(lambda), 'DurableConfig', 'KMSKeyArn');
      const ofItself = `StringEquals kms:EncryptionContext:aws:lambda:FunctionArn=${nameOf(template, { Ref: lambdaId })}`;
      const byLambda = 'StringEquals kms:ViaService=lambda.{region}.amazonaws.com';
      return key === undefined ? [] : allow(['kms:Decrypt'], nameOf(template, key), ` if ${ofItself} and ${byLambda}`);
    },
  },
  {
    reason: "Lambda puts a function's events that it gives up into the queue that the function names, with its role.",
    rights: ({ template, lambda }) => {
      const queue = deep(properties(lambda), 'DeadLetterConfig', 'TargetArn');
      const found = template.Resources[String(deep(queue, 'Fn::GetAtt', 0))];
      if (found === undefined) return [];
      const key = nameOf(template, properties(found)['KmsMasterKeyId']);
      return [
        ...allow(['sqs:SendMessage'], nameOf(template, queue)),
        ...allow(['kms:Decrypt', 'kms:GenerateDataKey'], key, through('sqs')),
      ];
    },
  },
  {
    reason: "The CDK's own function takes the rules out of the default security group that its custom resource names.",
    rights: ({ template, lambdaId }) =>
      Object.values(template.Resources)
        .filter(({ Type }) => Type === 'Custom::VpcRestrictDefaultSG')
        .map(properties)
        .filter(({ ServiceToken: token }) => deep(token, 'Fn::GetAtt', 0) === lambdaId)
        .flatMap(({ DefaultSecurityGroupId: group }) =>
          allow(
            words(`
              ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupEgress
              ec2:RevokeSecurityGroupIngress
            `),
            `${template.environment.replace(/^aws:\/\/(.*)\/(.*)$/, 'arn:aws:ec2:$2:$1')}:security-group/${nameOf(template, group)}`,
          ),
        ),
  },
];
