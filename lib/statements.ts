/** The policy statements that functions' rights are made of: actions spelled out, on resources spelled out. */
import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** The actions on the resources, and where there are conditions only under them. */
export const allow = (
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [...resources], conditions });

/** The use of a key that a service makes on the function's behalf: the function itself cannot call KMS with it. */
const allowKeyThrough = (service: string, key: IKey, actions: readonly string[]): PolicyStatement =>
  allow(actions, [key.keyArn], { StringEquals: { 'kms:ViaService': `${service}.${Aws.REGION}.amazonaws.com` } });

/**
 * Reading and writing items of encrypted tables takes what DynamoDB names as the least, but for the grant that creating
 * a table takes (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
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

/** Putting an object in one part takes no `kms:Decrypt`: who writes the bucket cannot read it. */
export const allowKeyForObjects = (key: IKey): PolicyStatement => allowKeyThrough('s3', key, ['kms:GenerateDataKey']);
