import { examine } from '../../bin/payers/examine.ts';
import { probe } from '../../bin/payers/probe.ts';
import { compareStatement } from '../../functions/shared/payer/compare-statement.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { es384Jwk } from '../support/login.ts';
import { words } from '../support/words.ts';
import {
  examined,
  json,
  keys,
  page,
  payerDeps,
  plan,
  published,
  serverMetadata,
  smartConfiguration,
} from './payer-deps.ts';

type Answers = Readonly<Record<string, () => Response>>;

const url = 'https://plan.test';
const metadata = `${url}/r4/metadata`;
const withQuirks = (quirks: Partial<Payer['quirks']>): Payer => ({ ...plan, quirks: { ...plan.quirks, ...quirks } });
const moved = (): Response => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test/r4' } });
const says = (body: unknown, status?: number) => () => json(body, status);
const status = (code: number) => says({}, code);
const shows = (code?: number) => () => page(code);
const raw = (text: string, type: string) => () => new Response(text, { headers: { 'content-type': type } });
const ofRelease = (fhirVersion: unknown) => says({ resourceType: 'CapabilityStatement', fhirVersion });
/** The payer's SMART configuration, or its RFC 8414 metadata, with some members changed. */
const smart = (change: object): Answers => ({ [smartConfiguration]: published({ ...change }) });
const server = (change: object): Answers => ({ [serverMetadata]: published({ ...change }, true) });
const noSmart = { [smartConfiguration]: status(404) };
const todosOf = (answers: Answers, payer = plan): Promise<string[]> => examined(answers, { payer });
const one = (line: RegExp | string): unknown[] => [
  typeof line === 'string' ? expect.stringContaining(line) : expect.stringMatching(line),
];

const signsIdentities: Partial<Payer> = {
  identitySignIn: {
    issuers: ['https://id.test'],
    assertionAlgorithm: 'ES384',
    scopes: ['patient/*.rs'],
    noMatch: [{ status: 401, members: { status_code: 401 } }],
  },
};

describe('the doctor', () => {
  it('finds nothing wrong with a healthy payer', async () => {
    const findings = await examine(payerDeps().deps, 'test', plan);

    expect(findings.map(({ check, todo }) => [check, todo])).toEqual(
      words('name connection authorize token revoke FHIR discovery discovery secret').map((check) => [
        check,
        undefined,
      ]),
    );
  });

  it('reports a payer without a client id, and the first thing to do', async () => {
    expect(await todosOf({}, { ...plan, clientId: 'pending-registration' })).toEqual([
      'client id: is still "pending-registration" → ask the payer to register the gateway, and write the client id that it gives into clientId',
    ]);
  });

  const publicKeys = [es384Jwk('gateway-1').publicJwk];
  it.each<[string, Partial<Payer>, boolean]>([
    ['beside a secret', { publicKeys }, true],
    ['that sign', { publicKeys, clientAuthentication: 'private_key_jwt' }, false],
    ['that are none', { publicKeys: [] }, false],
    ['that sign for identity tokens', { publicKeys, ...signsIdentities }, false],
  ])('says of public keys %s whether they are unused, and holds it against nobody', async (_, change, isSaid) => {
    const payer: Payer = { ...plan, clientAuthentication: 'client_secret_basic', ...change };
    const findings = await examine(payerDeps().deps, 'test', payer);

    const said = findings.filter(({ text }) => text.startsWith('publicKeys are published, but'));
    expect(said.map(({ check, todo }) => [check, todo])).toEqual(isSaid ? [['secret', undefined]] : []);
  });

  it('sends no parameter, credential or cookie, and follows no redirect', async () => {
    const { deps, sent } = payerDeps();

    await examine(deps, 'test', plan);

    expect(sent.length).toBeGreaterThan(5);
    for (const { url: asked, init } of sent) {
      const names = Object.keys(init?.headers ?? {}).filter((name) => !/^(accept|content-type)$/i.test(name));
      expect([new URL(asked).search, init?.body ?? '', names, init?.redirect]).toEqual(['', '', [], 'manual']);
      expect(init?.signal).toBeInstanceOf(AbortSignal);
    }
  });

  it('accepts a payer that publishes nothing, and one that requires a token for its metadata', async () => {
    const closed = says({ message: 'Unauthorized' }, 401);
    const { deps } = payerDeps({ [smartConfiguration]: closed, [serverMetadata]: shows(), [metadata]: closed });

    const findings = await examine(deps, 'test', plan);

    expect(findings.filter(({ todo }) => todo !== undefined)).toEqual([]);
    expect(findings.map(({ text }) => text)).toContain('none published; nothing to compare');
  });
});

describe('an endpoint', () => {
  const places = {
    authorize: `${url}/authorize`,
    token: `${url}/token`,
    revoke: `${url}/revoke`,
    FHIR: metadata,
    discovery: smartConfiguration,
  };
  const notAnObject = /smart-configuration is published but is not a JSON object → ask the payer to fix it/;

  it.each([
    ['token', 'is a page', shows(), / 200 and text\/html, not with an OAuth error/],
    ['token', 'grants something', says({ error: 'x' }), / 200/],
    ['token', 'wants JSON', status(415), / refuses a form \(415\) → write quirks.tokenRequest: 'json'/],
    ['token', 'is missing', status(404), / 404.* → check the path/],
    ['token', 'redirects', moved, / redirects \(302 to https:\/\/elsewhere/],
    ['token', 'is out of order', says({ error: 'x' }, 500), / answers 500 → ask/],
    ['token', 'keeps us out', shows(403), / 403 with a page → .*allow our addresses/],
    ['authorize', 'is out of order', shows(502), / answers 502 → ask/],
    ['authorize', 'is missing', shows(404), / 404/],
    ['revoke', 'is missing', status(404), / 404/],
    ['revoke', 'keeps us out', shows(403), / 403 with a page → .*allow our addresses/],
    ['FHIR', 'is out of order', status(503), / answers 503 → ask/],
    ['FHIR', 'keeps us out', status(403), / 403 → .*allow our addresses/],
    ['FHIR', 'keeps us out with a page', shows(403), / 403 → .*allow our addresses/],
    ['FHIR', 'has moved', moved, / redirects .* → ask the payer for the fhirBaseUrl/],
    ['FHIR', 'is a page', shows(), / not a CapabilityStatement → check fhirBase/],
    [
      'FHIR',
      'is DSTU2',
      says({ resourceType: 'Conformance', fhirVersion: '1.0.2' }),
      / DSTU2 .* → ask the payer for its FHIR R4 base URL/,
    ],
    ['FHIR', 'has a release that is a number', ofRelease(4), / FHIR without a version/],
    ['discovery', 'is a list', says([]), notAnObject],
    ['discovery', 'is cut', raw('{"issuer": "https', 'text/plain'), notAnObject],
    ['discovery', 'is called JSON and is a page', raw('<html>', 'application/json'), notAnObject],
    ['discovery', 'is out of order', status(500), /smart-configuration answers 500/],
  ] as const)('the %s endpoint that %s gives one line that says what to do', async (check, _what, answer, line) => {
    expect(await todosOf({ [places[check]]: answer })).toEqual(one(new RegExp(`^${check}: .*${line.source}`)));
  });

  it.each(['3.0.2', '4.1', '4.1.0', '4.3.0', '40.1', '4.0.1-ballot', '5.0.0'])(
    'a FHIR API of release %s is not R4, and the payer is to be asked for another',
    async (release) => {
      expect(await todosOf({ [metadata]: ofRelease(release) })).toEqual([
        `FHIR: ${metadata} says that this is FHIR ${release}, but the gateway reads R4 → ask the payer for its FHIR R4 base URL`,
      ]);
    },
  );

  // Its codes in https://hl7.org/fhir/R5/codesystem-FHIR-version.html.
  it.each(['4.0', '4.0.0', '4.0.1'])('a FHIR API of release %s is R4', async (release) => {
    expect(await todosOf({ [metadata]: ofRelease(release) })).toEqual([]);
    expect(compareStatement({ resourceType: 'CapabilityStatement', fhirVersion: release }, plan)).toEqual([]);
  });

  it.each([
    ['token', 399, /^token: .* redirects/],
    ['token', 499, undefined],
    ['authorize', 499, undefined],
    ['authorize', 500, /^authorize: .* answers 500/],
    ['revoke', 200, undefined],
    ['revoke', 302, /^revoke: .* redirects/],
  ] as const)('the %s endpoint that answers %i is judged by what that means', async (name, code, line) => {
    const todos = await todosOf({ [places[name]]: says({ error: 'x' }, code) });

    expect(todos).toEqual(line === undefined ? [] : one(line));
  });

  it('an endpoint that answers without end is cut off', async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) });

    expect(await todosOf({ [metadata]: () => new Response(endless) })).toEqual(one(/^FHIR: .* more than 5 MB/));
  });

  it('an endpoint that answers with 5 MB is read', async () => {
    const statement = JSON.stringify({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    const text = statement.padEnd(5 * 1024 * 1024);

    expect(await todosOf({ [metadata]: () => new Response(text) })).toEqual([]);
    expect(await todosOf({ [metadata]: () => new Response(`${text} `) })).toHaveLength(1);
  });
});

describe('discovery that differs from the profile', () => {
  it.each([
    ['authorization_endpoint', `${url}/other`, `write authorizationEndpoint: '${url}/other'`],
    ['token_endpoint', `${url}/other`, `write tokenEndpoint: '${url}/other'`],
    ['revocation_endpoint', `${url}/other`, `write revocationEndpoint: '${url}/other'`],
    ['token_endpoint_auth_methods_supported', ['client_secret_basic'], 'clientAuthentication'],
    ['token_endpoint_auth_signing_alg_values_supported', ['RS384'], 'RS384'],
    ['code_challenge_methods_supported', ['plain'], 'write quirks.pkce: false'],
    ['scopes_supported', ['patient/*.read'], 'write the scopes that the payer lists'],
    ['capabilities', ['launch-standalone'], 'write patientFrom: "search"'],
    ['grant_types_supported', ['authorization_code'], 'ask the payer for refresh tokens'],
  ])(
    'discovery that differs from the profile in %s names both sides and what to write',
    async (member, value, todo) => {
      const todos = await todosOf(smart({ [member]: value }));

      expect(todos).toEqual(one(new RegExp(`^discovery: smart-configuration: ${member}`)));
      expect(todos[0]).toContain(todo);
    },
  );

  /** RFC 8414 §2, RFC 9207 §3 and SMART App Launch 2.2 §8.1.4. */
  it.each<[member: string, type: string, value: unknown]>([
    ...words('issuer authorization_endpoint token_endpoint revocation_endpoint jwks_uri').map(
      (member): [string, string, unknown] => [member, 'a string', [`${url}/token`]],
    ),
    ...words(`
      token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported
      code_challenge_methods_supported scopes_supported grant_types_supported response_types_supported capabilities
    `).map((member): [string, string, unknown] => [member, 'a list of strings', 'S256']),
    ['capabilities', 'a list of strings', { 0: 'context-standalone-patient' }],
    ['response_types_supported', 'a list of strings', ['code', null]],
    ['authorization_response_iss_parameter_supported', 'true or false', 'true'],
  ])('is not taken for agreement where %s is not %s but %j', async (member, type, value) => {
    expect(await todosOf(smart({ [member]: value }))).toEqual([
      `discovery: smart-configuration: ${member} is not ${type} → ask the payer to fix it; until then the profile cannot be compared with it`,
    ]);
  });

  it.each([
    [6, 'patient/A.r, patient/B.r, patient/C.r, patient/D.r, patient/E.r, patient/F.r'],
    [7, 'patient/A.r, patient/B.r, patient/C.r, patient/D.r, patient/E.r, patient/F.r and 1 more'],
  ])('lists at most six of %i values that the payer has', async (many, list) => {
    const listed = Array.from({ length: many }, (_, at) => `patient/${'ABCDEFG'.charAt(at)}.r`);

    const scopes = await todosOf(smart({ scopes_supported: listed }));
    expect(scopes).toEqual(one(`(it has ${list}) → write the scopes that the payer lists`));
    const methods = await todosOf(smart({ token_endpoint_auth_methods_supported: listed }));
    expect(methods).toEqual(one(`lacks private_key_jwt (it has ${list})`));
  });

  const asked: Payer = { ...plan, scopes: ['launch/patient', 'patient/Observation.rs'] };
  const both = { capabilities: ['context-standalone-patient'], grant_types_supported: ['refresh_token'] };
  const alone = { capabilities: ['launch-standalone'] };
  it.each<[string, object, Payer]>([
    ['differs only in the spelling of a URL', { token_endpoint: 'HTTPS://PLAN.test:443/token' }, plan],
    ['lists both capabilities and grant types', both, plan],
    ['says nothing about capabilities and grant types', {}, plan],
    ['names no patient, who is found by search', alone, { ...plan, patientFrom: 'search' }],
    ['names the patient in a member of its own', alone, { ...plan, patientMember: 'patient_id' }],
    ['lists no scope for reading, as some do', { scopes_supported: ['openid', 'fhirUser'] }, asked],
    ['lists a scope that covers ours', { scopes_supported: ['patient/*.rs', 'user/*.rs'] }, asked],
    ['lists scopes that cover ours', { scopes_supported: ['patient/*.r', 'patient/Observation.cuds'] }, asked],
  ])('is not reported if it %s', async (_, change, payer) => {
    expect(await todosOf(smart(change), payer)).toEqual([]);
  });

  const { revocationEndpoint: _revoked, ...unrevoked } = plan;
  const noIss = { authorization_response_iss_parameter_supported: undefined };
  it.each<[string, Answers, Payer, string | RegExp]>([
    [
      'has another issuer',
      server({ issuer: 'https://plan.test/' }),
      plan,
      /RFC 8414 metadata: issuer is https:\/\/plan.test\/, .* → write issuer: .* login is refused/,
    ],
    ['sends no iss', { ...noSmart, ...server(noIss) }, plan, 'sendsIss: false'],
    ['sends iss', noSmart, { ...plan, sendsIss: false }, 'write sendsIss: true'],
    ['takes PKCE', noSmart, withQuirks({ pkce: false }), 'write quirks.pkce: true'],
    ['revokes', { [serverMetadata]: status(404) }, unrevoked, `write revocationEndpoint: '${url}/revoke'`],
  ])(
    'discovery that differs from the profile in that the payer %s says what to write',
    async (_, answers, payer, todo) => {
      expect(await todosOf(answers, payer)).toEqual(one(todo));
    },
  );

  it('is not held against a public client where SMART’s capability names it, and is without', async () => {
    const open: Payer = { ...plan, clientAuthentication: 'none', publicKeys: [] };
    const lacks = (capabilities: readonly string[] | undefined) => ({
      ...smart({ token_endpoint_auth_methods_supported: ['client_secret_basic'], capabilities }),
      ...server({ token_endpoint_auth_methods_supported: ['none'] }),
    });

    expect(await todosOf(lacks(['client-public', 'context-standalone-patient']), open)).toEqual([]);
    expect(await todosOf(lacks(undefined), open)).toEqual(one('token_endpoint_auth_methods_supported lacks none'));
  });
});

describe('the places of an id_token and of userinfo', () => {
  const keysUrl = `${url}/keys`;
  const userinfoUrl = `${url}/userinfo`;
  const withKeys: Payer = { ...plan, patientFrom: 'id_token', jwksUri: keysUrl };
  const withUserinfo: Payer = { ...plan, patientFrom: 'userinfo', userinfoEndpoint: userinfoUrl };
  const order = { [keysUrl]: says({ keys: [{}] }), [userinfoUrl]: says({ error: 'x' }, 401) };

  it('are in order if there are keys, and if userinfo wants a token', async () => {
    expect([await todosOf(order, withKeys), await todosOf(order, withUserinfo)]).toEqual([[], []]);
  });

  it.each<[string, Payer, () => Response, RegExp]>([
    [keysUrl, withKeys, shows(), /^keys: .* answers 200 and text\/html, not a set of keys → check jwksUri/],
    [keysUrl, withKeys, says({ keys: [] }), /^keys: .* not a set of keys/],
    [keysUrl, withKeys, moved, /^keys: .* redirects \(302/],
    [keysUrl, withKeys, status(404), /^keys: .* answers 404/],
    [userinfoUrl, withUserinfo, status(500), /^userinfo: .* answers 500/],
    [userinfoUrl, withUserinfo, moved, /^userinfo: .* redirects \(302/],
  ])('%s gives one line if it is not', async (at, payer, answer, line) => {
    expect(await todosOf({ [at]: answer }, payer)).toEqual(one(line));
  });

  it('are those of each identity provider whose tokens the payer takes', async () => {
    const provider = { issuer: 'https://id.test', jwksUri: keysUrl, algorithms: ['RS256' as const] };
    const other = { ...provider, issuer: 'https://other.test', jwksUri: `${url}/other` };
    const payer: Payer = { ...plan, ...signsIdentities };
    const lines = (keySet: unknown) =>
      examined({ [keysUrl]: says(keySet) }, { payer, identityProviders: [provider, other] });

    expect(await lines({ keys: [{}] })).toEqual([]);
    expect(await lines({})).toEqual(one(/^keys: .*\/keys answers 200 .* not a set of keys/));
  });

  it('agree with what the payer publishes, or both are named', async () => {
    const answers = { ...order, ...smart({ jwks_uri: `${url}/other`, userinfo_endpoint: `${url}/other` }) };

    expect(await todosOf(answers, withKeys)).toEqual(one(`write jwksUri: '${url}/other'`));
    expect(await todosOf(answers, withUserinfo)).toEqual(one(`write userinfoEndpoint: '${url}/other'`));
    expect(await todosOf(answers)).toEqual([]);
  });
});

describe('a former plan', () => {
  const own = 'https://exchange.test';
  const [tokenAt, groupsAt, statementAt] = [`${own}/token`, `${own}/r4/Group`, `${own}/r4/metadata`];
  const smartAt = `${own}/r4/.well-known/smart-configuration`;
  const formerPlan: Payer = {
    ...plan,
    exchange: {
      clientId: 'gateway-as-new-plan',
      assertionAlgorithm: 'ES384',
      publicKeys: [es384Jwk('exchange-1').publicJwk],
      scopes: ['system/Group.rs'],
      identifiers: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9876543213' }],
      tokenEndpoint: tokenAt,
      fhirBaseUrl: `${own}/r4`,
    },
  };
  const operations = (...names: readonly string[]) => {
    const resource = [{ type: 'Group', operation: names.map((name) => ({ name })) }];
    const rest = [{ mode: 'server', resource }];
    return { [statementAt]: says({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest }) };
  };
  const publishes = (change: object) => ({
    [smartAt]: says({
      token_endpoint: tokenAt,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES384'],
      scopes_supported: ['system/Group.rs'],
      ...change,
    }),
  });
  const order: Answers = {
    [tokenAt]: says({ error: 'invalid_client' }, 401),
    [groupsAt]: status(401),
    ...operations('bulk-member-match', '$davinci-data-export'),
    ...publishes({}),
  };
  /** What is to do about the exchange, without the secret's line. */
  const lines = async (changed: Answers): Promise<string[]> =>
    (await todosOf({ ...order, ...changed }, formerPlan)).filter((line) => line.startsWith('exchange'));

  it('is asked for a token without a key, for its Groups and for what it declares, and is in order', async () => {
    const { deps, sent } = payerDeps(order);
    const findings = await examine(deps, 'test', formerPlan);

    expect(findings.filter(({ check }) => check === 'exchange').map(({ text, todo }) => [text, todo])).toEqual([
      [`${tokenAt} knows client_credentials, and gives nothing without a key (401 invalid_client)`, undefined],
      [`${groupsAt} requires a token (401)`, undefined],
      [`${statementAt} declares $bulk-member-match and $davinci-data-export`, undefined],
    ]);
    const bodies = sent.filter((each) => each.url === tokenAt).map(({ init }) => init?.body);
    expect(bodies).toEqual(['grant_type=client_credentials&client_id=gateway-as-new-plan&scope=system%2FGroup.rs']);
    expect(sent.some(({ init }) => new Headers(init?.headers).has('authorization'))).toBe(false);
  });

  const otherGrant = says({ error: 'unsupported_grant_type' }, 400);
  const otherKeys = { token_endpoint_auth_signing_alg_values_supported: ['RS384'] };
  const noKeys = { token_endpoint_auth_methods_supported: ['client_secret_basic'] };
  it.each<[string, Answers, string]>([
    ['has another grant type', { [tokenAt]: otherGrant }, 'does not know client_credentials'],
    ['answers with a page', { [tokenAt]: shows() }, 'not with an OAuth error'],
    ['gives tokens to anybody', { [tokenAt]: says({ access_token: 'canary' }) }, 'gives a token to whoever'],
    ['shows Groups to anybody', { [groupsAt]: says({ resourceType: 'Bundle' }) }, 'answers 200 without a token'],
    ['has no Groups', { [groupsAt]: status(404) }, 'answers 404'],
    ['lost the match', operations('davinci-data-export'), 'lacks the operation $bulk-member-match'],
    ['lost the export', operations('bulk-member-match'), 'lacks the operation $davinci-data-export'],
    ['moved its tokens', publishes({ token_endpoint: `${own}/x` }), `write exchange.tokenEndpoint: '${own}/x'`],
    ['lists no such grant', publishes({ grant_types_supported: ['authorization_code'] }), 'lacks client_credentials'],
    ['takes other keys', publishes(otherKeys), 'lacks ES384'],
    ['takes no keys', publishes(noKeys), 'lacks private_key_jwt'],
    ['has other scopes', publishes({ scopes_supported: ['system/Patient.rs'] }), 'lacks system/Group.rs'],
  ])('that %s gives one line', async (_, changed, line) => {
    const found = await lines(changed);

    expect(found).toEqual(one(line));
    expect(found.join()).not.toContain('canary');
  });

  it.each<[string, Answers]>([
    ['lists a wider scope than is asked for', publishes({ scopes_supported: ['system/*.rs'] })],
    ['lists no resources', { [statementAt]: ofRelease('4.0.1') }],
    ['keeps its statement closed', { [statementAt]: status(401) }],
  ])('that %s is not blamed for it', async (_, changed) => {
    expect(await lines(changed)).toEqual([]);
  });
});

describe('a secret', () => {
  const byPost: Payer = { ...plan, clientAuthentication: 'client_secret_post', publicKeys: [] };
  const withHeader: Payer = { ...byPost, quirks: { ...plan.quirks, secretHeaders: ['X-Key'] } };
  /** The plan's documents list private_key_jwt only; a secret's line is what these tests are about. */
  const secretLines = async (value: unknown, payer: Payer): Promise<string[]> => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const lines = await examined({}, { payer, readSecret: async () => ({ text }) });
    return lines.filter((line) => line.startsWith('secret'));
  };
  const withHeaders = (headers: object) => ({ client_secret: 'canary', headers });
  const key = (private_key_jwk: object) => ({ private_key_jwk });

  it.each<[string, unknown, Payer, RegExp]>([
    ['that is empty', '', plan, /is not a JSON object → put \{"private_key_jwk": …\} there/],
    ['that is no JSON', 'canary', plan, /is not a JSON object/],
    [
      'of the wrong kind',
      { client_secret: 'canary' },
      plan,
      /has no private_key_jwk, which clientAuthentication private_key_jwt/,
    ],
    ['of the other wrong kind', key(keys.privateJwk), byPost, /has no client_secret/],
    ['with an empty text', { client_secret: '' }, byPost, /client_secret is not a string/],
    ['with a new line at its end', { client_secret: 'canary\n' }, byPost, /starts or ends with a space or a newline/],
    [
      'without the header of the profile',
      withHeaders({ 'X-Other': 'canary' }),
      withHeader,
      /has no header X-Key, which quirks.secretHeaders names → put \{"client_secret": …, "headers": \{"X-Key": "…"\}\} there/,
    ],
    [
      'with a header that cannot be sent',
      withHeaders({ 'X-Key': 'canary\n' }),
      withHeader,
      /the value of the header X-Key is not a header value/,
    ],
    ['that is no key', key({ kty: 'RSA', kid: 'plan-1' }), plan, /is not a private key → make a pair/],
    ['that is a public key', key(keys.publicJwk), plan, /is not a private key/],
    [
      'of another pair',
      key(es384Jwk('plan-1').privateJwk),
      plan,
      /does not match any of the profile's publicKeys \(plan-1\)/,
    ],
    ['without its kid', key({ ...keys.privateJwk, kid: undefined }), plan, /write "kid": "plan-1" into it/],
  ])('%s gives one line, which does not quote it', async (_, value, payer, line) => {
    const lines = await secretLines(value, payer);

    expect(lines).toEqual(one(line));
    expect(lines.join()).not.toContain('canary');
    expect(lines.join()).not.toContain(String(keys.privateJwk['d']));
    expect(lines.join()).toContain('p2p/test/payers/plan');
  });

  it.each<[string, unknown, Payer]>([
    ['a client secret', { client_secret: 'canary' }, byPost],
    ['a client secret with its header', withHeaders({ 'x-key': 'canary' }), withHeader],
    ['a header alone', { headers: { 'X-Key': 'c' } }, { ...withHeader, clientAuthentication: 'none' }],
    ['a key', key(keys.privateJwk), plan],
  ])('of the right kind passes: %s', async (_, value, payer) => {
    expect(await secretLines(value, payer)).toEqual([]);
  });

  it("is that of the payer that secretOf names, and a public client's is not asked for", async () => {
    const names: string[] = [];
    const readSecret = async (name: string) => {
      names.push(name);
      return { text: JSON.stringify({ client_secret: 'canary' }) };
    };

    await examined({}, { payer: { ...byPost, secretOf: 'first-brand' }, readSecret });
    await examined({}, { payer: { ...byPost, clientAuthentication: 'none' }, readSecret });

    expect(names).toEqual(['p2p/test/payers/first-brand']);
  });

  it('is skipped if secrets are not to be read', async () => {
    const { readSecret: _, ...deps } = payerDeps().deps;

    expect((await examine(deps, 'test', plan)).map(({ check }) => check)).not.toContain('secret');
  });
});

it.each([
  [{}, 'GET', undefined, undefined],
  [{ method: 'POST' }, 'POST', 'application/x-www-form-urlencoded', ''],
  [{ method: 'POST', isJson: true }, 'POST', 'application/json', '{}'],
] as const)('a question to a payer %j is a %s with a body of type %s: %j', async (request, method, type, body) => {
  const asked: unknown[] = [];
  const http = async (_url: unknown, init: RequestInit = {}) => {
    asked.push([init.method, new Headers(init.headers).get('Content-Type') ?? undefined, init.body]);
    return Response.json({});
  };

  await probe(http, 'https://plan.example', { accept: 'application/json', ...request });

  expect(asked).toEqual([[method, type, body]]);
});
