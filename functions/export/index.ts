import { setTimeout as sleep } from 'node:timers/promises';
import { kmsClient } from '../shared/aws/kms-client.ts';
import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { openInJob, sealForJob } from '../shared/exports/seal-for-job.ts';
import { leaseFromTable } from '../shared/limits/lease-slots.ts';
import { limiter } from '../shared/limits/limiter.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { readEventWriter } from '../shared/record/audit-read.ts';
import { boundedClock } from '../shared/store/bounded-clock.ts';
import { bucketReader, exportsS3 } from './exports-bucket.ts';
import { exportHandler } from './handler.ts';
import { callbackClient, wakeJobThrough } from './wake-job.ts';

const { client, ...deps } = realDeps();
const kms = kmsClient();
const key = requireEnvironment('EXPORTS_KEY');
const exchanges = process.env['EXCHANGES_TABLE'];
const limits = { client, name: requireEnvironment('LIMITS_TABLE') };

export const handler = exportHandler({
  ...deps,
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  exports: { client, name: requireEnvironment('EXPORTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
  sleep: (ms) => sleep(ms),
  takeTurn: limiter({ lease: leaseFromTable(limits), clock: boundedClock(client, deps.clock) }),
  sealForJob: sealForJob(kms, key, deps.randomBytes),
  ...(exchanges === undefined
    ? {}
    : { exchange: { table: { client, name: exchanges }, openInJob: openInJob(kms, key) } }),
  openObject: bucketReader(exportsS3(), requireEnvironment('EXPORTS_BUCKET')),
  wakeJob: wakeJobThrough(callbackClient()),
  ...readEventWriter({ client, name: requireEnvironment('AUDIT_TABLE') }, deps.clock),
});
