/**
 * Each quirk of a payer's profile, end to end: a sandbox payer insists on it, and the gateway's functions reach that
 * payer over HTTP. Without its field in the profile, the walk fails.
 */
import { discover } from '../../bin/payers/discover.ts';
import { examine } from '../../bin/payers/examine.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { registryData } from '../../config/checks/load.ts';
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
type Fields = Partial<Omit<Inputs, 'quirks'>> & { readonly quirks?: Inputs['quirks'] };
/** What the gateway knows of the payer beside its endpoints. */
type Profile = Fields | ((payer: RunningPayer) => Fields);
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

const smartAt = ({ url }: RunningPayer, changes: Partial<Inputs>): Payer =>
  smart({
    id: 'northwind',
    displayName: 'Insisting Health',
    fhirBaseUrl: `${url}/r4`,
    issuer: url,
    authorizationEndpoint: `${url}/oauth2/authorize`,
    tokenEndpoint: `${url}/oauth2/token`,
    clientId: 'gateway-here',
    clientAuthentication: 'client_secret_post',
    ...changes,
  });

/** A payer that insists, and the gateway with this profile of it. */
const connect = async (
  insists: Insists,
  profile: Profile = {},
  { client = secret, brands = () => [] }: Walked = {},
) => {
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
  const fields = typeof profile === 'function' ? profile(payer) : profile;
  const payers = [smartAt(payer, { revocationEndpoint: `${payer.url}/oauth2/revoke`, ...fields }), ...brands(payer)];
  const partner = {
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
  };
  const stage = { stage: 'local', production: false, removalPolicy: 'destroy', waf: 'none', origin };
  const registry = registryData(checkStage({ ...stage, payers, partners: [partner] }, 'the walk'));
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

/** The same after a login, with its tokens. */
const signedIn = async (insists: Insists, profile?: Profile) => {
  const gateway = await connect(insists, profile);
  const { access_token: access, refresh_token: refreshToken, patient = '' } = await gateway.tokens();
  const readAt = (path: string, query?: string) => gateway.read(access, path, query);
  const statusAt = async (path: string, query?: string): Promise<number> => (await readAt(path, query)).statusCode;
  return { ...gateway, patient, readAt, statusAt, refreshed: () => gateway.refresh(refreshToken) };
};
/** The query of a page's link to the next one. */
const nextOf = ({ json }: Awaited<ReturnType<typeof read>>): string => {
  const { link = [] } = json() as { link?: { relation: string; url: string }[] };
  return new URL(link.find(({ relation }) => relation === 'next')?.url ?? 'https://none.invalid').search.slice(1);
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

interface Connected {
  readonly registry: { readonly payers: readonly Payer[] };
}

/** What the doctor finds about the payer. */
const doctorOf = async ({ registry }: Connected) => {
  const lookup = async () => ['127.0.0.1'];
  const noTls = async () => ({ tls: undefined });
  const deps = { http: createPayerHttp(), now: Date.now, lookup, connect: noTls };
  return examine(deps, 'local', registry.payers[0]!);
};
const todosOf = async (connected: Connected): Promise<string[]> =>
  (await doctorOf(connected)).flatMap(({ check, todo }) => (todo === undefined ? [] : [`${check}: ${todo}`]));

const known = expect.stringMatching(/^[A-Za-z0-9-]+$/);
const scopes = ['openid', 'launch/patient', 'patient/*.rs', 'offline_access'];
const fromUserinfo: Profile = ({ url }) => ({
  patientFrom: 'userinfo',
  userinfoEndpoint: `${url}/oauth2/userinfo`,
  scopes,
});
const fromIdToken =
  (patientMember?: string): Profile =>
  ({ url }) => ({
    patientFrom: 'id_token',
    ...(patientMember === undefined ? {} : { patientMember }),
    jwksUri: `${url}/oauth2/jwks`,
    scopes,
  });
const audience = 'https://plan.example';

describe('a sandbox payer that insists on', () => {
  it.each<[what: string, insists: Insists, profile: Profile, without: Profile, outcome: RegExp]>([
    [
      'an aud other than its FHIR base',
      { aud: audience },
      { quirks: { aud: audience } },
      {},
      /aud must be https:\/\/plan/,
    ],
    ['no aud at all', { aud: 'none' }, { quirks: { aud: false } }, {}, /aud must be none/],
    [
      'userinfo for the patient',
      { patient: { in: 'userinfo', member: 'patient' } },
      fromUserinfo,
      {},
      /^server_error$/,
    ],
    ...['fhirUser', 'sub', 'patient_id'].map((member): [string, Insists, Profile, Profile, RegExp] => [
      `the ${member} of its id_token for the patient`,
      { patient: { in: 'id_token', member } },
      fromIdToken(member),
      { scopes },
      /^server_error$/,
    ]),
    [
      'another member of its token answer for the patient',
      { patient: { in: 'token', member: 'patient_id' } },
      { patientMember: 'patient_id' },
      {},
      /^server_error$/,
    ],
    [
      'a scope in words of its own',
      { grantedScope: 'launch/patient records offline_access' },
      { grantedScope: 'asRequested' },
      {},
      /^access_denied$/,
    ],
    [
      'a parameter of its own at authorize',
      { parameters: { authorize: { audience } } },
      { quirks: { extraAuthorizeParameters: { audience } } },
      {},
      /^(?!ok$)/,
    ],
    [
      'a parameter of its own at authorization_code',
      { parameters: { authorization_code: { audience } } },
      { quirks: { extraTokenParameters: { audience } } },
      {},
      /^(?!ok$)/,
    ],
    [
      'JSON at its token endpoint',
      { tokenRequest: 'json' },
      { quirks: { tokenRequest: 'json' } },
      {},
      /^server_error$/,
    ],
  ])('%s', async (_what, insists, profile, without, outcome) => {
    expect(await patientIn(insists, profile)).toEqual(known);
    expect(await outcomeOf(insists, without)).toMatch(outcome);
  });

  it('a public client', async () => {
    expect(await patientIn({}, { clientAuthentication: 'none' }, { client: 'public' })).toEqual(known);
    expect(await outcomeOf({}, {}, { client: 'public' })).not.toBe('ok');
  });

  it.each(['urn', 'url'] as const)('the patient as a %s in its token answers, which are forms', async (as) => {
    // Without a field: such an answer can mean one thing only.
    const insists: Insists = { tokenAnswer: 'form', patient: { in: 'token', member: 'patient', as } };
    const { patient, statusAt, refreshed, time } = await signedIn(insists);
    time.aheadMs = 301_000;

    expect(patient).toMatch(/^[\da-f-]{36}$/);
    expect(await statusAt(`Patient/${patient}`)).toBe(200);
    expect((await refreshed())['patient']).toBe(patient);
  });

  it('a scope in its own spelling', async () => {
    expect(await patientIn({ grantedScope: 'Patient/*.read,launch/patient,offline_access' })).toEqual(known);
  });

  it('JSON at its token endpoint, as the doctor finds', async () => {
    const insists: Insists = { tokenRequest: 'json' };

    expect(await todosOf(await connect(insists))).toEqual(["token: write quirks.tokenRequest: 'json'"]);
    expect(await todosOf(await connect(insists, { quirks: { tokenRequest: 'json' } }))).toEqual([]);
  });

  it('its own operation for an insurance card', async () => {
    const answers = async (profile?: Profile): Promise<unknown[]> => {
      const { patient, readAt, statusAt } = await signedIn({}, profile);
      const card = await readAt(`Patient/${patient}/$generate-insurance-card`);
      const { resourceType } = card.json() as { resourceType: string };
      return [card.statusCode, resourceType, await statusAt('Patient/other/$generate-insurance-card')];
    };
    const operations = { 'generate-insurance-card': ['Coverage'] };

    expect(await answers({ operations })).toEqual([200, 'Bundle', 403]);
    expect(await answers()).toEqual([405, 'OperationOutcome', 405]);
  });

  it('POST for each search', async () => {
    const configured = await signedIn({ searchMethod: 'POST' }, { quirks: { searchMethod: 'POST' } });
    const first = await configured.readAt('Observation', '_count=1');
    const others = [
      await configured.statusAt('', nextOf(first)),
      await configured.statusAt(`Patient/${configured.patient}`),
    ];
    const plain = await signedIn({ searchMethod: 'POST' });

    expect([first.statusCode, ...others]).toEqual([200, 200, 200]);
    expect(await plain.statusAt('Observation', '_count=1')).toBe(405);
  });

  it('204 where a search finds nothing, and 403 where it is asked too often', async () => {
    const { readAt, time } = await signedIn({ emptySearchStatus: 204, requestsPerSecond: 1, throttlesWith: 403 });
    time.stoppedAtMs = Date.now() + 1000;

    const [empty, tooOften] = [await readAt('Observation', 'code=none'), await readAt('Patient')];

    expect([empty.statusCode, empty.json()]).toMatchObject([200, { resourceType: 'Bundle', total: 0 }]);
    expect([tooOften.statusCode, tooOften.headers['Retry-After']]).toEqual([429, '1']);
  });

  it('a secret header with each request, which no log line shows', async () => {
    const name = 'Ocp-Apim-Subscription-Key';
    const insists: Insists = { header: [name, canary] };
    const configured = await signedIn(insists, { quirks: { secretHeaders: [name] } });
    configured.time.aheadMs = 301_000;

    expect(await configured.statusAt('Patient')).toBe(200);
    expect(await configured.refreshed()).toMatchObject({ token_type: 'Bearer' });
    expect(configured.lines.join()).not.toContain(canary);
    const plain = await connect(insists);
    expect(await plain.login()).toMatchObject({ error: 'temporarily_unavailable' });
    expect(plain.lines.join()).toContain('codeRefused');
    const todo =
      'ask the payer for the header and the key; write its name into quirks.secretHeaders, and the key into the secret';
    expect(await todosOf(plain)).toEqual([`token: ${todo}`, `FHIR: ${todo}`]);
    expect(await todosOf(configured)).toEqual([]);
    expect((await discover(createPayerHttp(), `${plain.payer.url}/r4`)).keyHeader).toBe(name);
  });

  it('another media type', async () => {
    const fhirMediaType = 'application/json+fhir';
    const configured = await signedIn({ fhirMediaType }, { quirks: { fhirMediaType } });
    const plain = await signedIn({ fhirMediaType });

    const { statusCode, headers } = await configured.readAt('Patient');

    expect([statusCode, headers['Content-Type']]).toEqual([200, 'application/fhir+json; charset=utf-8']);
    expect(await plain.statusAt('Patient')).toBe(406);
  });

  it('searches of single types, each with its parameter and at its pace, in place of $everything', async () => {
    const searches = ['Patient', 'Observation?category=laboratory', 'Immunization'];
    const { statusAt, patient, time, registry, payer } = await signedIn(
      { withoutEverything: true, searchParameters: { Observation: 'category' }, requestsPerSecond: 2 },
      { everything: false, wholeRecord: { searches, pageSize: 10, requestsPerSecond: 2 } },
    );
    const { wholeRecord } = registry.payers[0]!;
    const statuses: number[] = [];
    for (const text of wholeRecord?.searches ?? []) {
      const { type, parameters } = parseRecordSearch(text);
      const whose = [type === 'Patient' ? '_id' : 'patient', patient];
      const query = new URLSearchParams([
        ...parameters.map(([name, value]) => [name, value]),
        whose,
        ['_count', String(wholeRecord?.pageSize)],
      ]);
      statuses.push(await statusAt(type, query.toString()));
      time.aheadMs += 1000 / (wholeRecord?.requestsPerSecond ?? 1);
    }

    expect(statuses).toEqual([200, 200, 200]);
    time.aheadMs += 1000;
    expect(await statusAt('Observation', `patient=${patient}`)).toBe(400);
    expect(await statusAt(`Patient/${patient}/$everything`)).toBe(405);
    expect(payer.lines.filter(({ path }) => path.endsWith('$everything'))).toEqual([]);
    time.stoppedAtMs = Date.now() + time.aheadMs + 1000;
    const unpaced = [await statusAt('Patient'), await statusAt('Patient'), await statusAt('Patient')];
    expect(unpaced).toEqual([200, 200, 429]);
  });

  it('two bases behind one sign-in', async () => {
    const types = ['Observation', 'DocumentReference', 'Binary'];
    const walk = async (profile?: Profile) => {
      const gateway = await signedIn({ basesOfTypes: { '/esi/r4': types } }, profile);
      const { patient, readAt, statusAt } = gateway;
      const documents = await readAt('DocumentReference');
      const first = await readAt('Observation', '_count=1');
      const statuses: unknown[] = [documents.statusCode, first.statusCode, await statusAt('', nextOf(first))];
      for (const path of [`Patient/${patient}`, 'Coverage', `Patient/${patient}/Observation`]) {
        statuses.push(await statusAt(path));
      }
      const [binary = ''] = /[^"]*\/Binary\/[^"]*/.exec(documents.body.toString()) ?? [];
      const facade = `${origin}/r4/northwind/`;
      statuses.push(binary.startsWith(facade) && (await statusAt(binary.slice(facade.length))));
      return { ...gateway, statuses };
    };

    const made = await walk(({ url }) => ({
      everything: false,
      furtherBases: [{ fhirBaseUrl: `${url}/esi/r4`, types }],
    }));
    expect([made.statuses, await todosOf(made)]).toEqual([[200, 200, 200, 200, 200, 200, 200], []]);
    const checked = (await doctorOf(made)).map(({ text }) => text);
    expect(checked).toContain(`${made.payer.url}/esi/r4/metadata is a CapabilityStatement of FHIR 4.0.1`);
    expect((await walk()).statuses).toEqual([404, 404, 404, 200, 200, 404, false]);
  });

  it('one query in place of $everything', async () => {
    const wholeRecord = { substitute: 'Patient?_revinclude=Immunization:patient' };
    const { readAt, patient, registry } = await signedIn(
      { withoutEverything: true },
      { everything: false, wholeRecord },
    );
    const { type, parameters } = parseRecordSearch(registry.payers[0]?.wholeRecord?.substitute ?? '');
    const query = new URLSearchParams([...parameters.map(([name, value]) => [name, value]), ['_id', patient]]);

    const answer = await readAt(type, query.toString());

    const { entry = [] } = answer.json() as { entry?: { resource: { resourceType: string } }[] };
    expect(new Set(entry.map(({ resource }) => resource.resourceType))).toEqual(new Set(['Patient', 'Immunization']));
  });

  it('a second until its first byte', async () => {
    const within = (timeToFirstByte: number) => signedIn({ firstByteMs: 1100 }, { quirks: { timeToFirstByte } });
    const gateways = await Promise.all([within(10), within(1)]);

    expect(await Promise.all(gateways.map(({ statusAt }) => statusAt('Patient')))).toEqual([200, 504]);
  });

  it('a new consent after 90 days', async () => {
    const consentSeconds = 90 * 86_400;
    const configured = await signedIn({ consentSeconds }, { consentLifetime: consentSeconds });
    const plain = await signedIn({ consentSeconds });

    configured.time.aheadMs = plain.time.aheadMs = (consentSeconds + 1) * 1000;

    expect(await configured.refreshed()).toMatchObject({ error: 'invalid_grant' });
    const useless = (await plain.refreshed())['access_token'];
    expect((await plain.read(useless, 'Patient')).statusCode).toBe(401);
  });

  it('one client with one secret for its brands', async () => {
    const west = (payer: RunningPayer, more: Partial<Inputs>): Payer =>
      smartAt(payer, { id: 'west', displayName: 'West', fhirBaseUrl: `${payer.url}/west/r4`, ...more });
    const withWest = (more: Partial<Inputs>) =>
      connect({ furtherBases: ['/west/r4'] }, {}, { brands: (payer) => [west(payer, more)] });
    const [brands, apart] = [await withWest({ secretOf: 'northwind' }), await withWest({})];

    const { access_token: access } = await brands.tokens('west');
    const { json } = await brands.read(access, 'Patient', '', 'west');

    expect(json()).toMatchObject({ entry: [{ fullUrl: expect.stringMatching(`^${origin}/r4/west/Patient/`) }] });
    expect(await apart.login('west')).toMatchObject({ error: 'server_error' });
  });

  it.each<[string, Insists, Profile, Client]>([
    ['a public client', {}, { clientAuthentication: 'none' }, 'public'],
    ['userinfo', { patient: { in: 'userinfo', member: 'patient' } }, fromUserinfo, secret],
    ['an id_token', { patient: { in: 'id_token', member: 'fhirUser' } }, fromIdToken(), secret],
  ])(
    '%s publishes that, and the doctor has nothing to say against its profile',
    async (_, insists, profile, client) => {
      expect(await todosOf(await connect(insists, profile, { client }))).toEqual([]);
    },
  );

  it('discovery above its FHIR base, for the doctor', async () => {
    const place = '/.well-known/smart-configuration';
    const doctor = async (profile: Profile): Promise<string> => {
      const findings = await doctorOf(await connect({ smartConfigurationPath: place }, profile));
      return findings.flatMap(({ check, text }) => (check === 'discovery' ? text : [])).join();
    };

    expect(await doctor(({ url }) => ({ smartConfigurationUrl: url + place }))).toContain('smart-configuration');
    expect(await doctor({})).not.toContain('smart-configuration');
  });

  it('a parameter of its own at each refresh', async () => {
    const statusAfterRefresh = async (profile: Profile): Promise<number> => {
      const { statusAt, time } = await signedIn({ parameters: { refresh_token: { audience } } }, profile);
      // The payer's access token ends after five minutes.
      time.aheadMs = 301_000;
      return statusAt('Patient');
    };

    expect(await statusAfterRefresh({ quirks: { extraRefreshParameters: { audience } } })).toBe(200);
    // `invalid_request` can mean that the payer has deleted the token, so the member is asked to connect again.
    expect(await statusAfterRefresh({})).toBe(403);
  });

  it('page links of its own, longer than the gateway seals', async () => {
    const pageAfter = async (profile: Profile): Promise<number> => {
      const { readAt, statusAt } = await signedIn({}, profile);
      const code = Array.from({ length: 700 }, (_, index) => `no-code-${index}`).join(',');
      const next = nextOf(await readAt('Observation', `code:not=${code}&_count=1`));
      expect(next.length).toBeGreaterThan(5000);
      return statusAt('Observation', next);
    };

    expect(await pageAfter({ pagingParameters: ['_page'] })).toBe(200);
    expect(await pageAfter({})).toBe(400);
  });

  it('plans under the rule: a member of another plan is refused after the sign-in', async () => {
    const { patient } = await signedIn({});
    const linesOfBusiness = ['Medicare Advantage'];
    const { login, registry } = await connect({ refusesPatients: [patient] }, { linesOfBusiness });

    expect(await login()).toMatchObject({ error: 'access_denied' });
    // What the consent page says before the sign-in: test/functions/authorize/consent.test.ts.
    expect(registry.payers[0]?.linesOfBusiness).toEqual(linesOfBusiness);
  });
});
