/** A former plan of the sandbox in its own process: members who are made up when they are asked for, at a pace. */
import type { FormerPlanOptions } from '../../sandbox/payer/exchange/options.ts';
import { startPayer } from '../../sandbox/payer/server.ts';

/** What its variable `FORMER_PLAN` holds, as JSON. */
export interface FormerPlanVariable {
  /** Where the gateway of the local stack asks it. */
  readonly port: number;
  readonly exchange: FormerPlanOptions;
}

const { port, exchange } = JSON.parse(process.env['FORMER_PLAN'] ?? '') as FormerPlanVariable;
await startPayer({
  preset: 'oneUpDemo',
  displayName: 'Demo Health Plan',
  host: '127.0.0.1',
  port,
  gatewayRedirectUri: 'https://gateway.example.org/oauth2/callback/demo-health-plan',
  clientId: 'gateway',
  client: 'public',
  exchange,
});
process.on('disconnect', () => process.exit());
process.send?.({ port });
