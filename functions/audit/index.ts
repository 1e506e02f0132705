import { S3Client } from '@aws-sdk/client-s3';
import { join } from 'node:path';
import { awsLimits } from '../shared/aws-limits.ts';
import { environment } from '../shared/deps.ts';
import { loadRegistry } from '../shared/registry/registry.ts';
import { auditHandler } from './handler.ts';

const client = new S3Client(awsLimits({ maxAttempts: 3, requestMs: 5000 }));

export const handler = auditHandler({
  clock: { now: () => Date.now() },
  stage: loadRegistry(join(environment('LAMBDA_TASK_ROOT'), 'registry.json')).stage,
  bucket: { client, name: environment('AUDIT_BUCKET') },
  writeLog: (line) => process.stdout.write(`${line}\n`),
});
