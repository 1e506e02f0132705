import { generateKeyPairSync } from 'node:crypto';
import { localStage } from '../config/local.ts';
import type { StageConfig } from '../config/stage.ts';
import type { PublicJwk } from '../functions/shared/registry/types.ts';
import type { RequestLogLine } from './aws/api-gateway.ts';
import { startPartnerApp } from './partner/server.ts';
import { startPayer, type LocalPayer, type PayerOptions } from './payer/server.ts';
import type { LocalPorts } from './ports.ts';
import type { PayerSecret } from './secrets-file.ts';

/** The sandbox's configuration, and the gateway's client secrets at its payers. */
export interface Sandbox {
  readonly config: StageConfig;
  readonly secrets: Readonly<Record<string, PayerSecret>>;
  readonly northwindKey: PublicJwk;
}

/** A server beside the gateway, not yet started, named like its port. */
export type Party =
  | {
      readonly name: 'demoHealthPlan' | 'northwind';
      readonly payerId: string;
      readonly start: () => Promise<LocalPayer>;
    }
  | { readonly name: 'partner'; readonly start: () => Promise<{ close: () => Promise<void> }> };

type LogTo = (service: string) => (line: RequestLogLine) => void;

/** The faults that are switched on at the start, by payer. */
export type SwitchedOn = Readonly<Partial<Record<'demoHealthPlan' | 'northwind', readonly string[]>>>;

/** How the sandbox's payers misbehave. */
interface Misbehaviour extends Pick<PayerOptions, 'faultPauseMs'> {
  readonly faults?: SwitchedOn | undefined;
}

const demoHealthPlanSecret = 'demo-health-plan-secret';

/** The stage `local` on these ports, with a new key pair for Northwind Health in each process. */
export const sandboxOn = (ports: LocalPorts): Sandbox => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const names = { kid: 'northwind-local-1', alg: 'ES384', use: 'sig' };
  const northwindKey = { ...pair.publicKey.export({ format: 'jwk' }), kty: 'EC', ...names };
  return {
    config: localStage(ports, { northwindPublicKey: northwindKey }),
    secrets: {
      'demo-health-plan': { client_secret: demoHealthPlanSecret },
      northwind: { private_key_jwk: { ...pair.privateKey.export({ format: 'jwk' }), ...names } },
    },
    northwindKey,
  };
};

/** The payers and the partner app. */
export const partiesOf = (
  { config, northwindKey }: Sandbox,
  ports: LocalPorts,
  logTo: LogTo,
  { faults = {}, ...pauses }: Misbehaviour = {},
): readonly Party[] => {
  const gatewayOrigin = config.origin ?? '';
  const gatewayAt = (payerId: string) => {
    const payer = config.payers.find(({ id }) => id === payerId);
    return {
      host: '127.0.0.1',
      displayName: payer?.displayName ?? payerId,
      clientId: payer?.clientId ?? '',
      gatewayRedirectUri: `${gatewayOrigin}/oauth2/callback/${payerId}`,
      log: logTo(payerId),
      ...pauses,
    };
  };
  const demoHealthPlan = (): Promise<LocalPayer> =>
    startPayer({
      ...gatewayAt('demo-health-plan'),
      preset: 'oneUpDemo',
      port: ports.demoHealthPlan,
      client: { secret: demoHealthPlanSecret },
      faults: faults.demoHealthPlan,
    });
  const northwind = (): Promise<LocalPayer> =>
    startPayer({
      ...gatewayAt('northwind'),
      recordsOf: 'northwind',
      preset: 'smart',
      port: ports.northwind,
      client: { jwks: [northwindKey] },
      faults: faults.northwind,
    });
  const partner = (): ReturnType<typeof startPartnerApp> =>
    startPartnerApp({
      port: ports.partner,
      gatewayOrigin,
      payers: config.payers.map(({ id, displayName }) => ({ id, displayName })),
      log: logTo('partner'),
    });
  return [
    { name: 'demoHealthPlan', payerId: 'demo-health-plan', start: demoHealthPlan },
    { name: 'northwind', payerId: 'northwind', start: northwind },
    { name: 'partner', start: partner },
  ];
};
