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
import { payerBreakers } from './breaker/breakers.ts';
import { exchangeFromEnvironment } from './exchange/environment.ts';
import { fetchHandler } from './handler.ts';

const { client, ...deps } = realDeps();
const clock = boundedClock(client, deps.clock);
const kms = kmsClient();
const exportsKey = requireEnvironment('EXPORTS_KEY');
const audit = { client, name: requireEnvironment('AUDIT_TABLE') };
const limits = { client, name: requireEnvironment('LIMITS_TABLE') };

export const handler = fetchHandler({
  ...deps,
  grants: { client, name: requireEnvironment('GRANTS_TABLE') },
  readPayerSecret: payerSecretReader(secretsClient(), requireEnvironment('PAYER_SECRET_PREFIX'), deps.clock),
  sleep: (ms) => sleep(ms),
  takeTurn: limiter({ lease: leaseFromTable(limits), clock }),
  breakers: payerBreakers({ limits, clock }),
  exports: { client, name: requireEnvironment('EXPORTS_TABLE') },
  sealForJob: sealForJob(kms, exportsKey, deps.randomBytes),
  ...readEventWriter(audit, deps.clock),
  ...exchangeFromEnvironment(client, { audit, openInJob: openInJob(kms, exportsKey) }),
});
