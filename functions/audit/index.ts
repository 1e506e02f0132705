import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { awsLimits } from '../shared/aws-limits.ts';
import { requireEnvironment } from '../shared/deps.ts';
import { loadRegistry } from '../shared/registry/registry.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { auditHandler } from './handler.ts';

const client = new S3Client(awsLimits({ maxAttempts: 3, requestMs: 5000 }));

export const handler = auditHandler({
  clock: { now: () => Date.now() },
  stage: loadRegistry(join(requireEnvironment('LAMBDA_TASK_ROOT'), 'registry.json')).stage,
  table: { client: dynamoClient(), name: requireEnvironment('AUDIT_TABLE') },
  bucket: { client, name: requireEnvironment('AUDIT_BUCKET') },
  writeLog: (line) => process.stdout.write(`${line}\n`),
});
