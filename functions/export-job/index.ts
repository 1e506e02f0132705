import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { awsLimits } from '../shared/aws/aws-limits.ts';
import { kmsClient } from '../shared/aws/kms-client.ts';
import { startExecution } from '../shared/aws/start-execution.ts';
import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { openInJob, sealForJob } from '../shared/exports/seal-for-job.ts';
import { leaseFromTable } from '../shared/limits/lease-slots.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { boundedClock } from '../shared/store/bounded-clock.ts';
import { exportJob } from './handler.ts';
import { usualBuffers } from './job/buffers.ts';
import { paceLeaseTimes, paceTurns } from './job/pace.ts';
import { bucketOf } from './objects.ts';

const { client, behindEdge: _, ...deps } = realDeps();
const clock = boundedClock(client, deps.clock);
const limits = { client, name: requireEnvironment('LIMITS_TABLE') };
const kms = kmsClient();
const key = requireEnvironment('EXPORTS_KEY');
const lambda = new LambdaClient(awsLimits({ maxAttempts: 3, requestMs: 5000 }));
const itself = `${requireEnvironment('AWS_LAMBDA_FUNCTION_NAME')}:${requireEnvironment('AWS_LAMBDA_FUNCTION_VERSION')}`;

/** In a stage without exchanges, neither variable is set. */
const exchangesOf = ({ EXCHANGES_TABLE: name, EXCHANGE_SECRET_PREFIX: prefix }: NodeJS.ProcessEnv) =>
  name === undefined || prefix === undefined
    ? {}
    : { exchange: { table: { client, name }, readSecret: payerSecretReader(secretsClient(), prefix, clock) } };

export const handler = exportJob({
  ...deps,
  exports: { client, name: requireEnvironment('EXPORTS_TABLE') },
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  audit: { client, name: requireEnvironment('AUDIT_TABLE') },
  limits,
  ...exchangesOf(process.env),
  clock,
  objects: bucketOf(
    new S3Client(awsLimits({ maxAttempts: 3, requestMs: 30_000 })),
    requireEnvironment('EXPORTS_BUCKET'),
  ),
  sealForJob: sealForJob(kms, key, deps.randomBytes),
  openInJob: openInJob(kms, key),
  waitForTurn: paceTurns({
    lease: leaseFromTable(limits, paceLeaseTimes),
    clock,
    sleep: (ms) => sleep(ms),
    randomBytes: deps.randomBytes,
  }),
  startExecution: (name, input) => startExecution(lambda, itself, name, input),
  newBuffers: usualBuffers,
  sleep: (ms) => sleep(ms),
  fileSeconds: Number(requireEnvironment('EXPORT_FILE_SECONDS')),
});
