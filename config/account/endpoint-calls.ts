import type { CalledService } from '../existing.ts';

/** What functions call of each service, and so what the policies of a VPC's endpoints must let through. */
export const endpointCalls: Readonly<Record<CalledService, readonly string[]>> = {
  dynamodb: [
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:Scan',
    'dynamodb:UpdateItem',
  ],
  s3: ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
  secretsmanager: ['secretsmanager:GetSecretValue'],
  kms: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateMac'],
  lambda: [
    'lambda:CheckpointDurableExecution',
    'lambda:GetDurableExecutionState',
    'lambda:InvokeFunction',
    'lambda:SendDurableExecutionCallbackSuccess',
  ],
};
