import { readAccessToken, readCode, readRefreshToken } from '../../functions/shared/store/bearers.ts';
import {
  authorizeRequest,
  basicOf,
  callbackRequest,
  documentRequest,
  freshVerifier,
  partnerRequest,
  pkceOf,
  readRequest,
  redemption,
  renewal,
  type Change,
  type GatewayRequest,
  type PartnerEndpoint,
} from '../support/login/requests.ts';
import { cookieHeader, decisionRequest, type Tokens } from '../support/login/steps.ts';
import type { GatewayAnswer, Setting } from './setting.ts';

/** What a partner holds after a login. */
export interface Connection {
  readonly payer: string;
  readonly access: string;
  readonly refresh: string;
}

export const demoPartner = { client_id: 'demo-partner', redirect_uri: 'http://localhost:3002/callback' };
const thirdParty = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback' };

/** The secret part of a bearer: what follows its prefix and grant id, which every log has. */
const secretPart = (bearer: string): string => bearer.slice('p2pa_'.length + 22);

const noteBearers = (
  { garden }: Setting,
  { code, access = '', refresh = '' }: { code?: string; access?: string; refresh?: string },
): void => {
  if (code !== undefined) {
    garden.note('code', secretPart(code));
    const secret = readCode(code)?.secret;
    if (secret !== undefined) garden.note('drawn bytes', secret);
  }
  const { grantKey, secret } = readAccessToken(access) ?? {};
  const { familySecret, secret: refreshSecret } = readRefreshToken(refresh) ?? {};
  if (access !== '') garden.note('access token', secretPart(access));
  if (refresh !== '') garden.note('refresh token', secretPart(refresh));
  for (const bytes of [grantKey, secret, familySecret, refreshSecret]) {
    if (bytes !== undefined) garden.note('drawn bytes', bytes);
  }
};

const noteCookies = ({ garden }: Setting, kind: 'login cookie' | 'consent token', { cookies }: GatewayAnswer): void => {
  for (const cookie of cookies) {
    const value = cookie.split(';')[0]?.split('=')[1] ?? '';
    if (value !== '') garden.note(kind, value);
  }
};

/** A browser at the payer, with the gateway's state and its own cookie. */
export interface AtPayer {
  readonly payer: string;
  readonly payerUrl: URL;
  readonly state: string;
  readonly cookie: string;
  readonly verifier: string;
}

interface LoginOptions {
  readonly consent?: 'partner' | 'gateway';
}

const asksFirst = async (setting: Setting, payer: string, parameters: Change): Promise<GatewayAnswer> => {
  const page = await setting.send(authorizeRequest(payer, { ...thirdParty, ...parameters }));
  noteCookies(setting, 'consent token', page);
  const decide = (decision: 'allow' | 'deny') =>
    setting.send(decisionRequest(page.body, decision, cookieHeader(page.cookies)));
  await decide('deny');
  return decide('allow');
};

/** Starts a login, up to the payer. */
export const start = async (
  setting: Setting,
  payer: string,
  { consent = 'partner' }: LoginOptions = {},
): Promise<AtPayer> => {
  const { garden, send } = setting;
  const verifier = freshVerifier(garden.canary('partner verifier'));
  const parameters = {
    state: garden.canary('partner state'),
    scope: 'launch/patient patient/*.rs offline_access',
    ...pkceOf(verifier),
  };
  const answer =
    consent === 'gateway'
      ? await asksFirst(setting, payer, parameters)
      : await send(authorizeRequest(payer, { ...demoPartner, ...parameters }));
  noteCookies(setting, 'login cookie', answer);
  const payerUrl = new URL(answer.headers['location'] ?? 'about:blank');
  const state = payerUrl.searchParams.get('state') ?? '';
  if (answer.status !== 302 || state === '') throw new Error(`authorize: ${answer.status} ${answer.body}`);
  garden.note('our state', state);
  return { payer, payerUrl, state, cookie: cookieHeader(answer.cookies), verifier };
};

/** The browser comes back from the payer: signed in, or with an error of the payer's. */
export const comeBack = async (
  { issuer, send, signIn }: Setting,
  { payer, payerUrl, state, cookie }: AtPayer,
  error: Change = {},
): Promise<GatewayAnswer> => {
  const iss = payer === 'northwind' ? issuer : undefined;
  const brought = error['error'] === undefined ? [...(await signIn(payerUrl)).searchParams] : { state, iss, ...error };
  return send(callbackRequest(payer, brought, { cookie }));
};

/** How the partner identifies itself; `public` is another partner, which only names itself. */
type Way = 'basic' | 'post' | 'jwt' | 'public';

/** One request to `/oauth2/{name}`, as the partner. */
export const asPartner = async (
  { partnerSecret, assertion, send }: Setting,
  name: PartnerEndpoint,
  form: Change,
  way: Way = 'basic',
): Promise<GatewayAnswer> => {
  const credentials: Record<Way, () => Promise<Change> | Change> = {
    basic: () => ({}),
    post: () => ({ client_id: 'demo-partner', client_secret: partnerSecret }),
    jwt: assertion,
    public: () => ({ client_id: 'third-party-app' }),
  };
  const headers: Record<string, string> =
    way === 'basic' ? { Authorization: basicOf('demo-partner', partnerSecret) } : {};
  return send(partnerRequest(name, { ...form, ...(await credentials[way]()) }, headers));
};

/** Requests tokens, which must be issued. */
const tokens = async (setting: Setting, ...args: [Change, Way?]): Promise<Tokens> => {
  const answer = await asPartner(setting, 'token', ...args);
  if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.body}`);
  const body = JSON.parse(answer.body) as Tokens;
  noteBearers(setting, { access: body.access_token, refresh: body.refresh_token });
  return body;
};

/** A login and its redemption. */
export const connect = async (
  setting: Setting,
  payer: string,
  options: LoginOptions & { readonly way?: 'basic' | 'post' | 'jwt' } = {},
): Promise<Connection> => {
  const atPayer = await start(setting, payer, options);
  const back = await comeBack(setting, atPayer);
  const code = new URL(back.headers['location'] ?? 'about:blank').searchParams.get('code') ?? '';
  if (code === '') throw new Error(`callback: ${back.status} ${back.headers['location'] ?? back.body}`);
  noteBearers(setting, { code });
  // A wrong verifier first, which changes nothing.
  const way = options.consent === 'gateway' ? 'public' : (options.way ?? 'basic');
  const form = redemption(code);
  await asPartner(setting, 'token', { ...form, code_verifier: setting.garden.canary('partner verifier') }, way);
  // A reload of the payer's redirect.
  await comeBack(setting, atPayer);
  const body = await tokens(setting, { ...form, code_verifier: atPayer.verifier }, way);
  return { payer, access: body.access_token, refresh: body.refresh_token };
};

/** One read with a connection's token. */
export const read = (
  { send }: Setting,
  { payer, access }: Connection,
  path: string,
  request: Omit<GatewayRequest, 'route' | 'path'> = {},
): Promise<GatewayAnswer> => send(readRequest(payer, path, access, request));

const readAll = async (setting: Setting, connection: Connection): Promise<void> => {
  const { garden, payer } = setting;
  const name = (): string => garden.canary('search');
  await read(setting, connection, 'Patient');
  await read(setting, connection, 'Patient', {
    query: [
      ['name', name()],
      ['birthdate', '2011-01-04'],
      ['identifier', name()],
    ],
  });
  await read(setting, connection, 'Observation', {
    query: [
      ['patient', payer.patientId],
      ['code', name()],
    ],
  });
  await read(setting, connection, `Observation/${payer.observationId}`);
  await read(setting, connection, `Observation/${payer.observationId}/_history/1`);
  await read(setting, connection, `Patient/${payer.patientId}`, {
    headers: { 'If-None-Match': `W/"${garden.canary('search')}"` },
  });
  await read(setting, connection, `Patient/${payer.patientId}/$everything`);
  await read(setting, connection, `Binary/${garden.canary('path')}`, { headers: { Accept: 'application/pdf' } });
  await read(setting, connection, 'Observation/_search', { method: 'POST', form: { code: name(), _count: '5' } });
  await read(setting, connection, `Patient/${garden.canary('path')}`);
};

/** Every flow once, with the usual mistakes. */
export const everyFlow = async (setting: Setting): Promise<void> => {
  const ways = [
    ['northwind', { way: 'basic' }],
    ['northwind', { consent: 'gateway' }],
    ['demo-health-plan', { way: 'post' }],
    ['northwind', { way: 'jwt' }],
  ] as const;
  for (const [payer, options] of ways) {
    const connection = await connect(setting, payer, options);
    const way = 'consent' in options ? 'public' : options.way;
    await readAll(setting, connection);
    const again = renewal(connection.refresh);
    const pair = await tokens(setting, again, way);
    await asPartner(setting, 'token', again, way);
    await asPartner(setting, 'token', { ...again, scope: setting.garden.canary('refresh scope') }, way);
    for (const token of [pair.access_token, pair.refresh_token]) await asPartner(setting, 'introspect', { token }, way);
    await asPartner(setting, 'revoke', { token: pair.refresh_token }, way);
    await read(setting, connection, 'Patient');
    await asPartner(setting, 'token', renewal(pair.refresh_token), way);
  }
  for (const document of ['.well-known/smart-configuration', 'metadata']) {
    await setting.send(documentRequest('northwind', document));
  }
};
