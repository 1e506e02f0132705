import { createHash } from 'node:crypto';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { fetchHandler } from '../../functions/fetch/handler.ts';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { leaseFromTable } from '../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../functions/shared/limits/limiter.ts';
import type { Rate } from '../../functions/shared/limits/slots.ts';
import { readEventWriter } from '../../functions/shared/record/audit-read.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Partner, Payer, RegistryData } from '../../functions/shared/registry/types.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { call, cookiesOf, startMs } from '../support/gateway.ts';
import { sealsNothing } from '../support/job-boxes.ts';
import { localRegistry } from '../support/login.ts';
import {
  authorizeRequest,
  callbackRequest,
  partnerRequest,
  readRequest,
  type PartnerEndpoint,
} from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';
import { indexMember } from '../support/member-key.ts';
import type { StreamedAnswer } from '../support/stream-handler.ts';
import { callStreaming } from '../support/stream-handler.ts';
import { unguarded } from '../support/unguarded.ts';
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
  const table = (name: string): Table => ({ client: store.client, name });
  const clock = { now: () => time.ms, monotonic: () => time.ms + time.waitedMs };
  const world = (worlds += 1);
  const takeTurn = limiter({ lease: leaseFromTable(table('Limits')), clock });
  const shared = {
    clock,
    randomBytes: seededBytes(`world ${world}`),
    pages: { operator: { name: 'Payer-to-payer gateway' } },
    payerHttp: payers.http,
    origin,
    writeLog: (line: string) => void lines.push(line),
    loginAttempts: table('LoginAttempts'),
    grants: table('Grants'),
    readPayerSecret: async () => ({ client_secret: secretAtPayers }),
    // Waiting takes no real time, so nothing expires during two concurrent calls.
    sleep: async (ms: number): Promise<void> => {
      time.waitedMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    // Worlds share the store, and each starts at the same time, so the partners of one are not those of another.
    takeTurn: (key: string, rate: Rate) => takeTurn(`world ${world} ${key}`, rate),
    breakers: unguarded,
    exports: table('Exports'),
    sealForJob: sealsNothing,
    indexMember,
    ...readEventWriter(table('AuditEvents'), clock),
  };
  const handlersFor = (now: Model) => {
    const deps = { ...shared, registry: registryOf(registryFor(now)) };
    return {
      authorize: authorizeHandler(deps),
      callback: callbackHandler(deps),
      token: tokenHandler(deps),
      fetch: fetchHandler(deps),
    };
  };
  let handlers = handlersFor(model);

  /** No answer and no log line contains a payer token, and no log line contains a bearer of ours. */
  const inspect = (answer: unknown): void => {
    if (JSON.stringify(answer).includes(canary)) leaks.push('an answer holds something that is the payer’s');
    const logged = lines.splice(0).join('\n');
    if (logged.includes(canary)) leaks.push('a log line holds something that is the payer’s');
    if (/p2p[arc]_/.test(logged)) leaks.push('a log line holds a bearer');
  };

  const redirect = async (handler: unknown, event: ApiEvent) => {
    const response = await call(handler, event);
    const { searchParams } = new URL(response.headers['Location'] ?? 'about:blank');
    const error = searchParams.get('error');
    const outcome = `${response.statusCode}${error === null ? '' : ` ${error}`}`;
    return { answer: { outcome, body: Object.fromEntries(searchParams) }, cookies: cookiesOf(response), response };
  };

  return {
    payers,
    leaks,
    /** The configuration is now the model's. */
    configure: (now: Model): void => void (handlers = handlersFor(now)),
    passSeconds: (seconds: number): void => void (time.ms += seconds * 1000),
    removeExpired: (): Promise<void> => store.removeExpired(Math.floor(time.ms / 1000)),
    authorize: async (payer: PayerId, query: Record<string, string>) => {
      const { answer, cookies, response } = await redirect(handlers.authorize, toEvent(authorizeRequest(payer, query)));
      inspect(response);
      return { answer, cookies, location: response.headers['Location'] ?? '' };
    },
    callback: async (payer: PayerId, query: Record<string, string>, cookies: string): Promise<Answer> => {
      const event = toEvent(callbackRequest(payer, query, { cookie: cookies }));
      const { answer, response } = await redirect(handlers.callback, event);
      inspect(response);
      return answer;
    },
    /** Calls the token, revoke or introspect endpoint. */
    post: async (
      endpoint: PartnerEndpoint,
      form: Record<string, string>,
      headers: Record<string, string>,
    ): Promise<Answer> => {
      const response = await call(handlers.token, toEvent(partnerRequest(endpoint, form, headers)));
      inspect(response);
      const body = JSON.parse(response.body) as Record<string, unknown>;
      return { outcome: `${response.statusCode}${typeof body['error'] === 'string' ? ` ${body['error']}` : ''}`, body };
    },
    read: async (payer: PayerId, path: string, token: string): Promise<Answer> => {
      const answer: StreamedAnswer = await callStreaming(handlers.fetch, toEvent(readRequest(payer, path, token)));
      inspect([answer.headers, answer.text]);
      return { outcome: String(answer.statusCode), body: answer.json() as Record<string, unknown> };
    },
  };
};

export type World = ReturnType<typeof makeWorld>;
