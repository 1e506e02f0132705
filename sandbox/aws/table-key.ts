import { callerOf } from './calls.ts';
import type { LocalKms } from './kms.ts';
import { jsonError, type AwsAnswer, type AwsRequest } from './service.ts';
import type { TableSpec } from './template-data.ts';

/**
 * The least that DynamoDB requires of a role that chooses a customer managed key for a table
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
 */
export const tableKeyActions = [
  'kms:Encrypt',
  'kms:Decrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:DescribeKey',
  'kms:CreateGrant',
];

const accessDenied = (reason: string): string => `KMS key access denied error: ${reason}`;

/** Asks KMS whether a caller may choose a key for a table. @returns DynamoDB's message if not */
export const refuseKey = (kms: Pick<LocalKms, 'refuse'>, caller: string, keyId: string): string | undefined => {
  const refusal = kms.refuse({ caller, keyId, actions: tableKeyActions, through: 'dynamodb' });
  return refusal && accessDenied(refusal);
};

interface Creation {
  readonly SSESpecification?: { readonly Enabled?: boolean; readonly KMSMasterKeyId?: string };
}

/**
 * `CreateTable` under a customer managed key: KMS is asked for the caller's rights, and the rest is for a DynamoDB that knows
 * no keys. Every other request is left as it is.
 */
export const withoutKey = (request: AwsRequest, kms: Pick<LocalKms, 'refuse'>): AwsAnswer | AwsRequest => {
  if (!String(request.headers['x-amz-target']).endsWith('.CreateTable')) return request;
  const { SSESpecification: sse, ...rest } = JSON.parse(request.body.toString()) as Creation;
  if (sse?.Enabled !== true || sse.KMSMasterKeyId === undefined) return request;
  const refusal = refuseKey(kms, callerOf(request), sse.KMSMasterKeyId);
  if (refusal !== undefined) return jsonError('AccessDeniedException', refusal);
  return { ...request, body: Buffer.from(JSON.stringify(rest)) };
};

/** Operations that read or write items. The others are about tables, and need no key. */
const itemOperations =
  /\.(?:GetItem|PutItem|UpdateItem|DeleteItem|Query|Scan|BatchGetItem|BatchWriteItem|TransactGetItems|TransactWriteItems)$/;

/**
 * Refuses to read and write items of a table whose key is disabled. In AWS that begins up to minutes later, since DynamoDB keeps
 * the table's key, and asks KMS again after five minutes without a request
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms).
 */
export const refuseDisabledKey = (
  { headers, body }: AwsRequest,
  tables: Iterable<TableSpec>,
  kms: Pick<LocalKms, 'isDisabled'>,
): AwsAnswer | undefined => {
  for (const { physicalName, keyArn } of tables) {
    if (keyArn === undefined || !kms.isDisabled(keyArn) || !body.includes(`"${physicalName}"`)) continue;
    if (itemOperations.test(String(headers['x-amz-target']))) {
      return jsonError('AccessDeniedException', accessDenied(`${keyArn} is disabled.`));
    }
  }
  return undefined;
};
