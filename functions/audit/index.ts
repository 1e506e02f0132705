import { S3Client } from '@aws-sdk/client-s3';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { dynamoClient } from '../shared/store/dynamo.ts';
import { auditHandler } from './handler.ts';

const client = new S3Client(awsLimits({ maxAttempts: 3, requestMs: 5000 }));

export const handler = auditHandler({
  clock: { now: () => Date.now() },
  stage: requireEnvironment('STAGE'),
  table: { client: dynamoClient(), name: requireEnvironment('AUDIT_TABLE') },
  bucket: { client, name: requireEnvironment('AUDIT_BUCKET') },
  writeLog: (line) => process.stdout.write(`${line}\n`),
});
