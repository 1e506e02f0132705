import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { localStage } from '../config/local.ts';
import type { StageConfig } from '../config/stage.ts';
import type { PublicJwk } from '../functions/shared/registry/types.ts';
import type { RequestLogLine } from './aws/api-gateway.ts';
import { partnerOf, type LocalClient } from './clients.ts';
import type { IdentityClient } from './identity/provider.ts';
import { startIdentityProvider } from './identity/server.ts';
import { indexPageOf } from './index-page.ts';
import { pocketRecord, trendJournal } from './partner/browser-apps.ts';
import { startPartnerApp, type PartnerAppOptions } from './partner/server.ts';
import type { FormerPlanOptions } from './payer/exchange/options.ts';
import { startPayer, type LocalPayer, type PayerOptions } from './payer/server.ts';
import type { LocalPorts } from './ports.ts';
import type { PayerSecret } from './secrets-file.ts';
import { demoPartnerKey } from './sign-in/demo-partner-key.ts';
import { keptMap, noRooms, type Rooms } from './state/room.ts';

/** The sandbox's configuration, and the gateway's client secrets at its payers. */
export interface Sandbox {
  readonly config: StageConfig;
  readonly secrets: Readonly<Record<string, PayerSecret>>;
  /** The secrets that sign the partners' events, by client id. */
  readonly webhookSecrets: Readonly<Record<string, readonly string[]>>;
  /** The public halves of the gateway's keys there. */
  readonly keys: Readonly<Record<'demo-health-plan' | 'northwind', PublicJwk>>;
}

/** A server beside the gateway, not yet started, named like its port. */
export type Party =
  | {
      readonly name: 'demoHealthPlan' | 'northwind';
      readonly payerId: string;
      readonly start: () => Promise<LocalPayer>;
    }
  | { readonly name: 'partner' | 'identity'; readonly start: () => Promise<{ close: () => Promise<void> }> };

type LogTo = (service: string) => (line: RequestLogLine) => void;

/** The faults that are switched on at the start, by payer. */
export type SwitchedOn = Readonly<Partial<Record<'demoHealthPlan' | 'northwind', readonly string[]>>>;

/** How the sandbox's payers misbehave, and where they keep what they know. */
interface PayersSetup extends Pick<PayerOptions, 'faultPauseMs'> {
  /** @default nothing outlives the process */
  readonly rooms?: Rooms | undefined;
  readonly faults?: SwitchedOn | undefined;
  /** Changes how Demo Health Plan answers other plans, where the stage has exchanges. */
  readonly formerPlan?: Partial<FormerPlanOptions> | undefined;
}

const demoHealthPlanSecret = 'demo-health-plan-secret';
/** Public, like all secrets of stage `local`. */
const demoWebhookSecret = `whsec_${Buffer.from('demo-partner-webhook-secret-local').toString('base64')}`;

/** The gateway's private key at a payer: the one that was kept, or else a new one. */
const privateKeyAt = (payerId: string, rooms: Rooms): KeyObject => {
  const kept = keptMap<JsonWebKey>(rooms(`${payerId}-key`));
  const jwk = kept.get('private');
  if (jwk !== undefined) return createPrivateKey({ key: jwk, format: 'jwk' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  kept.set('private', privateKey.export({ format: 'jwk' }));
  return privateKey;
};

/** The gateway's key pair at a payer, as JWKs. */
const keysAt = (payerId: string, rooms: Rooms) => {
  const privateKey = privateKeyAt(payerId, rooms);
  const names = { kty: 'EC', kid: `${payerId}-local-1`, alg: 'ES384', use: 'sig' };
  return {
    publicKey: { ...createPublicKey(privateKey).export({ format: 'jwk' }), ...names },
    privateKey: { ...privateKey.export({ format: 'jwk' }), ...names },
  };
};

/**
 * The stage `local` on these ports with these clients.
 * @param rooms keep the gateway's key pairs at the payers; without them, they are new in each process
 */
export const sandboxOn = (ports: LocalPorts, clients: readonly LocalClient[] = [], rooms: Rooms = noRooms): Sandbox => {
  const demoHealthPlan = keysAt('demo-health-plan', rooms);
  const northwind = keysAt('northwind', rooms);
  const exchange = keysAt('demo-health-plan-exchange', rooms);
  return {
    config: localStage(ports, {
      demoHealthPlanPublicKey: demoHealthPlan.publicKey,
      northwindPublicKey: northwind.publicKey,
      exchangePublicKey: exchange.publicKey,
      partners: clients.map(partnerOf),
      indexPage: indexPageOf(ports, clients),
      errorsUrl: `http://localhost:${ports.live}/docs/partners/errors.html`,
    }),
    secrets: {
      'demo-health-plan': {
        client_secret: demoHealthPlanSecret,
        private_key_jwk: demoHealthPlan.privateKey,
        exchange: { private_key_jwk: exchange.privateKey },
      },
      northwind: { private_key_jwk: northwind.privateKey },
    },
    webhookSecrets: {
      'demo-partner': [demoWebhookSecret],
      ...Object.fromEntries(
        clients.flatMap(({ clientId, webhook }) => (webhook === undefined ? [] : [[clientId, webhook.secrets]])),
      ),
    },
    keys: {
      'demo-health-plan': demoHealthPlan.publicKey,
      northwind: northwind.publicKey,
    },
  };
};

/** The payers and the partner app. */
export const partiesOf = (
  { config, keys }: Sandbox,
  ports: LocalPorts,
  logTo: LogTo,
  { faults = {}, rooms = noRooms, formerPlan, ...pauses }: PayersSetup = {},
): readonly Party[] => {
  const gatewayOrigin = config.origin ?? '';
  const gatewayAt = (payerId: string) => {
    const payer = config.payers.find(({ id }) => id === payerId);
    return {
      host: '127.0.0.1',
      displayName: payer?.displayName ?? payerId,
      clientId: payer?.clientId ?? '',
      gatewayRedirectUri: `${gatewayOrigin}/oauth2/callback/${payerId}`,
      rooms: (name: string) => rooms(`${payerId}/${name}`),
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
      identitySignIn: {
        clientKeys: [keys['demo-health-plan']],
        issuers: Object.fromEntries((config.identityProviders ?? []).map(({ issuer, jwksUri }) => [issuer, jwksUri])),
      },
      exchange: exchangeAt(config, 'demo-health-plan', formerPlan),
      faults: faults.demoHealthPlan,
    });
  const northwind = (): Promise<LocalPayer> =>
    startPayer({
      ...gatewayAt('northwind'),
      recordsOf: 'northwind',
      preset: 'smart',
      port: ports.northwind,
      client: { jwks: [keys.northwind] },
      faults: faults.northwind,
    });
  const partner = (): ReturnType<typeof startPartnerApp> =>
    startPartnerApp({
      port: ports.partner,
      gatewayOrigin,
      clientId: 'demo-partner',
      clientSecret: 'demo-partner-secret',
      ...identityOf(config),
      browserApps: [pocketRecord('demo-app'), trendJournal('third-party-app')],
      payers: config.payers.map(({ id, displayName }) => ({ id, displayName })),
      webhookSecrets: [demoWebhookSecret],
      log: logTo('partner'),
    });
  const identity = (): ReturnType<typeof startIdentityProvider> =>
    startIdentityProvider({
      host: '127.0.0.1',
      port: ports.identity,
      clients: identityClients(config),
      log: logTo('identity'),
    });
  return [
    { name: 'demoHealthPlan', payerId: 'demo-health-plan', start: demoHealthPlan },
    { name: 'northwind', payerId: 'northwind', start: northwind },
    { name: 'partner', start: partner },
    { name: 'identity', start: identity },
  ];
};

/** How a payer answers other plans, if the stage lets the gateway ask it. */
const exchangeAt = (
  { payers, partners }: StageConfig,
  payerId: string,
  changes?: Partial<FormerPlanOptions>,
): FormerPlanOptions | undefined => {
  const asked = payers.find(({ id }) => id === payerId)?.exchange;
  if (asked === undefined) return undefined;
  const newPlans = partners.flatMap(({ exchange }) => exchange?.identifiers ?? []);
  return { clientId: asked.clientId, clientKeys: asked.publicKeys, newPlans, generated: {}, ...changes };
};

/** The apps of the stage that members may identify themselves to, where the apps expect the answer. */
const identityClients = ({ partners }: StageConfig): readonly IdentityClient[] =>
  partners.flatMap(({ name, redirectUris, identityAudiences = [] }) => {
    const local = redirectUris.filter((uri) => uri.startsWith('http:'));
    const callbacks = local.map((uri) => new URL('/identity/callback', uri).href);
    return identityAudiences
      .flatMap(({ audiences }) => audiences)
      .map((clientId) => ({ clientId, name, redirectUris: callbacks }));
  });

/** How members prove who they are to the demo partner app. */
const identityOf = ({ identityProviders = [], payers }: StageConfig): Pick<PartnerAppOptions, 'identity'> => {
  const [provider] = identityProviders;
  if (provider === undefined) return {};
  const taking = payers.filter(({ identitySignIn }) => identitySignIn !== undefined).map(({ id }) => id);
  return { identity: { issuer: provider.issuer, clientId: 'demo-partner', payers: taking, key: demoPartnerKey() } };
};
