import { createHash, randomBytes } from 'node:crypto';
import { readAccessToken, readCode, readRefreshToken } from '../../functions/shared/store/bearers.ts';
import type { GatewayAnswer, GatewayRequest, Setting } from './setting.ts';

/** What a partner holds after a login. */
export interface Connection {
  readonly payer: string;
  readonly access: string;
  readonly refresh: string;
}

export const demoPartner = { client_id: 'demo-partner', redirect_uri: 'http://localhost:3002/callback' };
const thirdParty = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback' };

/** What of a bearer is secret: behind its prefix and grant id, which are in every log. */
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

const authorizeWith =
  (client: { client_id: string; redirect_uri: string }, payer: string) =>
  (change: Pick<GatewayRequest, 'method' | 'headers'> & { parameters: Record<string, string> }): GatewayRequest => {
    const { parameters, ...rest } = change;
    const pairs = { ...client, ...parameters };
    return {
      route: '/oauth2/authorize/{payer}',
      path: { payer },
      ...rest,
      ...(rest.method === 'POST' ? { form: pairs } : { query: Object.entries(pairs) }),
    };
  };

const cookieOf = ({ cookies }: GatewayAnswer): string => cookies.map((cookie) => cookie.split(';')[0]).join('; ');

const noteCookies = ({ garden }: Setting, kind: 'login cookie' | 'consent token', { cookies }: GatewayAnswer): void => {
  for (const cookie of cookies) {
    const value = cookie.split(';')[0]?.split('=')[1] ?? '';
    if (value !== '') garden.note(kind, value);
  }
};

/** A browser at the payer: with the gateway's state and its own cookie. */
export interface AtPayer {
  readonly payer: string;
  readonly state: string;
  readonly cookie: string;
  readonly verifier: string;
}

interface LoginOptions {
  readonly consent?: 'partner' | 'gateway';
}

const asksFirst = async (
  setting: Setting,
  payer: string,
  parameters: Record<string, string>,
): Promise<GatewayAnswer> => {
  const authorize = authorizeWith(thirdParty, payer);
  const page = await setting.send(authorize({ parameters }));
  noteCookies(setting, 'consent token', page);
  const [, token = ''] = /name="consent_token" value="([^"]+)"/.exec(page.body) ?? [];
  const headers = { Cookie: cookieOf(page) };
  const form = { ...parameters, consent_token: token };
  await setting.send(authorize({ method: 'POST', headers, parameters: { ...form, decision: 'deny' } }));
  return setting.send(authorize({ method: 'POST', headers, parameters: { ...form, decision: 'allow' } }));
};

/** Starts a login, as far as the payer. */
export const start = async (
  setting: Setting,
  payer: string,
  { consent = 'partner' }: LoginOptions = {},
): Promise<AtPayer> => {
  const { garden, send } = setting;
  const verifier = `${garden.canary('partner verifier')}${randomBytes(16).toString('hex')}`;
  const parameters = {
    state: garden.canary('partner state'),
    scope: 'launch/patient patient/*.rs offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  const answer =
    consent === 'gateway'
      ? await asksFirst(setting, payer, parameters)
      : await send(authorizeWith(demoPartner, payer)({ parameters }));
  noteCookies(setting, 'login cookie', answer);
  const state = new URL(answer.headers['location'] ?? 'about:blank').searchParams.get('state') ?? '';
  if (answer.status !== 302 || state === '') throw new Error(`authorize: ${answer.status} ${answer.body}`);
  garden.note('our state', state);
  return { payer, state, cookie: cookieOf(answer), verifier };
};

/** The browser comes back from the payer. */
export const comeBack = (
  { garden, send }: Setting,
  { payer, state, cookie }: AtPayer,
  { issuer, ...change }: Record<string, string> = {},
): Promise<GatewayAnswer> =>
  send({
    route: '/oauth2/callback/{payer}',
    path: { payer },
    query: Object.entries({
      state,
      ...(change['error'] === undefined ? { code: garden.canary('payer code') } : {}),
      ...(payer === 'northwind' ? { iss: issuer ?? '' } : {}),
      ...change,
    }),
    headers: { Cookie: cookie },
  });

/** How the partner says who it is; `public` is another partner, which only names itself. */
type Way = 'basic' | 'post' | 'jwt' | 'public';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** One request to `/oauth2/{name}`, as the partner. */
export const asPartner = async (
  { partnerSecret, assertion, send }: Setting,
  name: 'token' | 'revoke' | 'introspect',
  form: Record<string, string>,
  way: Way = 'basic',
): Promise<GatewayAnswer> => {
  const basic = Buffer.from(`demo-partner:${partnerSecret}`).toString('base64');
  const credentials: Record<Way, () => Promise<Record<string, string>> | Record<string, string>> = {
    basic: () => ({}),
    post: () => ({ client_id: 'demo-partner', client_secret: partnerSecret }),
    jwt: async () => ({ client_assertion_type: assertionType, client_assertion: await assertion() }),
    public: () => ({ client_id: 'third-party-app' }),
  };
  return send({
    route: `/oauth2/${name}`,
    method: 'POST',
    form: { ...form, ...(await credentials[way]()) },
    headers: way === 'basic' ? { Authorization: `Basic ${basic}` } : {},
  });
};

interface TokenBody {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** Asks for tokens, which must be given. */
const tokens = async (setting: Setting, ...args: [Record<string, string>, Way?]): Promise<TokenBody> => {
  const answer = await asPartner(setting, 'token', ...args);
  if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.body}`);
  const body = JSON.parse(answer.body) as TokenBody;
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
  const back = await comeBack(setting, atPayer, { issuer: setting.issuer });
  const code = new URL(back.headers['location'] ?? 'about:blank').searchParams.get('code') ?? '';
  if (code === '') throw new Error(`callback: ${back.status} ${back.headers['location'] ?? back.body}`);
  noteBearers(setting, { code });
  // A wrong verifier first; it changes nothing.
  const way = options.consent === 'gateway' ? 'public' : (options.way ?? 'basic');
  const form = { grant_type: 'authorization_code', code };
  await asPartner(setting, 'token', { ...form, code_verifier: setting.garden.canary('partner verifier') }, way);
  // A reload of the payer's redirect.
  await comeBack(setting, atPayer, { issuer: setting.issuer });
  const body = await tokens(setting, { ...form, code_verifier: atPayer.verifier }, way);
  return { payer, access: body.access_token, refresh: body.refresh_token };
};

/** One read with a connection's token. */
export const read = (
  { send }: Setting,
  { payer, access }: Connection,
  path: string,
  request: Partial<GatewayRequest> = {},
): Promise<GatewayAnswer> =>
  send({
    route: '/r4/{payer}/{proxy+}',
    path: { payer, proxy: path },
    ...request,
    headers: { Authorization: `Bearer ${access}`, ...request.headers },
  });

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

/** Every flow once, and the usual mistakes in it. */
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
    const again = { grant_type: 'refresh_token', refresh_token: connection.refresh };
    const pair = await tokens(setting, again, way);
    await asPartner(setting, 'token', again, way);
    await asPartner(setting, 'token', { ...again, scope: setting.garden.canary('refresh scope') }, way);
    for (const token of [pair.access_token, pair.refresh_token]) await asPartner(setting, 'introspect', { token }, way);
    await asPartner(setting, 'revoke', { token: pair.refresh_token }, way);
    await read(setting, connection, 'Patient');
    await asPartner(setting, 'token', { grant_type: 'refresh_token', refresh_token: pair.refresh_token }, way);
  }
  for (const route of ['/r4/{payer}/.well-known/smart-configuration', '/r4/{payer}/metadata']) {
    await setting.send({ route, path: { payer: 'northwind' } });
  }
};
