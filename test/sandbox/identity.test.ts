import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { identify } from '../../sandbox/identity/identify.ts';
import { startIdentityProvider, type LocalIdentityProvider } from '../../sandbox/identity/server.ts';
import { testMembers } from '../../sandbox/payer/data/member-list.ts';
import { street } from '../../sandbox/payer/data/patient.ts';
import { createWalker, pageOf } from '../../sandbox/payer/walk.ts';
import { freePort } from '../../sandbox/ports.ts';
import { setSwitches } from '../support/payer-switches.ts';
import { blueButton } from '../support/payer/blue-button.ts';
import { post, readFhir, runPayer, type Answer, type RunningPayer } from './payer-fixture.ts';

/*
 * The payer's checks, from Blue Button's documentation and server code (CMSgov/bluebutton-web-server, apps/dot_ext/views/
 * authorization.py, August 2026): each fact is broken once, and the answer is the one that its code gives. The client here is
 * written from the same facts.
 */

const clientId = 'gateway-here';
const clientSecret = 'gateway-secret';
/** The payer's clock stands still here, in epoch seconds, except where a test lets it run. */
const now = Math.floor(Date.now() / 1000);
const stopped = (): number => now * 1000;
let clock = stopped;
const member = testMembers.clinical;

const newRsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const newEc = () => generateKeyPairSync('ec', { namedCurve: 'P-384' });
const [rsa, ec, csp] = [newRsa(), newEc(), newRsa()];
const jwk = ({ publicKey }: { readonly publicKey: KeyObject }, kid: string) => ({
  ...(publicKey.export({ format: 'jwk' }) as { readonly kty: string }),
  kid,
});

let cspServer: Server;
let cspUrl: string;
let identityProvider: LocalIdentityProvider;
let payer: RunningPayer;
let unopened: RunningPayer;
let checks: ReturnType<typeof blueButton>;

const appId = 'an-app';
const redirectUri = 'http://localhost:9/identity/callback';

beforeAll(async () => {
  const port = await freePort();
  cspUrl = `http://127.0.0.1:${port}`;
  cspServer = createServer((_req, res) => res.end(JSON.stringify({ keys: [jwk(csp, 'csp-1')] })));
  await listen(cspServer, port, '127.0.0.1');
  identityProvider = await startIdentityProvider({
    host: '127.0.0.1',
    port: await freePort(),
    clients: [{ clientId: appId, name: 'An App', redirectUris: [redirectUri] }],
  });
  const identitySignIn = {
    clientKeys: [jwk(rsa, 'rsa-1'), jwk(ec, 'ec-1')],
    issuers: {
      [cspUrl]: `${cspUrl}/jwks`,
      'https://away.example': 'http://127.0.0.1:9/jwks',
      [identityProvider.url]: `${identityProvider.url}/jwks`,
    },
  };
  const common = { preset: 'oneUpDemo', clientId, client: { secret: clientSecret } } as const;
  payer = await runPayer({ ...common, displayName: 'Blue Plan', identitySignIn, now: () => clock() });
  checks = blueButton({
    clientId,
    tokenEndpoint: tokenEndpoint(),
    clientKeys: identitySignIn.clientKeys,
    providerKeys: () => ({ [cspUrl]: [jwk(csp, 'csp-1')] }),
    members: Object.entries(testMembers).map(([id, { firstName, lastName, birthDate, ssnLastFour, mbi }]) => {
      const [line] = street.line;
      return { id, given: firstName, family: lastName, birthdate: birthDate, street: line, ssn: ssnLastFour, mbi };
    }),
    scopes: ['patient/*.read'],
    now: () => clock(),
  });
  const closed = { ...identitySignIn, enabled: false };
  unopened = await runPayer({ ...common, displayName: 'Shut Plan', identitySignIn: closed });
});
afterAll(async () => {
  await Promise.all([payer.close(), unopened.close(), identityProvider.close(), close(cspServer)]);
});

type Fields = Readonly<Record<string, unknown>>;

/** What a request differs in. `undefined` leaves a field out. */
interface Change {
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly header?: Fields;
  readonly claims?: Fields;
  readonly smart?: Fields;
  readonly key?: KeyObject;
  readonly idHeader?: Fields;
  readonly idClaims?: Fields;
  readonly idKey?: KeyObject;
  readonly idToken?: string;
}

const without = <Value>(fields: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
    string,
    NonNullable<Value>
  >;

const sign = (claims: Fields, header: Fields, key: KeyObject): Promise<string> =>
  new SignJWT(without(claims)).setProtectedHeader(without(header) as { alg: string }).sign(key);

const tokenEndpoint = (): string => `${payer.url}/oauth2/token`;
const nameOf = ({ firstName, lastName, birthDate, ssnLastFour }: (typeof testMembers)[keyof typeof testMembers]) => ({
  given_name: firstName,
  family_name: lastName,
  birthdate: birthDate,
  ssn_itin_short: ssnLastFour,
});

const idTokenOf = ({ idHeader, idClaims, idKey = csp.privateKey }: Change): Promise<string> => {
  const times = { exp: now + 600, iat: now, auth_time: now };
  const claims = { iss: cspUrl, sub: 'somebody', aud: 'an-app-at-the-csp', jti: randomUUID(), ...times };
  const person = { identity_assurance_level: 2, ...nameOf(member) };
  return sign({ ...claims, ...person, ...idClaims }, { alg: 'RS256', kid: 'csp-1', typ: 'JWT', ...idHeader }, idKey);
};

const attestation = (at: number) => ({
  user_action: 'approved',
  user_action_timestamp: new Date(at * 1000).toISOString(),
});

const formOf = async (change: Change): Promise<Record<string, string>> => {
  const cms_smart = without({
    version: '1',
    purpose_of_use: 'PATRQT',
    id_token: change.idToken ?? (await idTokenOf(change)),
    consent_policy: ['https://app.example/consent'],
    consent_attestation: attestation(now),
    ...change.smart,
  });
  const client = { iss: clientId, sub: clientId, aud: tokenEndpoint(), jti: randomUUID(), exp: now + 300 };
  const assertion = await sign(
    { ...client, extensions: { cms_smart }, ...change.claims },
    { alg: 'ES384', kid: 'ec-1', typ: 'JWT', ...change.header },
    change.key ?? ec.privateKey,
  );
  return without({
    grant_type: 'client_credentials',
    scope: 'patient/*.read',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    ...change.form,
  });
};

const ask = async (change: Change = {}): Promise<Answer> => post(tokenEndpoint(), await formOf(change));
const said = ({ status, body }: Answer): readonly unknown[] => [status, body];
/** Asks the payer, and the same checks as they are written for the tests of the token endpoint: both say the same. */
const askBoth = async (change: Change): Promise<Answer> => {
  const form = await formOf(change);
  const answer = await post(tokenEndpoint(), form);
  const other = await checks(new URLSearchParams(form));
  const body = JSON.parse(other.body ?? '') as Answer['body'];
  if (answer.status === 200) expect([other.status, body['scope']]).toEqual([200, answer.body['scope']]);
  else expect([other.status, body]).toEqual(said(answer));
  return answer;
};
const saidByBoth = async (change: Change): Promise<readonly unknown[]> => said(await askBoth(change));

const message = (status: number, text: string) => [status, { status_code: status, message: text }];
const badRequest = message(400, 'Bad request');
const nobody = message(401, 'ERROR: Your patient data cannot be found at this time.');
const missing = (names: string) => message(400, `Missing Required Parameter(s): ${names}`);
const oauth = (status: number, error: string, error_description?: string) => [
  status,
  { status_code: status, ...without({ error, error_description }) },
];
const invalid = (description: string) => oauth(400, 'invalid_request', description);
const unknownScope = [400, { error: 'invalid_scope' }];
const inAll = (names: readonly string[], field: 'claims' | 'idClaims' | 'smart'): readonly [string, Change][] =>
  names.map((name) => [`no ${name}`, { [field]: { [name]: undefined } }]);
/** A member who is found by something else than the four digits. */
const undigited = (claims: Fields): Change => ({ idClaims: { ssn_itin_short: undefined, ...claims } });
const address = { street_address: '17 STANHOPE  Street\nApt 3' };
const historical_address = [{ street_address: '17 Stanhope Street' }];

describe('a request as the facts describe it', () => {
  it.each<[string, Change]>([
    ['signed with ES384', {}],
    ['signed with RS384', { header: { alg: 'RS384', kid: 'rsa-1' }, key: rsa.privateKey }],
    ['with a jku, which is not read', { header: { jku: 'http://127.0.0.1:9/' } }],
    ['with openid, which is dropped', { form: { scope: 'openid patient/*.read' } }],
    ['without consent, which Blue Button does not look at', { smart: { consent_attestation: undefined } }],
    ['with a list of audiences', { idClaims: { aud: ['one', 'two'] } }],
    ['an assertion that expired less than five minutes ago', { claims: { exp: now - 299 } }],
    ['an id token from 300 seconds ago', { idClaims: { iat: now - 300, auth_time: now - 300 } }],
    ['at level 3', { idClaims: { identity_assurance_level: 3 } }],
    ['found by the street line', undigited({ address })],
    ['found by an earlier street line', { idClaims: { ssn_itin_short: '0000', historical_address } }],
    ['found by the MBI under another family name', undigited({ family_name: 'Married', mbi: member.mbi })],
  ])('is answered with a token: %s', async (_name, change) => {
    const { status, body, headers } = await askBoth(change);
    const some = expect.stringMatching(/.+/) as string;
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      access_token: some,
      refresh_token: some,
      token_type: 'Bearer',
      expires_in: 1800,
      scope: 'patient/*.read',
      patient: some,
    });
    const patient = await readFhir(payer, `Patient/${String(body['patient'])}`, String(body['access_token']));
    expect(patient.body).toMatchObject({ name: [{ family: member.lastName, given: [member.firstName] }] });
  });
});

const type = 'client_assertion_type';

describe('the form', () => {
  it.each<[string, Change['form'], readonly unknown[]]>([
    ['no scope', { scope: undefined }, missing('scope')],
    ['no client_assertion_type', { [type]: undefined }, missing(type)],
    ['two fields empty', { scope: '', [type]: '' }, missing(`scope, ${type}`)],
    ['another client_assertion_type', { [type]: 'jwt' }, invalid(`${type} was wrong`)],
    [
      'a client_secret beside the assertion',
      { client_secret: clientSecret },
      invalid('client_secret should not be included in client_credentials call'),
    ],
    ['no client_assertion', { client_assertion: undefined }, oauth(401, 'invalid_client', 'App id failed')],
    [
      'no client_assertion of a named client',
      { client_assertion: undefined, client_id: clientId },
      missing('client_assertion'),
    ],
    ['an assertion that is no JWT', { client_assertion: 'x.y' }, invalid('Malformed client_assertion')],
    ['another client_id beside it', { client_id: 'other' }, invalid('client_id param did not match client_id in JWT')],
    ['a scope that it does not define', { scope: 'patient/*.rs' }, unknownScope],
    ['offline_access', { scope: 'patient/*.read offline_access' }, unknownScope],
    ['openid alone', { scope: 'openid' }, unknownScope],
  ])('with %s', async (_name, form, expected) => {
    expect(await saidByBoth({ form })).toEqual(expected);
  });

  it('with another client', async () => {
    const unknown = oauth(400, 'invalid_client', 'Application does not exist (client_id)');
    expect(await saidByBoth({ claims: { iss: 'other', sub: 'other' } })).toEqual(unknown);
  });

  it('of a client that is not enabled for it is 403', async () => {
    const text = expect.stringContaining('does not yet have access to this authorization method') as string;
    expect(said(await post(`${unopened.url}/oauth2/token`, await formOf({})))).toEqual(message(403, text));
  });
});

describe('the assertion: anything wrong is "Bad request"', () => {
  it.each<[string, Change]>([
    ['another key', { key: newEc().privateKey }],
    ['RS256', { header: { alg: 'RS256', kid: 'rsa-1' }, key: rsa.privateKey }],
    ['PS384', { header: { alg: 'PS384', kid: 'rsa-1' }, key: rsa.privateKey }],
    ['an unknown kid', { header: { kid: 'ec-2' } }],
    ['no kid', { header: { kid: undefined } }],
    ['no typ', { header: { typ: undefined } }],
    ['typ jwt in small letters', { header: { typ: 'jwt' } }],
    ['typ at+jwt', { header: { typ: 'at+jwt' } }],
    ...inAll(['sub', 'aud', 'jti', 'exp', 'extensions'], 'claims'),
    ['another sub', { claims: { sub: 'other' } }],
    ['another aud', { claims: { aud: 'http://127.0.0.1:9/oauth2/token' } }],
    ['an exp of another type', { claims: { exp: 'soon' } }],
    ['an exp more than 300 seconds ahead', { claims: { exp: now + 301 } }],
    ['an exp more than five minutes ago', { claims: { exp: now - 301 } }],
    ['no cms_smart', { claims: { extensions: {} } }],
    ...inAll(['version', 'purpose_of_use', 'id_token'], 'smart'),
    ['version 1, a number', { smart: { version: 1 } }],
    ['version 2', { smart: { version: '2' } }],
    ['another purpose', { smart: { purpose_of_use: 'TREAT' } }],
    ['an id_token that is none', { smart: { id_token: 'token' } }],
  ])('%s', async (_name, change) => {
    expect(await saidByBoth(change)).toEqual(badRequest);
  });

  // Blue Button looks at neither.
  it.each<[string, Change]>([
    ['a consent_policy that is no list', { smart: { consent_policy: 'https://app.example/consent' } }],
    ['a consent_policy that is no URL', { smart: { consent_policy: ['yes'] } }],
    ['a consent that was not approved', { smart: { consent_attestation: { ...attestation(now), user_action: 'no' } } }],
    ['a consent at no time', { smart: { consent_attestation: { user_action: 'approved' } } }],
  ])('what the CMS specification has beside: %s', async (_name, change) => {
    expect(said(await ask(change))).toEqual(badRequest);
  });

  it('is taken once: its jti is spent, whatever comes after', async () => {
    const jti = randomUUID();
    expect(await saidByBoth({ claims: { jti }, smart: { version: '2' } })).toEqual(badRequest);
    expect(await saidByBoth({ claims: { jti } })).toEqual(badRequest);
    expect((await ask()).status).toBe(200);
  });

  it('with a consent of long ago is consent_expired', async () => {
    const consent_attestation = attestation(now - 86_401);
    expect(said(await ask({ smart: { consent_attestation } }))).toEqual(oauth(400, 'consent_expired'));
  });
});

const idClaims = ['iss', 'sub', 'aud', 'jti', 'exp', 'iat', 'auth_time', 'identity_assurance_level'];

describe('the id token: anything wrong is "Bad request"', () => {
  it.each<[string, Change]>([
    ['another key', { idKey: newRsa().privateKey }],
    ['RS384', { idHeader: { alg: 'RS384' } }],
    ['an unknown kid', { idHeader: { kid: 'csp-2' } }],
    ['no kid', { idHeader: { kid: undefined } }],
    ['no typ', { idHeader: { typ: undefined } }],
    ['another typ', { idHeader: { typ: 'id_token' } }],
    ['an unknown issuer', { idClaims: { iss: 'https://other.example' } }],
    ['an issuer whose keys cannot be read', { idClaims: { iss: 'https://away.example' } }],
    ...inAll([...idClaims, 'family_name', 'given_name', 'birthdate'], 'idClaims'),
    ['expired', { idClaims: { exp: now - 1 } }],
    ['an iat one second ahead', { idClaims: { iat: now + 1 } }],
    ['an iat 301 seconds ago', { idClaims: { iat: now - 301 } }],
    ['an auth_time one second ahead', { idClaims: { auth_time: now + 1 } }],
    ['an auth_time 301 seconds ago', { idClaims: { auth_time: now - 301 } }],
    ['an auth_time that is no number', { idClaims: { auth_time: 'now' } }],
    ['level 1', { idClaims: { identity_assurance_level: 1 } }],
    ['a level that is a string', { idClaims: { identity_assurance_level: '2' } }],
    ['an empty family name', { idClaims: { family_name: '' } }],
    ['a family name beyond U+017F', { idClaims: { family_name: 'Nguyễn' } }],
    ['a given name beyond U+017F', { idClaims: { given_name: 'Иван' } }],
    ['a birth date in American order', { idClaims: { birthdate: '01/04/2011' } }],
    ['a birth date in no month', { idClaims: { birthdate: '2011-13-04' } }],
  ])('%s', async (_name, change) => {
    expect(await saidByBoth(change)).toEqual(badRequest);
  });

  it('is taken once, also when nobody was found', async () => {
    const jti = randomUUID();
    expect(await saidByBoth({ idClaims: { jti, ssn_itin_short: '0000' } })).toEqual(nobody);
    expect(await saidByBoth({ idClaims: { jti } })).toEqual(badRequest);
  });
});

describe('the match', () => {
  it.each<[string, Change]>([
    ['another given name', { idClaims: { given_name: 'Somebody' } }],
    ['another family name', { idClaims: { family_name: 'Else' } }],
    ['another birth date', { idClaims: { birthdate: '2011-01-05' } }],
    ['other digits', { idClaims: { ssn_itin_short: '0000' } }],
    ['no digits, address or MBI', undigited({})],
    ['another street line', undigited({ address: { street_address: '18 Stanhope Street' } })],
    ['another member’s MBI', undigited({ mbi: testMembers.claims.mbi })],
  ])('finds nobody with %s', async (_name, change) => {
    expect(await saidByBoth(change)).toEqual(nobody);
  });
});

describe('with a switch of /admin', () => {
  afterEach(async () => void (await setSwitches(payer.url, [])));

  const oddAnswer = expect.objectContaining({ expires_in: '1800', token_type: 'bearer', id_token: null }) as object;
  it.each([
    ['identity-no-match', nobody],
    ['identity-two-matches', nobody],
    ['identity-consent-expired', oauth(400, 'consent_expired')],
    ['identity-stale-key', badRequest],
    ['identity-slow-clock', badRequest],
    ['identity-odd-answer', [200, oddAnswer]],
  ])('%s', async (name, expected) => {
    await setSwitches(payer.url, [name]);
    expect(said(await ask())).toEqual(expected);
  });
});

describe('the tokens', () => {
  const client = { client_id: clientId, client_secret: clientSecret };
  const refresh = (token: unknown, as: Readonly<Record<string, string>> = client): Promise<Answer> =>
    post(tokenEndpoint(), { grant_type: 'refresh_token', refresh_token: String(token), ...as });
  const revoke = (token: unknown, secret = clientSecret): Promise<Answer> =>
    post(`${payer.url}/oauth2/revoke`, { token: String(token), ...client, client_secret: secret });
  const reads = async ({ access_token: token }: Answer['body']): Promise<number> =>
    (await readFhir(payer, 'Patient', String(token))).status;

  it('are refreshed with the client secret', async () => {
    const token = (await ask()).body['refresh_token'];
    expect((await refresh(token, { client_id: clientId })).body).toMatchObject({ error: 'invalid_client' });
    const renewed = await refresh(token);
    expect([renewed.status, await reads(renewed.body)]).toEqual([200, 200]);
  });

  it('are refreshed if the payer knows them: others are 403, and no OAuth error', async () => {
    expect(said(await refresh('unknown'))).toEqual(message(403, 'Request denied'));
  });

  it('end together: revoking one access token ends the whole grant of the client for that member', async () => {
    const [one, two] = [(await ask()).body, (await ask()).body];
    const other = (await ask({ idClaims: nameOf(testMembers.claims) })).body;
    expect((await revoke(one['access_token'], 'wrong')).status).toBe(401);
    expect((await revoke(one['access_token'])).status).toBe(200);
    expect([await reads(one), await reads(two), await reads(other)]).toEqual([401, 401, 200]);
    expect((await refresh(two['refresh_token'])).status).toBe(403);
  });
});

describe('the identity provider', () => {
  type Key = keyof typeof testMembers;
  const signIn = (key: Key): Promise<string> =>
    identify({ issuer: identityProvider.url, clientId: appId, redirectUri, member: key });

  it('signs each of the nine members in for unmodified openid-client, and its id token is all that the payer needs', async () => {
    for (const [key, one] of Object.entries(testMembers)) {
      const idToken = await signIn(key as Key);
      const claims = decodeJwt(idToken);
      const kid = expect.stringMatching(/.+/) as string;
      expect(decodeProtectedHeader(idToken)).toEqual({ alg: 'RS256', typ: 'JWT', kid });
      expect(claims).toMatchObject({
        iss: identityProvider.url,
        aud: appId,
        identity_assurance_level: 2,
        jti: expect.stringMatching(/.+/),
        ...nameOf(one),
        mbi: one.mbi,
        address: { street_address: '17 Stanhope Street\nApt 3', locality: 'Boston', region: 'MA' },
      });
      expect(Math.abs(Number(claims['auth_time']) - Date.now() / 1000)).toBeLessThan(30);
      clock = Date.now;
      const { status, body } = await ask({ idToken, claims: { exp: Math.floor(Date.now() / 1000) + 60 } });
      clock = stopped;
      const patient = await readFhir(payer, 'Patient', String(body['access_token']));
      expect([status, patient.status]).toEqual([200, 200]);
      expect(patient.body).toMatchObject({ entry: [{ resource: { id: body['patient'], birthDate: one.birthDate } }] });
    }
  });

  it('issues each token with a jti of its own', async () => {
    const tokens = [await signIn('bare'), await signIn('bare')];
    expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(2);
  });

  /** The page where a person chooses who they are, and the browser that shows it. */
  const openPage = async () => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: appId,
      redirect_uri: redirectUri,
      scope: 'openid',
      state: 'of-the-app',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const walker = createWalker(identityProvider.url);
    const page = pageOf(await walker.open(`${identityProvider.url}/authorize?${query}`), 'Prove who you are');
    return { walker, page };
  };

  it('has a page without scripts, which names the app and asks who you are', async () => {
    const { html } = (await openPage()).page;
    expect(html).toContain('An App');
    expect(html).not.toContain('<script');
    const people = [...html.matchAll(/name="person"\s+value="([^"]+)"/g)].map(([, key]) => key);
    expect(people).toEqual(Object.keys(testMembers));
  });

  it('sends a person who cancels back without a code', async () => {
    const { walker, page } = await openPage();
    const stop = await walker.submit(page, { decision: 'cancel' });
    const back = new URL('location' in stop ? stop.location : 'http://nowhere.example');
    expect([back.searchParams.get('error'), back.searchParams.get('code')]).toEqual(['access_denied', null]);
  });
});
