/**
 * Each quirk of a payer's profile, end to end: a sandbox payer insists on it, and the gateway's functions reach that
 * payer over HTTP. Without its field in the profile, the walk fails.
 */
import { discover } from '../../bin/payers/discover.ts';
import { examine } from '../../bin/payers/examine.ts';
import { checkStage } from '../../config/check.ts';
import { registryData } from '../../config/load.ts';
import { smart } from '../../config/presets.ts';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import { parseRecordSearch } from '../../functions/shared/fhir/record-search.ts';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import type { Insists } from '../../sandbox/payer/insists.ts';
import type { PayerOptions } from '../../sandbox/payer/options.ts';
import { signInAsMember } from '../../sandbox/payer/walk.ts';
import { member1, runPayer, type RunningPayer } from '../sandbox/payer-fixture.ts';
import { fetchGateway, read } from '../support/fetch-gateway.ts';
import { call, cookiesOf } from '../support/gateway.ts';
import { basic, redirectUri, sentBack } from '../support/login.ts';
import {
  authorizeRequest,
  callbackRequest,
  filled,
  partnerRequest,
  redemption,
  renewal,
} from '../support/login/requests.ts';
import { toEvent } from '../support/login/to-event.ts';

type Inputs = Parameters<typeof smart>[0];
type Profile = Partial<Omit<Inputs, 'quirks'>> & { readonly quirks?: Inputs['quirks'] };
type Client = PayerOptions['client'];

const origin = 'http://localhost:3000';
const secret: Client = { secret: 'its-secret' };
/** The value of a secret header. */
const canary = 'canary-key';

const running: RunningPayer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((payer) => payer.close()));
});

interface Walked {
  readonly client?: Client;
  /** Further payers of the stage, at the same server. */
  readonly brands?: (payer: RunningPayer) => readonly Payer[];
}

/** Why a payer sends a browser back at once, instead of to its sign-in; undefined if it does not. */
const refusalAt = async (payerUrl: string): Promise<Record<string, string> | undefined> => {
  const location = (await fetch(payerUrl, { redirect: 'manual' })).headers.get('location') ?? '';
  const said = Object.fromEntries(new URL(location, payerUrl).searchParams);
  return said['error'] === undefined ? undefined : said;
};

/** A payer that insists, and the gateway with this profile of it. */
const connect = async (
  insists: Insists,
  profile: (payer: RunningPayer) => Profile = () => ({}),
  options: Walked = {},
) => {
  const { client = secret, brands = () => [] } = options;
  const time: { aheadMs: number; stoppedAtMs?: number } = { aheadMs: 0 };
  const nowMs = (): number => time.stoppedAtMs ?? Date.now() + time.aheadMs;
  const payer = await runPayer({
    preset: 'smart',
    displayName: 'Insisting Health',
    clientId: 'gateway-here',
    client,
    insists,
    now: nowMs,
    redirectUris: ['northwind', 'west'].map((id) => `${origin}/oauth2/callback/${id}`),
  });
  running.push(payer);
  const { quirks, ...changes } = profile(payer);
  const entry = smart({
    id: 'northwind',
    displayName: 'Insisting Health',
    fhirBaseUrl: `${payer.url}/r4`,
    issuer: payer.url,
    authorizationEndpoint: `${payer.url}/oauth2/authorize`,
    tokenEndpoint: `${payer.url}/oauth2/token`,
    revocationEndpoint: `${payer.url}/oauth2/revoke`,
    clientId: 'gateway-here',
    clientAuthentication: 'client_secret_post',
    ...changes,
    ...(quirks === undefined ? {} : { quirks }),
  });
  const payers = [entry, ...brands(payer)];
  const registry = registryData(
    checkStage(
      {
        stage: 'local',
        production: false,
        removalPolicy: 'destroy',
        waf: 'none',
        origin,
        payers,
        partners: [
          {
            clientId: 'demo-partner',
            name: 'Demo Partner',
            homePage: 'http://localhost:3002/',
            redirectUris: [redirectUri],
            clientAuthentication: ['client_secret_basic'],
            secretHashes: ['N2Zj40bTKWhIB4X-2vK_Rp0LOgaUmgXVWDWg97wdBhg'],
            pkceOptional: true,
            consent: 'partner',
            scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
            payers: payers.map(({ id }) => id),
          },
        ],
      },
      'the walk',
    ),
  );
  const test = fetchGateway({ registry });
  const deps = {
    ...test.deps,
    clock: { now: nowMs, monotonic: () => performance.now() },
    pages: { operator: { name: 'Payer-to-payer gateway' } },
    payerHttp: createPayerHttp(),
    // A public client has none, and a brand uses the first one's.
    readPayerSecret: async (id: string) => {
      if (id === 'northwind' && insists.header)
        return { client_secret: 'its-secret', headers: { [insists.header[0].toLowerCase()]: canary } };
      if (id === 'northwind' && client !== 'public') return { client_secret: 'its-secret' };
      throw new Error(`no secret for ${id}`);
    },
  };
  const handlers = { authorize: authorizeHandler(deps), callback: callbackHandler(deps), token: tokenHandler(deps) };

  /** A whole login: what the partner is told. */
  const login = async (id = 'northwind'): Promise<Record<string, string>> => {
    const query = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 's' };
    const begun = await call(handlers.authorize, toEvent(authorizeRequest(id, query)));
    const payerUrl = begun.headers['Location'] ?? '';
    const refused = await refusalAt(payerUrl);
    if (refused !== undefined) return refused;
    const back = await signInAsMember(payerUrl, member1);
    const returned = Object.fromEntries(new URL(back).searchParams);
    const answer = await call(handlers.callback, toEvent(callbackRequest(id, returned, { cookie: cookiesOf(begun) })));
    return sentBack(answer);
  };
  const token = async (form: Record<string, string>) => {
    const answer = await call(handlers.token, toEvent(partnerRequest('token', form, basic())));
    return JSON.parse(answer.body) as Record<string, string>;
  };
  /** A login and its tokens. */
  const tokens = async (id?: string) => token(filled(redemption((await login(id))['code'] ?? '', {})));
  const refresh = (refreshToken = '') => token(filled(renewal(refreshToken, {})));
  const readWith = (accessToken: string | undefined, path: string, query = '', id = 'northwind') =>
    read(deps, path, accessToken, { query, payer: id });
  return { payer, login, tokens, refresh, read: readWith, time, registry, lines: test.lines };
};

/** The patient that the partner is told, or why the login ended. */
const patientIn = async (...args: Parameters<typeof connect>): Promise<string | undefined> => {
  const { tokens } = await connect(...args);
  return (await tokens())['patient'];
};
/** Why a login ended, on either side. */
const outcomeOf = async (...args: Parameters<typeof connect>): Promise<string> => {
  const { login } = await connect(...args);
  return login().then(
    ({ error = 'ok', error_description: why = '' }) => (error === 'invalid_request' ? why : error),
    (error: Error) => error.message,
  );
};

/** What the doctor finds about a payer. */
const doctorOf = (payer: Payer) =>
  examine(
    {
      http: createPayerHttp(),
      now: Date.now,
      lookup: async () => ['127.0.0.1'],
      connect: async () => ({ tls: undefined }),
    },
    'local',
    payer,
  );

const known = expect.stringMatching(/^[A-Za-z0-9-]+$/);
const withScopes = ['openid', 'launch/patient', 'patient/*.rs', 'offline_access'];

describe('a sandbox payer that insists on', () => {
  it('an aud other than its FHIR base', async () => {
    const aud = 'https://plan.example/fhir';

    expect(await patientIn({ aud }, () => ({ quirks: { aud } }))).toEqual(known);
    expect(await outcomeOf({ aud })).toContain(`aud must be ${aud}`);
  });

  it('no aud at all', async () => {
    expect(await patientIn({ aud: 'none' }, () => ({ quirks: { aud: false } }))).toEqual(known);
    expect(await outcomeOf({ aud: 'none' })).toContain('aud must be none');
  });

  it('a public client', async () => {
    const profile = (): Profile => ({ clientAuthentication: 'none' });

    expect(await patientIn({}, profile, { client: 'public' })).toEqual(known);
    expect(await outcomeOf({}, undefined, { client: 'public' })).not.toBe('ok');
  });

  it('userinfo for the patient', async () => {
    const insists: Insists = { patient: { in: 'userinfo', member: 'patient' } };
    const profile = ({ url }: RunningPayer): Profile => ({
      patientFrom: 'userinfo',
      userinfoEndpoint: `${url}/oauth2/userinfo`,
      scopes: withScopes,
    });

    expect(await patientIn(insists, profile)).toEqual(known);
    expect(await outcomeOf(insists)).toBe('server_error');
  });

  it.each(['fhirUser', 'sub', 'patient_id'])('the %s of its id_token for the patient', async (member) => {
    const insists: Insists = { patient: { in: 'id_token', member } };
    const profile = ({ url }: RunningPayer): Profile => ({
      patientFrom: 'id_token',
      patientMember: member,
      jwksUri: `${url}/oauth2/jwks`,
      scopes: withScopes,
    });

    expect(await patientIn(insists, profile)).toEqual(known);
    expect(await outcomeOf(insists, () => ({ scopes: withScopes }))).toBe('server_error');
  });

  it('another member of its token answer for the patient', async () => {
    const insists: Insists = { patient: { in: 'token', member: 'patient_id' } };

    expect(await patientIn(insists, () => ({ patientMember: 'patient_id' }))).toEqual(known);
    expect(await outcomeOf(insists)).toBe('server_error');
  });

  it.each(['urn', 'url'] as const)('the patient as a %s in its token answers, which are forms', async (as) => {
    // Without a field: such an answer can mean one thing only.
    const insists: Insists = { tokenAnswer: 'form', patient: { in: 'token', member: 'patient', as } };
    const { tokens, refresh, read: readAt, time } = await connect(insists);
    const { patient, access_token: access, refresh_token: refreshToken } = await tokens();
    time.aheadMs = 301_000;

    expect(patient).toMatch(/^[\da-f-]{36}$/);
    expect((await readAt(access, `Patient/${patient}`)).statusCode).toBe(200);
    expect((await refresh(refreshToken))['patient']).toBe(patient);
  });

  it('a scope in its own spelling, or in words of its own', async () => {
    const records: Insists = { grantedScope: 'launch/patient records offline_access' };

    expect(await patientIn({ grantedScope: 'Patient/*.read,launch/patient,offline_access' })).toEqual(known);
    expect(await patientIn(records, () => ({ grantedScope: 'asRequested' }))).toEqual(known);
    expect(await outcomeOf(records)).toBe('access_denied');
  });

  it('JSON at its token endpoint', async () => {
    const insists: Insists = { tokenRequest: 'json' };
    const profile = (): Profile => ({ quirks: { tokenRequest: 'json' } });
    const { registry } = await connect(insists);

    expect(await patientIn(insists, profile)).toEqual(known);
    expect(await outcomeOf(insists)).toBe('server_error');
    const todos = (await doctorOf(registry.payers[0]!)).flatMap(({ todo = [] }) => todo);
    expect(todos).toEqual(["write quirks.tokenRequest: 'json'"]);
    const { registry: written } = await connect(insists, profile);
    expect((await doctorOf(written.payers[0]!)).filter(({ todo }) => todo !== undefined)).toEqual([]);
  });

  it('its own operation for an insurance card', async () => {
    const answers = async (profile?: () => Profile): Promise<unknown[]> => {
      const { tokens, read: readAt } = await connect({}, profile);
      const { access_token: access, patient } = await tokens();
      const card = await readAt(access, `Patient/${patient}/$generate-insurance-card`);
      const others = await readAt(access, 'Patient/other/$generate-insurance-card');
      return [card.statusCode, (card.json() as { resourceType: string }).resourceType, others.statusCode];
    };
    const operations = { 'generate-insurance-card': ['Coverage'] };

    expect(await answers(() => ({ operations }))).toEqual([200, 'Bundle', 403]);
    expect(await answers()).toEqual([405, 'OperationOutcome', 405]);
  });

  it('POST for each search', async () => {
    const statuses = async (profile?: () => Profile): Promise<number[]> => {
      const { tokens, read: readAt } = await connect({ searchMethod: 'POST' }, profile);
      const { access_token: access, patient } = await tokens();
      const first = await readAt(access, 'Observation', '_count=1');
      const { link = [] } = first.json() as { link?: { relation: string; url: string }[] };
      const next = new URL(link.find(({ relation }) => relation === 'next')?.url ?? 'https://none.invalid');
      const page = await readAt(access, '', next.search.slice(1));
      return [first, page, await readAt(access, `Patient/${patient}`)].map(({ statusCode }) => statusCode);
    };

    expect(await statuses(() => ({ quirks: { searchMethod: 'POST' } }))).toEqual([200, 200, 200]);
    expect((await statuses())[0]).toBe(405);
  });

  it('204 where a search finds nothing, and 403 where it is asked too often', async () => {
    const {
      tokens,
      read: readAt,
      time,
    } = await connect({
      emptySearchStatus: 204,
      requestsPerSecond: 1,
      throttlesWith: 403,
    });
    const { access_token: access } = await tokens();
    time.stoppedAtMs = Date.now() + 1000;

    const [empty, tooOften] = [await readAt(access, 'Observation', 'code=none'), await readAt(access, 'Patient')];

    expect([empty.statusCode, empty.json()]).toMatchObject([200, { resourceType: 'Bundle', total: 0 }]);
    expect([tooOften.statusCode, tooOften.headers['Retry-After']]).toEqual([429, '1']);
  });

  it('a secret header with each request, which no log line shows', async () => {
    const name = 'Ocp-Apim-Subscription-Key';
    const insists: Insists = { header: [name, canary] };
    const profile = (): Profile => ({ quirks: { secretHeaders: [name] } });
    const configured = await connect(insists, profile);
    const { access_token: access, refresh_token: refreshToken } = await configured.tokens();
    configured.time.aheadMs = 301_000;

    expect((await configured.read(access, 'Patient')).statusCode).toBe(200);
    expect(await configured.refresh(refreshToken)).toMatchObject({ token_type: 'Bearer' });
    expect(configured.lines.join()).not.toContain(canary);
    const plain = await connect(insists);
    expect(await plain.login()).toMatchObject({ error: 'temporarily_unavailable' });
    expect(plain.lines.join()).toContain('codeRefused');
    const todos = async ({ registry }: typeof plain): Promise<(string | undefined)[]> =>
      (await doctorOf(registry.payers[0]!)).flatMap(({ check, todo }) =>
        todo === undefined ? [] : [`${check}: ${todo}`],
      );
    const todo =
      'ask the payer for the header and the key; write its name into quirks.secretHeaders, and the key into the secret';
    expect(await todos(plain)).toEqual([`token: ${todo}`, `FHIR: ${todo}`]);
    expect(await todos(configured)).toEqual([]);
    expect((await discover(createPayerHttp(), `${plain.payer.url}/r4`)).keyHeader).toBe(name);
  });

  it('another media type', async () => {
    const insists: Insists = { fhirMediaType: 'application/json+fhir' };
    const configured = await connect(insists, () => ({ quirks: { fhirMediaType: 'application/json+fhir' } }));
    const plain = await connect(insists);

    const answer = await configured.read((await configured.tokens())['access_token'], 'Patient');

    expect([answer.statusCode, answer.headers['Content-Type']]).toEqual([200, 'application/fhir+json; charset=utf-8']);
    expect((await plain.read((await plain.tokens())['access_token'], 'Patient')).statusCode).toBe(406);
  });

  it('searches of single types, each with its parameter and at its pace, in place of $everything', async () => {
    const searches = ['Patient', 'Observation?category=laboratory', 'Immunization'];
    const {
      tokens,
      read: readAt,
      time,
      registry,
      payer,
    } = await connect(
      { withoutEverything: true, searchParameters: { Observation: 'category' }, requestsPerSecond: 2 },
      () => ({ everything: false, wholeRecord: { searches, pageSize: 10, requestsPerSecond: 2 } }),
    );
    const { access_token: access, patient = '' } = await tokens();
    const { wholeRecord } = registry.payers[0]!;
    const statuses: number[] = [];
    for (const text of wholeRecord?.searches ?? []) {
      const { type, parameters } = parseRecordSearch(text);
      const query = new URLSearchParams([
        ...parameters.map(([name, value]) => [name, value]),
        [type === 'Patient' ? '_id' : 'patient', patient],
        ['_count', String(wholeRecord?.pageSize)],
      ]);
      statuses.push((await readAt(access, type, query.toString())).statusCode);
      time.aheadMs += 1000 / (wholeRecord?.requestsPerSecond ?? 1);
    }

    expect(statuses).toEqual([200, 200, 200]);
    time.aheadMs += 1000;
    expect((await readAt(access, 'Observation', `patient=${patient}`)).statusCode).toBe(400);
    expect((await readAt(access, `Patient/${patient}/$everything`)).statusCode).toBe(405);
    expect(payer.lines.filter(({ path }) => path.endsWith('$everything'))).toEqual([]);
    time.stoppedAtMs = Date.now() + time.aheadMs + 1000;
    const unpaced = [];
    for (let times = 0; times < 3; times += 1) unpaced.push((await readAt(access, 'Patient')).statusCode);
    expect(unpaced).toEqual([200, 200, 429]);
  });

  it('two bases behind one sign-in', async () => {
    const types = ['Observation', 'DocumentReference', 'Binary'];
    const walk = async (profile?: (payer: RunningPayer) => Profile) => {
      const { tokens, read: readAt, payer, registry } = await connect({ basesOfTypes: { '/esi/r4': types } }, profile);
      const { access_token: access, patient } = await tokens();
      const statuses: unknown[] = [];
      const documents = await readAt(access, 'DocumentReference');
      const first = await readAt(access, 'Observation', '_count=1');
      for (const { statusCode } of [documents, first]) statuses.push(statusCode);
      const { link = [] } = first.json() as { link?: { relation: string; url: string }[] };
      const next = new URL(link.find(({ relation }) => relation === 'next')?.url ?? 'https://none.invalid');
      statuses.push((await readAt(access, '', next.search.slice(1))).statusCode);
      for (const path of [`Patient/${patient}`, 'Coverage', `Patient/${patient}/Observation`]) {
        statuses.push((await readAt(access, path)).statusCode);
      }
      const [binary = ''] = /[^"]*\/Binary\/[^"]*/.exec(documents.body.toString()) ?? [];
      const facade = `${origin}/r4/northwind/`;
      statuses.push(binary.startsWith(facade) && (await readAt(access, binary.slice(facade.length))).statusCode);
      const todos = (await doctorOf(registry.payers[0]!)).flatMap(({ todo = [] }) => todo);
      return { statuses, todos, payer, checked: (await doctorOf(registry.payers[0]!)).map(({ text }) => text) };
    };
    const profile = ({ url }: RunningPayer): Profile => ({
      everything: false,
      furtherBases: [{ fhirBaseUrl: `${url}/esi/r4`, types }],
    });

    const made = await walk(profile);
    expect([made.statuses, made.todos]).toEqual([[200, 200, 200, 200, 200, 200, 200], []]);
    expect(made.checked).toContain(`${made.payer.url}/esi/r4/metadata is a CapabilityStatement of FHIR 4.0.1`);
    expect((await walk()).statuses).toEqual([404, 404, 404, 200, 200, 404, false]);
  });

  it('one query in place of $everything', async () => {
    const {
      tokens,
      read: readAt,
      registry,
    } = await connect({ withoutEverything: true }, () => ({
      everything: false,
      wholeRecord: { substitute: 'Patient?_revinclude=Immunization:patient' },
    }));
    const { access_token: access, patient = '' } = await tokens();
    const { type, parameters } = parseRecordSearch(registry.payers[0]?.wholeRecord?.substitute ?? '');

    const answer = await readAt(
      access,
      type,
      new URLSearchParams([...parameters.map(([name, value]) => [name, value]), ['_id', patient]]).toString(),
    );

    const { entry = [] } = answer.json() as { entry?: { resource: { resourceType: string } }[] };
    expect(new Set(entry.map(({ resource }) => resource.resourceType))).toEqual(new Set(['Patient', 'Immunization']));
  });

  it('a second until its first byte', async () => {
    const insists: Insists = { firstByteMs: 1100 };
    const [patient, hasty] = await Promise.all([
      connect(insists, () => ({ quirks: { timeToFirstByte: 10 } })),
      connect(insists, () => ({ quirks: { timeToFirstByte: 1 } })),
    ]);
    const [first, second] = [(await patient.tokens())['access_token'], (await hasty.tokens())['access_token']];

    const answers = await Promise.all([patient.read(first, 'Patient'), hasty.read(second, 'Patient')]);

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 504]);
  });

  it('a new consent after 90 days', async () => {
    const consentSeconds = 90 * 86_400;
    const configured = await connect({ consentSeconds }, () => ({ consentLifetime: consentSeconds }));
    const plain = await connect({ consentSeconds });
    const [ends, goesOn] = [await configured.tokens(), await plain.tokens()];

    configured.time.aheadMs = plain.time.aheadMs = (consentSeconds + 1) * 1000;

    expect(await configured.refresh(ends['refresh_token'])).toMatchObject({ error: 'invalid_grant' });
    const useless = (await plain.refresh(goesOn['refresh_token']))['access_token'];
    expect((await plain.read(useless, 'Patient')).statusCode).toBe(401);
  });

  it('one client with one secret for its brands', async () => {
    const west = ({ url }: RunningPayer, secretOf?: string): Payer =>
      smart({
        id: 'west',
        displayName: 'West',
        fhirBaseUrl: `${url}/west/r4`,
        issuer: url,
        authorizationEndpoint: `${url}/oauth2/authorize`,
        tokenEndpoint: `${url}/oauth2/token`,
        clientId: 'gateway-here',
        clientAuthentication: 'client_secret_post',
        ...(secretOf === undefined ? {} : { secretOf }),
      });
    const insists: Insists = { furtherBases: ['/west/r4'] };
    const brands = await connect(insists, undefined, { brands: (payer) => [west(payer, 'northwind')] });
    const apart = await connect(insists, undefined, { brands: (payer) => [west(payer)] });

    const { access_token: access } = await brands.tokens('west');
    const { json } = await brands.read(access, 'Patient', '', 'west');

    expect(json()).toMatchObject({ entry: [{ fullUrl: expect.stringMatching(`^${origin}/r4/west/Patient/`) }] });
    expect(await apart.login('west')).toMatchObject({ error: 'server_error' });
  });

  it.each<[string, Insists, (payer: RunningPayer) => Profile, Client]>([
    ['a public client', {}, () => ({ clientAuthentication: 'none' }), 'public'],
    [
      'userinfo',
      { patient: { in: 'userinfo', member: 'patient' } },
      ({ url }) => ({ patientFrom: 'userinfo', userinfoEndpoint: `${url}/oauth2/userinfo`, scopes: withScopes }),
      secret,
    ],
    [
      'an id_token',
      { patient: { in: 'id_token', member: 'fhirUser' } },
      ({ url }) => ({ patientFrom: 'id_token', jwksUri: `${url}/oauth2/jwks`, scopes: withScopes }),
      secret,
    ],
  ])(
    '%s publishes that, and the doctor has nothing to say against its profile',
    async (_, insists, profile, client) => {
      const { registry } = await connect(insists, profile, { client });

      expect((await doctorOf(registry.payers[0]!)).filter(({ todo }) => todo !== undefined)).toEqual([]);
    },
  );

  it('discovery above its FHIR base, for the doctor', async () => {
    const doctor = async (profile: (payer: RunningPayer) => Profile): Promise<string[]> => {
      const { registry } = await connect({ smartConfigurationPath: '/.well-known/smart-configuration' }, profile);
      const findings = await doctorOf(registry.payers[0]!);
      return findings.filter(({ check }) => check === 'discovery').map(({ text }) => text);
    };

    const found = await doctor(({ url }) => ({ smartConfigurationUrl: `${url}/.well-known/smart-configuration` }));

    expect(found.join()).toContain('smart-configuration');
    expect((await doctor(() => ({}))).join()).not.toContain('smart-configuration');
  });

  it.each<[keyof NonNullable<Insists['parameters']>, NonNullable<Profile['quirks']>]>([
    ['authorize', { extraAuthorizeParameters: { audience: 'https://plan.example' } }],
    ['authorization_code', { extraTokenParameters: { audience: 'https://plan.example' } }],
  ])('a parameter of its own at %s', async (at, quirks) => {
    const insists: Insists = { parameters: { [at]: { audience: 'https://plan.example' } } };

    expect(await patientIn(insists, () => ({ quirks }))).toEqual(known);
    expect(await outcomeOf(insists)).not.toBe('ok');
  });

  it('a parameter of its own at each refresh', async () => {
    const audience = 'https://plan.example';
    const statusAfterRefresh = async (profile?: () => Profile): Promise<number> => {
      const { tokens, read: readAt, time } = await connect({ parameters: { refresh_token: { audience } } }, profile);
      const { access_token: access } = await tokens();
      // The payer's access token ends after five minutes.
      time.aheadMs = 301_000;
      return (await readAt(access, 'Patient')).statusCode;
    };

    expect(await statusAfterRefresh(() => ({ quirks: { extraRefreshParameters: { audience } } }))).toBe(200);
    expect(await statusAfterRefresh()).toBe(502);
  });

  it('page links of its own, longer than the gateway seals', async () => {
    const pageAfter = async (profile?: () => Profile): Promise<number> => {
      const { tokens, read: readAt } = await connect({}, profile);
      const { access_token: access } = await tokens();
      const code = Array.from({ length: 700 }, (_, index) => `no-code-${index}`).join(',');
      const first = await readAt(access, 'Observation', `code:not=${code}&_count=1`);
      const { link = [] } = first.json() as { link?: { relation: string; url: string }[] };
      const next = new URL(link.find(({ relation }) => relation === 'next')?.url ?? 'https://none.invalid');
      expect(next.href.length).toBeGreaterThan(5000);
      return (await readAt(access, 'Observation', next.search.slice(1))).statusCode;
    };

    expect(await pageAfter(() => ({ pagingParameters: ['_page'] }))).toBe(200);
    expect(await pageAfter()).toBe(400);
  });

  it('plans under the rule: a member of another plan is refused after the sign-in', async () => {
    const { tokens } = await connect({});
    const { patient = '' } = await tokens();
    const { login, registry } = await connect({ refusesPatients: [patient] }, () => ({
      linesOfBusiness: ['Medicare Advantage'],
    }));

    expect(await login()).toMatchObject({ error: 'access_denied' });
    // What the consent page says before the sign-in: test/functions/authorize/consent.test.ts.
    expect(registry.payers[0]?.linesOfBusiness).toEqual(['Medicare Advantage']);
  });
});
