import { createHash } from 'node:crypto';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Partner, Payer, RegistryData } from '../../functions/shared/registry/types.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { startMs } from '../support/gateway.ts';
import { localRegistry } from '../support/login.ts';
import {
  authorizeRequest,
  callbackRequest,
  partnerRequest,
  readRequest,
  type GatewayRequest,
  type PartnerEndpoint,
} from '../support/login/requests.ts';
import { unguarded } from '../support/unguarded.ts';
import { depsOver, type TableName } from '../support/world/deps.ts';
import { ask, handlersOf } from '../support/world/handlers.ts';
import { registrations, type PartnerId, type PayerId } from './commands.ts';
import type { Answer, Model } from './model.ts';
import { canary, modelPayers, secretAtPayers } from './payer.ts';
import type { Store } from './store.ts';

/** The gateway authenticates to payers with a secret, which costs no signature. */
const withSecret = (payer: Payer): Payer =>
  payer.clientAuthentication === 'private_key_jwt'
    ? { ...payer, clientAuthentication: 'client_secret_basic', publicKeys: [] }
    : payer;

const without =
  (out: ReadonlySet<string>) =>
  (partner: Partner): Partner => {
    const payers = partner.payers.filter((payer) => !out.has(`${partner.clientId} ${payer}`));
    return { ...partner, payers };
  };

const registeredFor =
  (registered: Model['registered']) =>
  (partner: Partner): Partner => {
    const to = registered.get(partner.clientId as PartnerId);
    return to === undefined ? partner : { ...partner, scopes: registrations[to].split(' ') };
  };

const stage = localRegistry();
const payerProfiles = stage.payers.map(withSecret);
const origin = 'http://localhost:3000';
/** The local stage, without what the model has removed. */
const registryFor = ({ out, registered }: Model): RegistryData => ({
  ...stage,
  payers: payerProfiles,
  partners: stage.partners
    .filter(({ clientId }) => !out.has(clientId))
    .map(without(out))
    .map(registeredFor(registered)),
});

/** Randomness that is the same whenever the same history runs, and never the same for two histories in one store. */
const seededBytes = (seed: string) => {
  let drawn = 0;
  return (size: number): Uint8Array =>
    createHash('shake256', { outputLength: size })
      .update(`${seed} ${(drawn += 1)}`)
      .digest();
};

let worlds = 0;

/** A gateway of its own over a shared store, with its payers, clock and log. */
export const makeWorld = (store: Store, model: Model) => {
  const time = { ms: startMs, waitedMs: 0 };
  const lines: string[] = [];
  const leaks: string[] = [];
  const payers = modelPayers(origin, payerProfiles, () => time.ms);
  const table = (name: TableName): Table => ({ client: store.client, name: store.tables[name] });
  const clock = { now: () => time.ms, monotonic: () => time.ms + time.waitedMs };
  const world = (worlds += 1);
  const randomBytes = seededBytes(`world ${world}`);
  const takeTurn = limiter({ lease: leaseFromTable(table('Limits')), clock });
  const handlersFor = (now: Model) =>
    handlersOf(
      depsOver(table, {
        clock,
        randomBytes,
        payerHttp: payers.http,
        origin,
        writeLog: (line: string) => void lines.push(line),
        readPayerSecret: async () => ({ client_secret: secretAtPayers }),
        // Waiting takes no real time, so nothing expires during two concurrent calls.
        sleep: async (ms: number): Promise<void> => {
          time.waitedMs += ms;
          await new Promise((resolve) => setImmediate(resolve));
        },
        // Worlds share the store, and each starts at the same time, so the partners of one are not those of another.
        takeTurn: (key: string, rate: Rate) => takeTurn(`world ${world} ${key}`, rate),
        breakers: unguarded,
        registry: registryOf(registryFor(now)),
      }),
    );
  let handlers = handlersFor(model);

  /** No answer and no log line contains a payer token, and no log line contains a bearer of ours. */
  const inspect = (answer: unknown): void => {
    if (JSON.stringify(answer).includes(canary)) leaks.push('an answer holds something that is the payer’s');
    const logged = lines.splice(0).join('\n');
    if (logged.includes(canary)) leaks.push('a log line holds something that is the payer’s');
    if (/p2p[arc]_/.test(logged)) leaks.push('a log line holds a bearer');
  };

  const told = async (request: GatewayRequest) => {
    const seen = await ask(handlers, request);
    inspect([seen.headers, seen.cookies, seen.body]);
    return seen;
  };
  const redirect = async (request: GatewayRequest) => {
    const { status, headers, cookies } = await told(request);
    const location = headers['Location'] ?? '';
    const { searchParams } = new URL(location === '' ? 'about:blank' : location);
    const error = searchParams.get('error');
    const outcome = `${status}${error === null ? '' : ` ${error}`}`;
    const answer = { outcome, body: Object.fromEntries(searchParams) };
    return { answer, cookies: cookies.map((cookie) => cookie.split(';')[0]).join('; '), location };
  };

  return {
    payers,
    leaks,
    /** The configuration is now the model's. */
    configure: (now: Model): void => void (handlers = handlersFor(now)),
    passSeconds: (seconds: number): void => void (time.ms += seconds * 1000),
    removeExpired: (): Promise<void> => store.removeExpired(Math.floor(time.ms / 1000)),
    authorize: (payer: PayerId, query: Record<string, string>) => redirect(authorizeRequest(payer, query)),
    callback: async (payer: PayerId, query: Record<string, string>, cookies: string): Promise<Answer> =>
      (await redirect(callbackRequest(payer, query, { cookie: cookies }))).answer,
    /** Calls the token, revoke or introspect endpoint. */
    post: async (
      endpoint: PartnerEndpoint,
      form: Record<string, string>,
      headers: Record<string, string>,
    ): Promise<Answer> => {
      const { status, body: text } = await told(partnerRequest(endpoint, form, headers));
      const body = JSON.parse(text) as Record<string, unknown>;
      return { outcome: `${status}${typeof body['error'] === 'string' ? ` ${body['error']}` : ''}`, body };
    },
    read: async (payer: PayerId, path: string, token: string): Promise<Answer> => {
      const { status, body } = await told(readRequest(payer, path, token));
      return { outcome: String(status), body: JSON.parse(body) as Record<string, unknown> };
    },
  };
};

export type World = ReturnType<typeof makeWorld>;
