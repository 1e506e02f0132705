import type { GatewayRequest } from '../support/login/requests.ts';
import { words } from '../support/words.ts';
import { connect, demoPartner, read, start, type Connection } from './flows.ts';
import type { Garden } from './garden.ts';
import type { Setting } from './setting.ts';

const oauthRoutes = ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'];
const junkHeaders = words('Authorization Cookie Origin Accept Content-Type Prefer User-Agent X-Forwarded-For Referer');

const parameterNames = {
  authorize: words(`
    client_id redirect_uri aud response_type response_mode code_challenge code_challenge_method decision consent_token
  `),
  callback: ['state', 'code', 'iss', 'error', 'error_description'],
  token: words(`
    grant_type code refresh_token redirect_uri code_verifier client_id client_secret client_assertion
    client_assertion_type scope token token_type_hint
  `),
};

const jwtOf = (garden: Garden): string =>
  [
    { alg: garden.canary('malformed'), kid: garden.canary('malformed') },
    { sub: garden.canary('malformed'), iss: garden.canary('malformed') },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(garden.canary('malformed'))
    .join('.');

const authorizeRequests = (garden: Garden): GatewayRequest[] => {
  const say = (): string => garden.canary('malformed');
  const route = '/oauth2/authorize/{payer}';
  const path = { payer: 'northwind' };
  const good = Object.entries(demoPartner);
  return [
    { route, path, query: [...good, ['scope', garden.canary('scope')]] },
    ...parameterNames.authorize.flatMap((name) => [
      { route, path, query: [...good.filter(([key]) => key !== name), [name, say()] as const] },
      { route, path, query: [...good, [name, say()] as const, [name, say()] as const] },
      { route, path, method: 'POST', form: { ...demoPartner, [name]: say() } },
    ]),
    { route, path, query: [...good, ['state', `${say()}${'x'.repeat(2100)}`]] },
    { route, path, query: [...good, ['redirect_uri', `http://localhost:3002/${say()}`]] },
    { route, path: { payer: garden.canary('path') }, query: good },
    {
      route,
      path,
      method: 'POST',
      form: `${say()}=%${say()}&&=${say()}`,
      headers: { 'Content-Type': `text/${say()}` },
    },
    { route, path, method: 'PUT', query: [[say(), say()]] },
  ];
};

const callbackRequests = (garden: Garden): GatewayRequest[] => {
  const say = (): string => garden.canary('malformed');
  const route = '/oauth2/callback/{payer}';
  const path = { payer: 'northwind' };
  return [
    { route, path, query: parameterNames.callback.map((name) => [name, say()] as const) },
    { route, path, query: parameterNames.callback.flatMap((name) => [[name, say()] as const, [name, say()] as const]) },
    { route, path: { payer: garden.canary('path') }, query: [['state', say()]] },
    { route, path, method: 'POST', form: { state: say() } },
  ];
};

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const tokenForms = (garden: Garden): (Record<string, string> | string)[] => {
  const say = (): string => garden.canary('malformed');
  const every = (): Record<string, string> => Object.fromEntries(parameterNames.token.map((name) => [name, say()]));
  return [
    every(),
    { ...every(), grant_type: 'authorization_code' },
    { ...every(), grant_type: 'refresh_token' },
    ...parameterNames.token.map((name) => ({ [name]: say() })),
    ...parameterNames.token.map((name) => `${name}=${say()}&${name}=${say()}&${say()}=${say()}`),
    ...['p2pa_', 'p2pr_', 'p2pc_'].map((prefix) => ({
      grant_type: 'authorization_code',
      code: prefix + say(),
      token: prefix + say(),
      client_id: 'demo-app',
    })),
    { client_assertion_type: jwtBearer, client_assertion: jwtOf(garden) },
  ];
};

const tokenRequests = (garden: Garden): GatewayRequest[] => {
  const say = (): string => garden.canary('malformed');
  const basic = (id: string): Record<string, string> => ({ Authorization: `Basic ${btoa(`${id}:${say()}`)}` });
  return oauthRoutes.flatMap((route) =>
    [
      tokenForms(garden).map((form): GatewayRequest => ({ route, method: 'POST', form })),
      [
        { route, method: 'POST', form: {}, headers: basic(say()) },
        { route, method: 'POST', form: {}, headers: basic('demo-partner') },
        { route, method: 'POST', form: `{"${say()}":"${say()}`, headers: { 'Content-Type': 'application/json' } },
        { route, method: 'GET', query: [[say(), say()] as const] },
      ],
    ].flat(),
  );
};

const readRequests = (garden: Garden, { access, payer }: Connection): GatewayRequest[] => {
  const say = (): string => garden.canary('malformed');
  const inPath = (): string => garden.canary('path');
  const paths = [
    inPath(),
    ...words(`
      ${inPath()}/${inPath()} Observation/${inPath()}/${inPath()} Observation/$${inPath()}
      Patient/${inPath()}/$everything ../${inPath()} Observation/${inPath()}/_history/${inPath()}
      Observation/_search/${inPath()}
    `),
  ];
  // What the caller asks the payer, sensible or not, goes there.
  const asked = (): string => garden.canary('search');
  // Except for a parameter that no resource type has, which goes no further.
  const askedName = (): string => garden.canary('parameter name');
  const queries = [
    ['_format', asked()],
    ['access_token', asked()],
    [askedName(), asked()],
    ['patient', asked()],
    ['subject', `Patient/${asked()}`],
    [`_has:${askedName()}:${askedName()}`, asked()],
    ['_include', asked()],
  ] as const;
  const route = '/r4/{payer}/{proxy+}';
  const Authorization = `Bearer ${access}`;
  const path = { payer, proxy: 'Observation' };
  return [
    ...paths.map((proxy) => ({ route, path: { payer, proxy }, headers: { Authorization } })),
    ...queries.map((pair) => ({ route, path, query: [pair], headers: { Authorization } })),
    ...queries.map(([name, value]) => ({
      route,
      path: { payer, proxy: 'Observation/_search' },
      method: 'POST',
      form: { [name]: value },
      headers: { Authorization },
    })),
    ...junkHeaders.map((name) => ({
      route,
      path,
      headers: { Authorization, [name]: ['Accept', 'Prefer'].includes(name) ? asked() : say() },
    })),
    { route, path, headers: { Authorization: `Bearer ${say()}` } },
    { route, path, headers: { Authorization: `Bearer p2pa_${say()}` } },
    { route, path: { payer: inPath(), proxy: inPath() }, headers: { Authorization } },
    { route, path, method: 'DELETE', headers: { Authorization } },
    {
      route,
      path: { payer, proxy: 'Observation/_search' },
      method: 'POST',
      form: `{"${say()}":`,
      headers: { Authorization, 'Content-Type': `application/${say()}` },
    },
    { route: '/r4/{payer}', path: { payer }, query: [['_getpages', asked()]], headers: { Authorization } },
    { route: '/r4/{payer}/metadata', path: { payer: inPath() }, query: [[say(), say()]] },
    { route: '/r4/{payer}/.well-known/smart-configuration', path: { payer: inPath() }, method: 'POST' },
  ];
};

/** Requests that are wrong, with a canary in every parameter, header and path. */
export const everyMalformedRequest = async (setting: Setting): Promise<void> => {
  const { garden, send } = setting;
  const known = await connect(setting, 'northwind');
  const requests = [
    ...authorizeRequests(garden),
    ...callbackRequests(garden),
    ...tokenRequests(garden),
    ...readRequests(garden, known),
  ];
  for (const request of requests) await send(request);
  for (const name of junkHeaders) {
    const headers = { [name]: garden.canary('malformed') };
    await send({
      route: '/oauth2/authorize/{payer}',
      path: { payer: 'northwind' },
      query: Object.entries(demoPartner),
      headers,
    });
    await send({ route: '/oauth2/token', method: 'POST', form: { grant_type: 'refresh_token' }, headers });
  }
  const { state } = await start(setting, 'northwind');
  for (const cookie of ['', `__Host-p2p-login-0123456789=${garden.canary('malformed')}`]) {
    const query = [
      ['state', state],
      ['code', garden.canary('payer code')],
      ['iss', setting.issuer],
    ] as const;
    await send({ route: '/oauth2/callback/{payer}', path: { payer: 'northwind' }, query, headers: { Cookie: cookie } });
    await send({
      route: '/oauth2/callback/{payer}',
      path: { payer: 'northwind' },
      query: [
        ['state', state],
        ['iss', garden.canary('malformed')],
      ],
    });
  }
  await read(setting, { ...known, payer: 'demo-health-plan' }, garden.canary('path'));
};
