import { S3Client } from '@aws-sdk/client-s3';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { endStaleInvocation } from '../shared/aws/stale-invocation.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { sweepHandler } from './handler.ts';

const client = new S3Client(awsLimits({ maxAttempts: 3, requestMs: 10_000 }));

export const handler = endStaleInvocation(
  withDurableExecution(sweepHandler({ bucket: { client, name: requireEnvironment('EXPORTS_BUCKET') } })),
);
