/** A sandbox payer that changes what it publishes, over HTTP, and the days after. */
import type { Context } from 'aws-lambda';
import { listDrift, proposeChange } from '../../../bin/payers/drift.ts';
import { checkStage } from '../../../config/checks/check-stage.ts';
import { registryData } from '../../../config/checks/load.ts';
import { localStage } from '../../../config/local.ts';
import { smart } from '../../../config/presets.ts';
import { canaryHandler } from '../../../functions/canary/handler.ts';
import { isTurn } from '../../../functions/canary/watch-drift.ts';
import type { JsonObject } from '../../../functions/shared/json/json-object.ts';
import type { Connection } from '../../../functions/shared/payer/connect.ts';
import { createPayerHttp } from '../../../functions/shared/payer/http-client.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { runPayer, type RunningPayer } from '../../sandbox/payer-fixture.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { startMs, testDeps } from '../../support/gateway.ts';
import { es384Jwk } from '../../support/login.ts';

const key = es384Jwk('drift-1');
const asked: NonNullable<Payer['exchange']> = {
  clientId: 'gateway-as-new-plan',
  assertionAlgorithm: 'ES384',
  publicKeys: [es384Jwk('exchange-1').publicJwk],
  scopes: ['system/Group.rs'],
  identifiers: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9876543213' }],
};
const dayMs = 86_400_000;
const local = localStage();
const partners = local.partners.map((partner) => ({ ...partner, payers: ['drifting'] }));
const paths = {
  smart: '/r4/.well-known/smart-configuration',
  server: '/.well-known/oauth-authorization-server',
  metadata: '/r4/metadata',
  keys: '/oauth2/jwks',
  further: '/more/r4/metadata',
};

/** What the payer publishes in place of its own, by path; a test changes it while the payer runs. */
const publishes: Record<string, object> = {};
let payer: RunningPayer;
let profile: Payer;
/** The payer's own documents, by path. */
let own: Record<string, JsonObject>;
let validUntilMs = startMs + 400 * dayMs;
const connect = async (): Promise<Connection> => ({ tls: { protocol: 'TLSv1.3', verdict: undefined, validUntilMs } });

beforeAll(async () => {
  payer = await runPayer({
    preset: 'smart',
    displayName: 'Drifting Health',
    clientId: 'gateway-here',
    client: { jwks: [key.publicJwk] },
    exchange: { clientId: asked.clientId, clientKeys: asked.publicKeys },
    insists: {
      patient: { in: 'id_token', member: 'patient' },
      publishes,
      basesOfTypes: { '/more/r4': ['Goal', 'Device'] },
    },
  });
  const { url } = payer;
  const names = Object.values(paths);
  const documents = await Promise.all(names.map(async (path) => (await fetch(url + path)).json()));
  own = Object.fromEntries(names.map((path, at) => [path, documents[at] as JsonObject]));
  [profile] = checkStage(
    {
      ...local,
      payers: [
        smart({
          id: 'drifting',
          displayName: 'Drifting Health',
          fhirBaseUrl: `${url}/r4`,
          issuer: url,
          authorizationEndpoint: `${url}/oauth2/authorize`,
          tokenEndpoint: `${url}/oauth2/token`,
          revocationEndpoint: `${url}/oauth2/revoke`,
          jwksUri: `${url}${paths.keys}`,
          patientFrom: 'id_token',
          clientId: 'gateway-here',
          publicKeys: [key.publicJwk],
          scopes: ['openid', 'launch/patient', 'patient/*.rs', 'offline_access'],
          searchParameters: { Claim: ['status'] },
          wholeRecord: { searches: ['Coverage', 'Observation?category=laboratory'], pageSize: 100 },
        }),
      ],
      partners,
    },
    'x',
  ).payers as [Payer];
});
afterEach(() => {
  for (const path of Object.keys(publishes)) delete publishes[path];
  validUntilMs = startMs + 400 * dayMs;
});
afterAll(() => payer.close());

/** The canary, once a day at the payer's turn: the lines about drift. */
const days = (change: Partial<Payer> = {}) => {
  const registry = registryOf(registryData({ ...local, payers: [{ ...profile, ...change }], partners }));
  const test = testDeps();
  let day = 0;
  const turn = Array.from({ length: 288 }, (_, at) => startMs + at * 300_000).find((at) =>
    isTurn({ id: 'drifting' }, at),
  )!;
  const http = createPayerHttp();
  const deps = { ...test.deps, registry, limits: { client: test.dynamo.client, name: 'Limits' }, http, connect };
  const context = { awsRequestId: 'c', getRemainingTimeInMillis: () => 60_000 } as Context;
  const next = async (atMs = turn + dayMs * day): Promise<string[]> => {
    day += 1;
    const before = test.lines.length;
    await canaryHandler(deps)({ time: new Date(atMs).toISOString() }, context);
    return test.lines.slice(before).filter((line) => /"detail":"(?:drift|not compared)/.test(line));
  };
  return { next, turn, items: () => test.dynamo.items('Limits') };
};
const driftIn = (lines: readonly string[]): string[] =>
  lines.map((line) => String((JSON.parse(line) as JsonObject)['detail']).replace(/^drift: /, ''));

const changed = (path: string, change: object) => (): void => {
  publishes[path] = { ...own[path], ...change };
};
/** The payer's CapabilityStatement with other resources. */
const restated = (change: (resource: JsonObject) => JsonObject | undefined) => (): void => {
  const [rest] = own[paths.metadata]!['rest'] as [{ resource: JsonObject[] }];
  const resource = rest.resource.flatMap((one) => change(one) ?? []);
  publishes[paths.metadata] = { ...own[paths.metadata], rest: [{ ...rest, resource }] };
};
const of =
  (type: string, change: object | undefined) =>
  (resource: JsonObject): JsonObject | undefined => {
    if (resource['type'] !== type) return resource;
    return change === undefined ? undefined : { ...resource, ...change };
  };

const moved = 'https://moved.example.org/x';
const facts: readonly (readonly [fact: string, change: () => void, line: string | RegExp])[] = [
  [
    'its token endpoint',
    changed(paths.smart, { token_endpoint: moved }),
    /^tokenEndpoint: .*\/token → https:\/\/moved/,
  ],
  ['its sign-in page', changed(paths.smart, { authorization_endpoint: moved }), /^authorizationEndpoint: .* → .*moved/],
  ['its revocation', changed(paths.server, { revocation_endpoint: moved }), /^revocationEndpoint: .* → .*moved/],
  ['its issuer', changed(paths.server, { issuer: moved }), /^issuer: http:.* → https:\/\/moved/],
  ['the URL of its keys', changed(paths.smart, { jwks_uri: moved }), /^jwksUri: .*jwks → https:\/\/moved/],
  ['its keys to none that sign', changed(paths.keys, { keys: [] }), 'jwksUri: keys that sign → none'],
  [
    'what keys it takes',
    changed(paths.smart, { token_endpoint_auth_signing_alg_values_supported: ['RS384'] }),
    'publicKeys: ES384 → RS384',
  ],
  [
    'how clients authenticate',
    changed(paths.smart, { token_endpoint_auth_methods_supported: ['client_secret_basic'] }),
    'clientAuthentication: private_key_jwt → client_secret_basic',
  ],
  ['PKCE', changed(paths.smart, { code_challenge_methods_supported: ['plain'] }), 'quirks.pkce: true → plain'],
  [
    'its scopes',
    changed(paths.smart, { scopes_supported: ['patient/Patient.rs'] }),
    'scopes: patient/*.rs → patient/Patient.rs',
  ],
  [
    'refresh tokens',
    changed(paths.smart, { grant_types_supported: ['authorization_code'] }),
    'refresh tokens: used → authorization_code',
  ],
  ['its FHIR release', changed(paths.metadata, { fhirVersion: '5.0.0' }), 'fhirBaseUrl: FHIR 4.0 → FHIR 5.0.0'],
  ['$everything', restated(of('Patient', { operation: [] })), 'everything: Patient/$everything → not in metadata'],
  ['a type', restated(of('Coverage', undefined)), 'wholeRecord.searches: Coverage → not in metadata'],
  [
    'a search parameter',
    restated(of('Claim', { searchParam: [{ name: 'patient' }] })),
    'searchParameters: Claim?status → not in metadata',
  ],
  [
    'the limit of _count',
    restated(
      of('Claim', { searchParam: [{ name: 'status' }, { name: '_count', documentation: 'default 10, at most 50' }] }),
    ),
    'wholeRecord.pageSize: 100 → 50',
  ],
  [
    'the limit of _count, among more numbers than a call has room for',
    restated(of('Claim', { searchParam: [{ name: 'status' }, { name: '_count', documentation: '50 '.repeat(2e5) }] })),
    'wholeRecord.pageSize: 100 → 50',
  ],
  [
    'nothing, and lets its certificate run out',
    () => {
      validUntilMs = Date.parse('2026-06-30T00:00:00Z');
    },
    /^certificate of 127\.0\.0\.1:\d+: 30 more days → ends 2026-06-30$/,
  ],
];

describe('a sandbox payer', () => {
  it('that changes nothing is met with silence, and leaves no item', async () => {
    const { next, items } = days();

    expect([await next(), await next()]).toEqual([[], []]);
    expect(items().size).toBe(0);
  });

  it.each(facts)('that changes %s is noticed once', async (_, change, line) => {
    const { next } = days();
    expect(await next()).toEqual([]);

    change();
    const noticed = await next();

    expect(driftIn(noticed)).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
    expect(metric(noticed[0]!, 'payerDrift')).toEqual({ '': 1 });
    expect(await next()).toEqual([]);
  });

  it('that changes something back, and then again, is noticed again', async () => {
    const { next } = days();
    const seen: number[] = [];
    for (const change of [{ token_endpoint: moved }, {}, { token_endpoint: moved }]) {
      changed(paths.smart, change)();
      seen.push((await next()).length);
    }
    expect(seen).toEqual([1, 0, 1]);
  });

  it('with a second base is compared at both', async () => {
    const furtherBases = [{ fhirBaseUrl: `${payer.url}/more/r4`, types: ['Goal', 'Device'] }];
    const { next } = days({ everything: false, furtherBases });
    expect(await next()).toEqual([]);

    const [rest] = own[paths.further]!['rest'] as [{ resource: JsonObject[] }];
    const resource = rest.resource.filter(({ type }) => type !== 'Goal');
    changed(paths.further, { fhirVersion: '5.0.0', rest: [{ ...rest, resource }] })();
    restated(of('Coverage', undefined))();

    expect(driftIn(await next())).toEqual([
      'wholeRecord.searches: Coverage → not in metadata',
      `furtherBases of ${payer.url}/more/r4: FHIR 4.0 → FHIR 5.0.0`,
      'furtherBases: Goal → not in metadata',
    ]);
  });

  it('that is asked as a former plan is compared as one too, and by what it is asked for only', async () => {
    const { next } = days({ exchange: asked });
    expect(await next()).toEqual([]);

    changed(paths.smart, {
      grant_types_supported: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_signing_alg_values_supported: ['ES512', 'ES384', 'RS384'],
      scopes_supported: [...(own[paths.smart]!['scopes_supported'] as string[]), 'system/Patient.rs'].filter(
        (scope) => scope !== 'system/Group.rs',
      ),
    })();
    restated(of('Group', { operation: [{ name: 'bulk-member-match' }] }))();

    expect(driftIn(await next())).toEqual([
      'exchange: client_credentials → authorization_code, refresh_token',
      expect.stringMatching(/^exchange\.scopes: system\/Group\.rs → /),
      'exchange.exportPath: $davinci-data-export → not in metadata',
    ]);
    expect(await days().next()).toEqual([]);
  });

  it('that cannot be read for a day is not reported anew when it answers again', async () => {
    const { next } = days();
    changed(paths.smart, { token_endpoint: moved })();
    expect(await next()).toHaveLength(1);

    await payer.close();
    const silent = await next();
    await payer.reopen();

    expect([silent, await next()]).toEqual([[], []]);
  });

  it('that cannot be read for three days running is reported once, and again only after it has answered', async () => {
    const { next } = days();
    const reported: string[][] = [];
    const look = async (times: number) => {
      for (let day = 0; day < times; day += 1) reported.push(driftIn(await next()));
    };
    const told = [expect.stringMatching(/^not compared for 3 days: .*smart-configuration was not read \(/)];

    await payer.close();
    await look(2);
    await payer.reopen();
    await look(1);
    await payer.close();
    await look(5);
    await payer.reopen();
    await look(1);

    expect(reported).toEqual([[], [], [], [], [], told, [], [], []]);
  });

  it('is compared once a day, at a time of its own', async () => {
    const { next, turn } = days();
    changed(paths.smart, { token_endpoint: moved })();
    const due = Array.from({ length: 288 }, (_, at) => isTurn({ id: 'drifting' }, startMs + at * 300_000));

    expect(due.filter(Boolean)).toHaveLength(1);
    expect(await next(turn + 300_000)).toEqual([]);
    expect(await next(turn)).toHaveLength(1);
  });
});

describe('payers -- drift', () => {
  const tool = () => {
    const [out, told]: [string[], string[]] = [[], []];
    const output = { out: (text: string) => void out.push(text), note: (text: string) => void told.push(text) };
    return { out, told, output: { ...output, secret: () => undefined } };
  };
  const deps = { http: createPayerHttp(), connect, now: () => startMs };
  const list = async () => {
    const { out, told, output } = tool();
    const progress = { show: () => undefined, clear: () => undefined };
    const payers = [{ id: 'drifting', payer: profile }];
    return { code: await listDrift(deps, output, { payers, json: false, progress }), out, told };
  };

  it('prints a line for each difference, and exits with 1 if there is one', async () => {
    expect(await list()).toEqual({ code: 0, out: [], told: ['0 of 1 payers differ from their profiles'] });

    for (const [, change] of [facts[0]!, facts[15]!]) change();
    const { code, out } = await list();

    expect(code).toBe(1);
    expect(out.toSorted()).toEqual([
      `drifting  tokenEndpoint: ${profile.tokenEndpoint} → ${moved}`,
      'drifting  wholeRecord.pageSize: 100 → 50',
    ]);
  });

  it('exits with 1 if a payer cannot be read, since nobody knows then', async () => {
    await payer.close();
    const { code, out, told } = await list();
    await payer.reopen();

    expect([code, out]).toEqual([1, []]);
    expect(told.at(-1)).toBe('0 of 1 payers differ from their profiles, and of 1 not everything could be read');
  });

  it('--propose prints the lines of the entry that change, and says that there are none', async () => {
    const same = tool();
    expect(await proposeChange(deps, same.output, profile)).toBe(0);
    expect([same.out, same.told]).toEqual([[], [expect.stringContaining('nothing to write')]]);
    for (const [, change] of [facts[0]!, facts[12]!]) change();
    const { out, output } = tool();

    expect(await proposeChange(deps, output, profile)).toBe(1);
    expect(out.join('\n').split('\n').toSorted()).toEqual([
      `+ everything: false,`,
      `+ tokenEndpoint: '${moved}',`,
      `- everything: true,`,
      `- tokenEndpoint: '${profile.tokenEndpoint}',`,
    ]);
  });
});
