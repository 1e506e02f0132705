import { setTimeout as sleep } from 'node:timers/promises';
import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { sealForJob } from '../shared/exports/seal-for-job.ts';
import { kmsClient } from '../shared/kms-client.ts';
import { leaseFromTable } from '../shared/limits/lease-slots.ts';
import { limiter } from '../shared/limits/limiter.ts';
import { payerSecretReader, secretsClient } from '../shared/payer/secrets.ts';
import { readEventWriter } from '../shared/record/audit-read.ts';
import { boundedClock } from '../shared/store/bounded-clock.ts';
import { payerBreakers } from './breaker/breakers.ts';
import { fetchHandler } from './handler.ts';

const { client, ...deps } = realDeps();
const clock = boundedClock(client, deps.clock);
const limits = { client, name: requireEnvironment('LIMITS_TABLE') };

export const handler = fetchHandler({
  ...deps,
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
  sleep: (ms) => sleep(ms),
  takeTurn: limiter({ lease: leaseFromTable(limits), clock }),
  breakers: payerBreakers({ limits, clock }),
  exports: { client, name: requireEnvironment('EXPORTS_TABLE') },
  sealForJob: sealForJob(kmsClient(), requireEnvironment('EXPORTS_KEY'), deps.randomBytes),
  ...readEventWriter({ client, name: requireEnvironment('AUDIT_TABLE') }, deps.clock),
});
