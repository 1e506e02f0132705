/** The policy statements that functions' permissions are made of: listed actions on listed resources. */
import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** Allows the actions on the resources, under the conditions if there are any. */
export const allow = (
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [...resources], conditions });

/**
 * The condition that a request is about items whose partition key matches the pattern. `ForAllValues` alone allows a
 * request without keys.
 */
export const onlyItems = (pattern: string): Readonly<Record<string, unknown>> => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [pattern] },
  Null: { 'dynamodb:LeadingKeys': 'false' },
});

/**
 * A request that names attributes, and only these. Those in its condition expression count too
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
 */
export const onlyAttributes = (attributes: readonly string[]): Readonly<Record<string, unknown>> => ({
  'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes.toSorted() },
  Null: { 'dynamodb:Attributes': 'false' },
});

type WriteAction = `dynamodb:${'Put' | 'Update' | 'Delete'}Item`;

/**
 * For a function that may write items which it may not read. A write that succeeds returns nothing; otherwise it could return the
 * whole item. One whose condition fails returns the item if asked to (`ReturnValuesOnConditionCheckFailure`): IAM has no condition
 * for that (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
 */
export const allowOnlyWriting = (
  actions: readonly WriteAction[],
  resources: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): PolicyStatement =>
  allow(actions, resources, { ...conditions, StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' } });

/** The condition that a read selects only these attributes. Otherwise it returns all of them. */
export const onlyReadAttributes = (attributes: readonly string[]): Readonly<Record<string, unknown>> => ({
  ...onlyAttributes(attributes),
  StringEquals: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
});

/** Lets a service use a key on the function's behalf: the function itself cannot call KMS with it. */
const allowKeyThrough = (service: string, key: IKey, actions: readonly string[]): PolicyStatement =>
  allow(actions, [key.keyArn], { StringEquals: { 'kms:ViaService': `${service}.${Aws.REGION}.amazonaws.com` } });

/**
 * The minimum that DynamoDB requires to read and write items of encrypted tables, without the KMS grants that only
 * creating a table needs (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
 */
export const allowKeyForTables = (key: IKey): PolicyStatement =>
  allowKeyThrough('dynamodb', key, [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ]);

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html */
export const allowKeyForSecrets = (key: IKey): PolicyStatement =>
  allowKeyThrough('secretsmanager', key, ['kms:Decrypt']);

/** Putting an object in one part does not need `kms:Decrypt`, so the writer to the bucket cannot read it. */
export const allowKeyForObjects = (key: IKey): PolicyStatement => allowKeyThrough('s3', key, ['kms:GenerateDataKey']);

/** Lets a function read objects that are encrypted with SSE-KMS. */
export const allowKeyToReadObjects = (key: IKey): PolicyStatement => allowKeyThrough('s3', key, ['kms:Decrypt']);

/**
 * Lets Lambda put messages into an encrypted queue, which it does with the function's role
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).
 */
export const allowKeyForQueue = (key: IKey): PolicyStatement =>
  allowKeyThrough('sqs', key, ['kms:Decrypt', 'kms:GenerateDataKey']);

/** Lets Lambda read a durable function's history, which it does with the function's role. */
export const allowKeyForHistory = (key: IKey, functionArn: string): PolicyStatement =>
  allow(['kms:Decrypt'], [key.keyArn], {
    StringEquals: {
      'kms:ViaService': `lambda.${Aws.REGION}.amazonaws.com`,
      'kms:EncryptionContext:aws:lambda:FunctionArn': functionArn,
    },
  });

type BoxAction = 'kms:Decrypt' | 'kms:GenerateDataKey';

/**
 * Direct calls of KMS for sealed values.
 * @param contextKeys all keys that the encryption context may have
 * @param required those that it must have
 */
const allowBoxes = (
  key: IKey,
  actions: readonly BoxAction[],
  contextKeys: readonly string[],
  required: readonly string[] = [],
): PolicyStatement =>
  allow(actions, [key.keyArn], {
    'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': contextKeys },
    Null: {
      'kms:EncryptionContextKeys': 'false',
      ...Object.fromEntries(required.map((name) => [`kms:EncryptionContext:${name}`, 'false'])),
    },
  });

/** For what only an export's job may read. The encryption context has the key `export` only. */
export const allowExportBoxes = (key: IKey, actions: readonly BoxAction[]): PolicyStatement =>
  allowBoxes(key, actions, ['export']);

/** For what an exchange also keeps. Its context names the partner too, so this never opens a value of a grant's export. */
export const allowExchangeBoxes = (key: IKey, actions: readonly BoxAction[], of: 'export' | 'group'): PolicyStatement =>
  allowBoxes(key, actions, [of, 'partner'], [of, 'partner']);
