import { realDeps } from '../shared/deps.ts';
import { requireEnvironment } from '../shared/environment.ts';
import { connect } from '../shared/payer/connect.ts';
import { createPayerHttp } from '../shared/payer/http-client.ts';
import { boundedClock } from '../shared/store/bounded-clock.ts';
import { canaryHandler } from './handler.ts';

const { payerHttp: _, client, clock, ...deps } = realDeps();

export const handler = canaryHandler({
  ...deps,
  // Other environments act on the times that it writes.
  clock: boundedClock(client, clock),
  // With thousands of payers, idle connections would use up the files that a function may have open.
  http: createPayerHttp({ keptMs: 0 }),
  connect: (url) => connect(url),
  limits: { client, name: requireEnvironment('LIMITS_TABLE') },
});
