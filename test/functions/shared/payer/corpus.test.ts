/**
 * Payers' answers in odd shapes that mean one thing, and in shapes that mean nothing, generated from the lists here: each is
 * understood or ends in a named error, at login, at a refresh, at a read and in an export alike.
 */
import type { JobDeps } from '../../../../functions/export-job/job/deps.ts';
import { askPayer, type Answer } from '../../../../functions/export-job/leg/ask-payer.ts';
import type { PayerResponse } from '../../../../functions/shared/payer/http.ts';
import { ensureFreshPayerTokens } from '../../../../functions/shared/payer/refresh-tokens.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { readsSomething } from '../../../../functions/shared/scopes/limit-scopes.ts';
import { fetchGateway, issueOf, read } from '../../../support/fetch-gateway.ts';
import { bodyOf, gateway, northwindTokens, sentBack, withPayer } from '../../../support/login.ts';
import { everyUnreadable } from '../../../support/payer/unreadable-scopes.ts';
import { agedGrant, fresh, northwind, opened } from './aged-grant.ts';

type Members = Readonly<Record<string, unknown>>;

/** How a token answer is written. A form has texts only. */
const encodings: Readonly<Record<string, (members: Members) => Response>> = {
  JSON: (members) => Response.json(members),
  'JSON as text': (members) => new Response(JSON.stringify(members), { headers: { 'Content-Type': 'text/html' } }),
  'JSON with a byte order mark': (members) => new Response(`\uFEFF${JSON.stringify(members)}`),
  'a form': (members) => new Response(new URLSearchParams(members as Record<string, string>).toString()),
  'a form with a line break': (members) =>
    new Response(`${new URLSearchParams(members as Record<string, string>).toString()}\n`, {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
};

/** Spellings of a scope that reads everything of one patient (SMART App Launch 2.2). */
const scopes = [
  'patient/*.rs',
  'patient/*.read',
  'Patient/*.read launch/patient offline_access',
  'PATIENT/*.RS',
  'user/*.cruds',
  'launch/patient,patient/*.read',
  'openid, patient/*.read',
  'patient%2F*.read%20openid',
  'patient%2f*.read+openid',
  'patient/Nonsense.read patient/*.rs',
  undefined,
];

/** Profiles of payers that need not name resources. */
const trusting: readonly Partial<Payer>[] = [{ scopes: [] }, { grantedScope: 'asRequested' }];

const uuid = '0b6cbd01-0f2d-4a0c-9a34-3f5e3c0c9a10';
/** Spellings of one patient. */
const patients = [
  uuid,
  `Patient/${uuid}`,
  `/Patient/${uuid}/`,
  `http://127.0.0.1:3003/r4/Patient/${uuid}`,
  `http://127.0.0.1:3003/r4/Patient/${uuid}/_history/3`,
  `http://127.0.0.1:3003/r4//Patient/${uuid}`,
  `urn:uuid:${uuid}`,
];

/** Each encoding with each scope, and so with each patient twice. */
const generated = Object.keys(encodings).flatMap((encoding, at) =>
  scopes.map((scope, index) => [encoding, scope, patients[(at + index) % patients.length]!] as const),
);

const membersOf = (scope: string | undefined, patient: string): Members => ({
  access_token: 'odd-access',
  refresh_token: 'odd-refresh',
  token_type: 'bearer',
  expires_in: '300',
  patient,
  ...(scope === undefined ? {} : { scope }),
});

it(`each of ${generated.length} token answers is understood at login`, async () => {
  for (const [encoding, scope, patient] of generated) {
    const test = gateway();
    test.payer.http = async () => encodings[encoding]!(membersOf(scope, patient));
    const { login, redeem } = test;

    const tokens = bodyOf(await redeem(await login({ scope: 'patient/*.rs' })));

    expect([encoding, scope, patient, tokens.patient, tokens.scope]).toEqual([
      encoding,
      scope,
      patient,
      uuid,
      'patient/*.rs',
    ]);
  }
});

it.each(Object.keys(encodings))('a token answer as %s is understood at a refresh', async (encoding) => {
  for (const scope of scopes) {
    const { test, grant, before } = await agedGrant(301);
    test.payer.http = async () => encodings[encoding]!(membersOf(scope, 'patient-1'));

    await fresh(test, before);

    expect(opened(grant).tokens).toMatchObject({ accessToken: 'odd-access', refreshToken: 'odd-refresh' });
  }
});

it.each(trusting)(
  'with %j, no scope that cannot be read gives anything to read, at login or at a refresh',
  async (profile) => {
    for (const scope of everyUnreadable) {
      const test = gateway();
      const { start, callback, fromPayer } = test.reconfigured(withPayer('northwind', profile));
      test.payer.http = async () => Response.json(membersOf(scope, uuid));
      const { state, cookie } = await start({ scope: 'patient/*.rs' });
      const back = sentBack(await callback(fromPayer(state), { cookie }));

      const { test: reading, grant, before } = await agedGrant(301);
      reading.payer.http = async () => Response.json(membersOf(scope, 'patient-1'));
      await ensureFreshPayerTokens(reading.deps, { ...(await northwind(reading)), ...profile }, before, {
        requestId: 'request-a',
      });

      expect([scope, back['error'], readsSomething(grant.stored().scope)]).toEqual([scope, 'access_denied', false]);
    }
  },
);

/** Token answers that mean nothing, or an error, and the code that the partner gets at login. */
const refusedTokens: readonly (readonly [what: string, status: number, body: string, code: string])[] = [
  ['a page', 200, '<html>access_token=a</html>', 'server_error'],
  ['nothing', 200, '', 'server_error'],
  ['a list', 200, '[{"access_token":"a"}]', 'server_error'],
  ['a form with a member twice', 200, 'access_token=a&access_token=b&patient=1', 'server_error'],
  ['a form without a token', 200, 'token=a&patient=1', 'server_error'],
  ['half a JSON', 200, '{"access_token":"a"', 'server_error'],
  ['an error as JSON', 400, '{"error":"invalid_grant"}', 'server_error'],
  ['an error as a form', 400, 'error=invalid_grant&error_description=x', 'server_error'],
  ['a refused client as a form', 401, 'error=invalid_client', 'temporarily_unavailable'],
  ['the 401 of an API gateway', 401, '{"message":"Unauthorized"}', 'temporarily_unavailable'],
  ['a 403 of a firewall', 403, '<html></html>', 'server_error'],
  ['another patient’s URL', 200, 'access_token=a&patient=https://other.example/Patient/1', 'server_error'],
  ['a scope that means nothing', 200, 'access_token=a&patient=1&scope=patient/*', 'access_denied'],
  ['a scope that writes only', 200, 'access_token=a&patient=1&scope=Patient/*.write', 'access_denied'],
];

it.each(refusedTokens)('%s ends a login in a named error, and no grant is made', async (_, status, body, code) => {
  const test = gateway();
  const { state, cookie } = await test.start();
  test.payer.http = async () => new Response(body, { status });

  const back = sentBack(await test.callback(test.fromPayer(state), { cookie }));

  expect(back).toMatchObject({ error: code, error_description: expect.stringMatching(/^[A-Z].*\.$/) });
  expect(test.dynamo.items('Grants').size).toBe(0);
});

const json = { 'content-type': 'application/fhir+json' };
const plain = { 'content-type': 'application/json' };
const wait = { 'retry-after': '7' };
const page = { 'content-type': 'text/html' };
const bundle = '{"resourceType":"Bundle","type":"searchset","total":0}';
const outcome = '{"resourceType":"OperationOutcome","issue":[]}';
const noKey = '{"statusCode":401,"message":"Access denied due to missing subscription key."}';

/** Answers to a search: what the partner gets, and what the export makes of it. */
const searches: readonly (readonly [
  what: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | null,
  read: readonly [status: number, code: string],
  exported: Answer['kind'],
])[] = [
  ['a Bundle', 200, json, bundle, [200, ''], 'json'],
  ['a Bundle as plain JSON', 200, plain, bundle, [200, ''], 'json'],
  ['no content', 204, {}, null, [200, ''], 'json'],
  ['a page', 200, page, '<html></html>', [502, 'exception'], 'failed'],
  ['a redirect', 302, { location: 'https://login.example' }, null, [502, 'exception'], 'failed'],
  ['a 400 with an outcome', 400, json, outcome, [400, ''], 'refused'],
  ['a 404 with a page', 404, page, '<html></html>', [404, 'not-found'], 'refused'],
  ['a 403', 403, json, outcome, [403, ''], 'refused'],
  ['a 403 that asks to wait', 403, { ...json, ...wait }, outcome, [429, 'throttled'], 'throttled'],
  ['a 429', 429, wait, null, [429, 'throttled'], 'throttled'],
  ['a 503', 503, wait, null, [503, 'transient'], 'throttled'],
  ['a 500', 500, json, outcome, [502, 'exception'], 'failed'],
  [
    'a refused token',
    401,
    { 'www-authenticate': 'Bearer error="invalid_token"' },
    null,
    [403, 'forbidden'],
    'tokenRefused',
  ],
  ['a 401 without a word', 401, {}, null, [403, 'forbidden'], 'tokenRefused'],
  ['a missing key', 401, plain, noKey, [503, 'transient'], 'failed'],
  ['a challenge for a key', 401, { 'www-authenticate': 'Key realm="kong"' }, null, [503, 'transient'], 'failed'],
];

it.each(searches)(
  '%s is understood or named at a read and in an export',
  async (_, status, headers, body, seen, exported) => {
    const answer = (): Response => new Response(body, { status, headers });
    const test = fetchGateway();
    const { token, stored } = await test.grant();
    test.payer.http = async (url) =>
      String(url).endsWith('/token') ? Response.json({ ...northwindTokens, patient: 'patient-1' }) : answer();

    const got = await read(test.deps, 'Observation', token, { query: 'code=x' });

    const code = seen[1] === '' ? '' : issueOf(got).code;
    expect([got.statusCode, code, stored().revokedAt]).toEqual([...seen, undefined]);

    const deps = {
      clock: test.deps.clock,
      payerHttp: async () => answer() as unknown as PayerResponse,
    } as unknown as JobDeps;
    const payer = { id: 'p', fhirBaseUrl: 'https://payer.example/r4', quirks: {} } as Payer;
    const asking = { payer, accessToken: 'a', secretHeaders: {}, isStillThere: async () => true };
    const stopped = new AbortController().signal;
    const asked = await askPayer(
      deps,
      { ...asking, stopped },
      'https://payer.example/r4/Observation?code=x',
      0,
      'search',
    );
    if (asked.kind === 'json') asked.end();
    expect(asked.kind).toBe(exported);
  },
);
