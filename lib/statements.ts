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
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ]);

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html */
export const allowKeyForSecrets = (key: IKey): PolicyStatement =>
  allowKeyThrough('secretsmanager', key, ['kms:Decrypt']);

/** Putting an object in one part does not need `kms:Decrypt`, so the writer to the bucket cannot read it. */
export const allowKeyForObjects = (key: IKey): PolicyStatement => allowKeyThrough('s3', key, ['kms:GenerateDataKey']);
