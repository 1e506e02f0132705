import { examine } from '../../bin/payers/examine.ts';
import { probe } from '../../bin/payers/probe.ts';
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

const url = 'https://plan.test';
const metadata = `${url}/r4/metadata`;
const token = `${url}/token`;
const withQuirks = (quirks: Partial<Payer['quirks']>): Payer => ({ ...plan, quirks: { ...plan.quirks, ...quirks } });
const moved = (): Response => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test/r4' } });

const identitiesAt = (issuer: string): Pick<Payer, 'identitySignIn'> => ({
  identitySignIn: {
    issuers: [issuer],
    assertionAlgorithm: 'ES384',
    scopes: ['patient/*.rs'],
    noMatch: [{ status: 401, members: { status_code: 401 } }],
  },
});

describe('the doctor', () => {
  it('finds nothing wrong with a healthy payer', async () => {
    const findings = await examine(payerDeps().deps, 'test', plan);

    expect(findings.map(({ check, todo }) => [check, todo])).toEqual([
      ['name', undefined],
      ['connection', undefined],
      ['authorize', undefined],
      ['token', undefined],
      ['revoke', undefined],
      ['FHIR', undefined],
      ['discovery', undefined],
      ['discovery', undefined],
      ['secret', undefined],
    ]);
  });

  it('reports a payer without a client id, and the first thing to do', async () => {
    const findings = await examine(payerDeps().deps, 'test', { ...plan, clientId: 'pending-registration' });

    expect(findings.filter(({ todo }) => todo !== undefined)).toEqual([
      {
        check: 'client id',
        text: 'is still "pending-registration"',
        todo: 'ask the payer to register the gateway, and write the client id that it gives into clientId',
      },
    ]);
  });

  it.each<[string, Partial<Payer>, boolean]>([
    [
      'beside a secret',
      { clientAuthentication: 'client_secret_basic', publicKeys: [es384Jwk('gateway-1').publicJwk] },
      true,
    ],
    ['that sign', { clientAuthentication: 'private_key_jwt', publicKeys: [es384Jwk('gateway-1').publicJwk] }, false],
    ['that are none', { clientAuthentication: 'client_secret_basic', publicKeys: [] }, false],
    [
      'that sign for identity tokens',
      {
        clientAuthentication: 'client_secret_basic',
        publicKeys: [es384Jwk('gateway-1').publicJwk],
        ...identitiesAt('https://id.test'),
      },
      false,
    ],
  ])('says of public keys %s whether they are unused, and holds it against nobody', async (_, change, isSaid) => {
    const findings = await examine(payerDeps().deps, 'test', { ...plan, ...change });

    const said = findings.filter(({ text }) => text.startsWith('publicKeys are published, but'));
    expect(said.map(({ check, todo }) => [check, todo])).toEqual(isSaid ? [['secret', undefined]] : []);
  });

  it('sends no parameter, credential or cookie, and follows no redirect', async () => {
    const { deps, sent } = payerDeps();

    await examine(deps, 'test', plan);

    expect(sent.length).toBeGreaterThan(5);
    for (const { url: asked, init } of sent) {
      expect(new URL(asked).search).toBe('');
      expect(init?.body ?? '').toBe('');
      expect(Object.keys(init?.headers ?? {}).filter((name) => !/^(accept|content-type)$/i.test(name))).toEqual([]);
      expect(init?.redirect).toBe('manual');
      expect(init?.signal).toBeInstanceOf(AbortSignal);
    }
  });

  it('accepts a payer that publishes nothing, and one that requires a token for its metadata', async () => {
    const { deps } = payerDeps({
      [smartConfiguration]: () => json({ message: 'Unauthorized' }, 401),
      [serverMetadata]: () => page(),
      [metadata]: () => json({ message: 'Unauthorized' }, 401),
    });

    const findings = await examine(deps, 'test', plan);

    expect(findings.filter(({ todo }) => todo !== undefined)).toEqual([]);
    expect(findings.map(({ text }) => text)).toContain('none published; nothing to compare');
  });
});

describe('an endpoint', () => {
  it.each([
    ['a token endpoint that is a page', token, () => page(), /^token: .* 200 and text\/html, not with an OAuth error/],
    ['a token endpoint that grants something', token, () => json({ error: 'x' }), /^token: .* 200/],
    [
      'a token endpoint that wants JSON',
      token,
      () => json({}, 415),
      /^token: .* refuses a form \(415\) → write quirks.tokenRequest: 'json'/,
    ],
    ['a missing token endpoint', token, () => json({}, 404), /^token: .* 404.* → check the path/],
    ['a token endpoint that redirects', token, moved, /^token: .* redirects \(302 to https:\/\/elsewhere/],
    ['a token endpoint out of order', token, () => json({ error: 'x' }, 500), /^token: .* answers 500 → ask/],
    ['an authorize page out of order', `${url}/authorize`, () => page(502), /^authorize: .* answers 502 → ask/],
    ['a missing authorize page', `${url}/authorize`, () => page(404), /^authorize: .* 404/],
    ['a missing revocation endpoint', `${url}/revoke`, () => json({}, 404), /^revoke: .* 404/],
    ['a FHIR API out of order', metadata, () => json({}, 503), /^FHIR: .* answers 503 → ask/],
    ['a FHIR API that keeps us out', metadata, () => json({}, 403), /^FHIR: .* 403 → .*allow our addresses/],
    ['a FHIR API that has moved', metadata, moved, /^FHIR: .* redirects .* → ask the payer for the fhirBaseUrl/],
    ['a FHIR base that is a page', metadata, () => page(), /^FHIR: .* not a CapabilityStatement → check fhirBase/],
    [
      'FHIR DSTU2',
      metadata,
      () => json({ resourceType: 'Conformance', fhirVersion: '1.0.2' }),
      /^FHIR: .* DSTU2 .* → ask the payer for its FHIR R4 base URL/,
    ],
    [
      'a release that is a number',
      metadata,
      () => json({ resourceType: 'CapabilityStatement', fhirVersion: 4 }),
      /^FHIR: .* FHIR without a version/,
    ],
    [
      'a token endpoint that keeps us out',
      token,
      () => page(403),
      /^token: .* 403 with a page → .*allow our addresses/,
    ],
    [
      'a revocation endpoint that keeps us out',
      `${url}/revoke`,
      () => page(403),
      /^revoke: .* 403 with a page → .*allow our addresses/,
    ],
    ['a FHIR API that keeps us out with a page', metadata, () => page(403), /^FHIR: .* 403 → .*allow our addresses/],
    [
      'discovery that is a list',
      smartConfiguration,
      () => json([]),
      /^discovery: .*smart-configuration is published but is not a JSON object → ask the payer to fix it/,
    ],
    [
      'discovery that is cut',
      smartConfiguration,
      () => new Response('{"issuer": "https', { headers: { 'content-type': 'text/plain' } }),
      /^discovery: .*smart-configuration is published but is not a JSON object/,
    ],
    [
      'discovery that is called JSON and is a page',
      smartConfiguration,
      () => new Response('<html>', { headers: { 'content-type': 'application/json' } }),
      /^discovery: .*smart-configuration is published but is not a JSON object/,
    ],
    [
      'discovery out of order',
      smartConfiguration,
      () => json({}, 500),
      /^discovery: .*smart-configuration answers 500/,
    ],
  ])('%s gives one line that says what to do', async (_, at, answer, line) => {
    const todos = await examined({ [at]: answer });

    expect(todos).toEqual([expect.stringMatching(line)]);
  });

  it.each(['3.0.2', '4.0', '4.1.0', '4.3.0', '40.1', '4.0.1-ballot', '5.0.0'])(
    'a FHIR API of release %s is not R4, and the payer is to be asked for another',
    async (fhirVersion) => {
      const todos = await examined({
        [metadata]: () => json({ resourceType: 'CapabilityStatement', fhirVersion }),
      });

      expect(todos).toEqual([
        `FHIR: ${metadata} says that this is FHIR ${fhirVersion}, but the gateway reads R4 → ask the payer for its FHIR R4 base URL`,
      ]);
    },
  );

  it.each(['4.0.0', '4.0.1'])('a FHIR API of release %s is R4', async (fhirVersion) => {
    expect(await examined({ [metadata]: () => json({ resourceType: 'CapabilityStatement', fhirVersion }) })).toEqual(
      [],
    );
  });

  it.each([
    ['token', 399, /^token: .* redirects/],
    ['token', 499, undefined],
    ['authorize', 499, undefined],
    ['authorize', 500, /^authorize: .* answers 500/],
    ['revoke', 200, undefined],
    ['revoke', 302, /^revoke: .* redirects/],
  ] as const)('the %s endpoint that answers %i is judged by what that means', async (name, status, line) => {
    const todos = await examined({ [`${url}/${name}`]: () => json({ error: 'x' }, status) });

    expect(todos).toEqual(line === undefined ? [] : [expect.stringMatching(line)]);
  });

  it('an endpoint that answers without end is cut off', async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)) });

    const todos = await examined({ [metadata]: () => new Response(endless) });

    expect(todos).toEqual([expect.stringMatching(/^FHIR: .* more than 5 MB/)]);
  });

  it('an endpoint that answers with 5 MB is read', async () => {
    const statement = JSON.stringify({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    const text = statement.padEnd(5 * 1024 * 1024);

    expect(await examined({ [metadata]: () => new Response(text) })).toEqual([]);
    expect(await examined({ [metadata]: () => new Response(`${text} `) })).toHaveLength(1);
  });
});

describe('discovery that differs from the profile', () => {
  it.each([
    [
      'authorization_endpoint',
      { authorization_endpoint: `${url}/other` },
      `write authorizationEndpoint: '${url}/other'`,
    ],
    ['token_endpoint', { token_endpoint: `${url}/other` }, `write tokenEndpoint: '${url}/other'`],
    ['revocation_endpoint', { revocation_endpoint: `${url}/other` }, `write revocationEndpoint: '${url}/other'`],
    [
      'token_endpoint_auth_methods',
      { token_endpoint_auth_methods_supported: ['client_secret_basic'] },
      'clientAuthentication',
    ],
    ['token_endpoint_auth_signing_alg', { token_endpoint_auth_signing_alg_values_supported: ['RS384'] }, 'RS384'],
    ['code_challenge_methods', { code_challenge_methods_supported: ['plain'] }, 'write quirks.pkce: false'],
    ['scopes', { scopes_supported: ['patient/*.read'] }, 'write the scopes that the payer lists'],
    ['capabilities', { capabilities: ['launch-standalone'] }, 'write patientFrom: "search"'],
    ['grant_types_supported', { grant_types_supported: ['authorization_code'] }, 'ask the payer for refresh tokens'],
  ])(
    'discovery that differs from the profile in %s names both sides and what to write',
    async (member, change, todo) => {
      const todos = await examined({ [smartConfiguration]: published(change) });

      expect(todos).toEqual([expect.stringMatching(new RegExp(`^discovery: smart-configuration: ${member}`))]);
      expect(todos[0]).toContain(todo);
    },
  );

  /** RFC 8414 §2, RFC 9207 §3 and SMART App Launch 2.2 §8.1.4. */
  it.each<[member: string, type: string, value: unknown]>([
    ...['issuer', 'authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'jwks_uri'].map(
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
    expect(await examined({ [smartConfiguration]: published({ [member]: value }) })).toEqual([
      `discovery: smart-configuration: ${member} is not ${type} → ask the payer to fix it; until then the profile cannot be compared with it`,
    ]);
  });

  it.each([
    [6, 'patient/A.r, patient/B.r, patient/C.r, patient/D.r, patient/E.r, patient/F.r'],
    [7, 'patient/A.r, patient/B.r, patient/C.r, patient/D.r, patient/E.r, patient/F.r and 1 more'],
  ])('lists at most six of %i values that the payer has', async (many, list) => {
    const listed = Array.from({ length: many }, (_, at) => `patient/${'ABCDEFG'.charAt(at)}.r`);

    expect(await examined({ [smartConfiguration]: published({ scopes_supported: listed }) })).toEqual([
      expect.stringContaining(`(it has ${list}) → write the scopes that the payer lists`),
    ]);
    expect(
      await examined({ [smartConfiguration]: published({ token_endpoint_auth_methods_supported: listed }) }),
    ).toEqual([expect.stringContaining(`lacks private_key_jwt (it has ${list})`)]);
  });

  it('discovery that differs from the profile only in the spelling of a URL agrees with it', async () => {
    const token_endpoint = 'HTTPS://PLAN.test:443/token';

    expect(await examined({ [smartConfiguration]: published({ token_endpoint }) })).toEqual([]);
  });

  it.each([
    ['lists both', { capabilities: ['context-standalone-patient'], grant_types_supported: ['refresh_token'] }],
    ['says nothing about either', {}],
  ])('is not reported in capabilities and grant types if it %s', async (_, change) => {
    expect(await examined({ [smartConfiguration]: published(change) })).toEqual([]);
  });

  it('is not reported for a patient that is found by search', async () => {
    const change = { capabilities: ['launch-standalone'] };

    expect(
      await examined({ [smartConfiguration]: published(change) }, { payer: { ...plan, patientFrom: 'search' } }),
    ).toEqual([]);
  });

  it('discovery that differs from the profile in the issuer says that logins are refused', async () => {
    const todos = await examined({ [serverMetadata]: published({ issuer: 'https://plan.test/' }, true) });

    expect(todos).toEqual([
      expect.stringMatching(
        /RFC 8414 metadata: issuer is https:\/\/plan.test\/, .* → write issuer: .* login is refused/,
      ),
    ]);
  });

  it.each([
    [
      'sends no iss',
      published({ authorization_response_iss_parameter_supported: undefined }, true),
      plan,
      'sendsIss: false',
    ],
    ['sends iss', published({}, true), { ...plan, sendsIss: false }, 'write sendsIss: true'],
    ['takes PKCE', published({}, true), withQuirks({ pkce: false }), 'write quirks.pkce: true'],
  ])(
    'discovery that differs from the profile in that the payer %s says what to write',
    async (_, document, payer, todo) => {
      const todos = await examined(
        { [smartConfiguration]: () => json({}, 404), [serverMetadata]: document },
        { payer },
      );

      expect(todos).toEqual([expect.stringContaining(todo)]);
    },
  );

  it('discovery that differs from the profile in a revocation endpoint that the profile lacks says to add it', async () => {
    const { revocationEndpoint: _, ...payer } = plan;

    const todos = await examined({ [serverMetadata]: () => json({}, 404) }, { payer });

    expect(todos).toEqual([expect.stringContaining(`write revocationEndpoint: '${url}/revoke'`)]);
  });

  it.each([
    ['lists no scope for reading, as some do', ['openid', 'fhirUser']],
    ['lists a scope that covers ours', ['patient/*.rs', 'user/*.rs']],
    ['lists scopes that cover ours together', ['patient/*.r', 'patient/Observation.cuds']],
  ])('is not reported if it %s', async (_, listed) => {
    const payer = { ...plan, scopes: ['launch/patient', 'patient/Observation.rs'] };

    expect(await examined({ [smartConfiguration]: published({ scopes_supported: listed }) }, { payer })).toEqual([]);
  });
});

describe('what a document lacks', () => {
  it('is not held against a public client where SMART’s capability names it, and is without', async () => {
    const open: Payer = { ...plan, clientAuthentication: 'none', publicKeys: [] };
    const change = { token_endpoint_auth_methods_supported: ['client_secret_basic'], capabilities: ['client-public'] };
    const smart = published({ ...change, capabilities: ['client-public', 'context-standalone-patient'] });
    const without = published({ ...change, capabilities: undefined });
    const server = published({ token_endpoint_auth_methods_supported: ['none'] }, true);

    expect(await examined({ [smartConfiguration]: smart, [serverMetadata]: server }, { payer: open })).toEqual([]);
    expect(await examined({ [smartConfiguration]: without, [serverMetadata]: server }, { payer: open })).toEqual([
      expect.stringContaining('token_endpoint_auth_methods_supported lacks none'),
    ]);
  });

  it('is not held against a payer that names the patient in a member of its own', async () => {
    const change = { [smartConfiguration]: published({ capabilities: ['launch-standalone'] }) };

    expect(await examined(change, { payer: { ...plan, patientMember: 'patient_id' } })).toEqual([]);
  });
});

describe('the places of an id_token and of userinfo', () => {
  const keysUrl = `${url}/keys`;
  const userinfoUrl = `${url}/userinfo`;
  const withKeys: Payer = { ...plan, patientFrom: 'id_token', jwksUri: keysUrl };
  const withUserinfo: Payer = { ...plan, patientFrom: 'userinfo', userinfoEndpoint: userinfoUrl };

  it('are in order if there are keys, and if userinfo wants a token', async () => {
    expect(await examined({ [keysUrl]: () => json({ keys: [{}] }) }, { payer: withKeys })).toEqual([]);
    expect(await examined({ [userinfoUrl]: () => json({ error: 'x' }, 401) }, { payer: withUserinfo })).toEqual([]);
  });

  it.each<[string, Payer, () => Response, RegExp]>([
    [keysUrl, withKeys, () => page(), /^keys: .* answers 200 and text\/html, not a set of keys → check jwksUri/],
    [keysUrl, withKeys, () => json({ keys: [] }), /^keys: .* not a set of keys/],
    [keysUrl, withKeys, moved, /^keys: .* redirects \(302/],
    [keysUrl, withKeys, () => json({}, 404), /^keys: .* answers 404/],
    [userinfoUrl, withUserinfo, () => json({}, 500), /^userinfo: .* answers 500/],
    [userinfoUrl, withUserinfo, moved, /^userinfo: .* redirects \(302/],
  ])('%s gives one line if it is not', async (at, payer, answer, line) => {
    expect(await examined({ [at]: answer }, { payer })).toEqual([expect.stringMatching(line)]);
  });

  it('are those of each identity provider whose tokens the payer takes', async () => {
    const provider = { issuer: 'https://id.test', jwksUri: keysUrl, algorithms: ['RS256' as const] };
    const other = { ...provider, issuer: 'https://other.test', jwksUri: `${url}/other` };
    const payer: Payer = { ...plan, ...identitiesAt('https://id.test') };
    const lines = (keySet: unknown) =>
      examined({ [keysUrl]: () => json(keySet) }, { payer, identityProviders: [provider, other] });

    expect(await lines({ keys: [{}] })).toEqual([]);
    expect(await lines({})).toEqual([expect.stringMatching(/^keys: .*\/keys answers 200 .* not a set of keys/)]);
  });

  it('agree with what the payer publishes, or both are named', async () => {
    const change = { jwks_uri: `${url}/other`, userinfo_endpoint: `${url}/other` };
    const order = { [keysUrl]: () => json({ keys: [{}] }), [userinfoUrl]: () => json({}, 401) };

    expect(await examined({ ...order, [smartConfiguration]: published(change) }, { payer: withKeys })).toEqual([
      expect.stringContaining(`write jwksUri: '${url}/other'`),
    ]);
    expect(await examined({ ...order, [smartConfiguration]: published(change) }, { payer: withUserinfo })).toEqual([
      expect.stringContaining(`write userinfoEndpoint: '${url}/other'`),
    ]);
    expect(await examined({ [smartConfiguration]: published(change) })).toEqual([]);
  });
});

describe('a former plan', () => {
  const own = 'https://exchange.test';
  const asked: Payer = {
    ...plan,
    exchange: {
      clientId: 'gateway-as-new-plan',
      assertionAlgorithm: 'ES384',
      publicKeys: [es384Jwk('exchange-1').publicJwk],
      scopes: ['system/Group.rs'],
      identifiers: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9876543213' }],
      tokenEndpoint: `${own}/token`,
      fhirBaseUrl: `${own}/r4`,
    },
  };
  const operations = (...names: readonly string[]) => ({
    resourceType: 'CapabilityStatement',
    fhirVersion: '4.0.1',
    rest: [{ mode: 'server', resource: [{ type: 'Group', operation: names.map((name) => ({ name })) }] }],
  });
  const smartAt = `${own}/r4/.well-known/smart-configuration`;
  const document = {
    token_endpoint: `${own}/token`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES384'],
    scopes_supported: ['system/Group.rs'],
  };
  const order = {
    [`${own}/token`]: () => json({ error: 'invalid_client' }, 401),
    [`${own}/r4/Group`]: () => json({}, 401),
    [`${own}/r4/metadata`]: () => json(operations('bulk-member-match', '$davinci-data-export')),
    [smartAt]: () => json(document),
  };
  /** What is to do about the exchange, without the secret's line. */
  const lines = async (changed: Readonly<Record<string, () => Response>>): Promise<string[]> =>
    (await examined({ ...order, ...changed }, { payer: asked })).filter((line) => line.startsWith('exchange'));

  it('is asked for a token without a key, for its Groups and for what it declares, and is in order', async () => {
    const { deps, sent } = payerDeps(order);
    const findings = await examine(deps, 'test', asked);

    expect(findings.filter(({ check }) => check === 'exchange').map(({ text, todo }) => [text, todo])).toEqual([
      [`${own}/token knows client_credentials, and gives nothing without a key (401 invalid_client)`, undefined],
      [`${own}/r4/Group requires a token (401)`, undefined],
      [`${own}/r4/metadata declares $bulk-member-match and $davinci-data-export`, undefined],
    ]);
    const bodies = sent.filter((one) => one.url === `${own}/token`).map(({ init }) => init?.body);
    expect(bodies).toEqual(['grant_type=client_credentials&client_id=gateway-as-new-plan&scope=system%2FGroup.rs']);
    expect(sent.some(({ init }) => new Headers(init?.headers).has('authorization'))).toBe(false);
  });

  it.each<[string, Readonly<Record<string, () => Response>>, string]>([
    [
      'has another grant type',
      { [`${own}/token`]: () => json({ error: 'unsupported_grant_type' }, 400) },
      'does not know client_credentials',
    ],
    ['answers with a page', { [`${own}/token`]: () => page() }, 'not with an OAuth error'],
    [
      'gives tokens to anybody',
      { [`${own}/token`]: () => json({ access_token: 'canary' }) },
      'gives a token to whoever',
    ],
    [
      'shows Groups to anybody',
      { [`${own}/r4/Group`]: () => json({ resourceType: 'Bundle' }) },
      'answers 200 without a token',
    ],
    ['has no Groups', { [`${own}/r4/Group`]: () => json({}, 404) }, 'answers 404'],
    [
      'lost the match',
      { [`${own}/r4/metadata`]: () => json(operations('davinci-data-export')) },
      'lacks the operation $bulk-member-match',
    ],
    [
      'lost the export',
      { [`${own}/r4/metadata`]: () => json(operations('bulk-member-match')) },
      'lacks the operation $davinci-data-export',
    ],
    [
      'moved its tokens',
      { [smartAt]: () => json({ ...document, token_endpoint: `${own}/other` }) },
      `write exchange.tokenEndpoint: '${own}/other'`,
    ],
    [
      'lists no such grant',
      { [smartAt]: () => json({ ...document, grant_types_supported: ['authorization_code'] }) },
      'lacks client_credentials',
    ],
    [
      'takes other keys',
      { [smartAt]: () => json({ ...document, token_endpoint_auth_signing_alg_values_supported: ['RS384'] }) },
      'lacks ES384',
    ],
    [
      'takes no keys',
      { [smartAt]: () => json({ ...document, token_endpoint_auth_methods_supported: ['client_secret_basic'] }) },
      'lacks private_key_jwt',
    ],
    [
      'has other scopes',
      { [smartAt]: () => json({ ...document, scopes_supported: ['system/Patient.rs'] }) },
      'lacks system/Group.rs',
    ],
  ])('that %s gives one line', async (_, changed, line) => {
    const found = await lines(changed);

    expect(found).toEqual([expect.stringContaining(line)]);
    expect(found.join()).not.toContain('canary');
  });

  it('that lists a wider scope than is asked for is well', async () => {
    const wider = { [smartAt]: () => json({ ...document, scopes_supported: ['system/*.rs'] }) };

    expect(await lines(wider)).toEqual([]);
  });

  it.each([
    ['lists no resources', { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' }],
    ['is closed', undefined],
  ])('whose statement %s is not blamed for it', async (_, statement) => {
    const answer = () => (statement === undefined ? json({}, 401) : json(statement));

    expect(await lines({ [`${own}/r4/metadata`]: answer })).toEqual([]);
  });
});

describe('a secret', () => {
  const secret = (value: unknown, payer: Payer = plan): Promise<string[]> =>
    examined(
      {},
      { payer, readSecret: async () => ({ text: typeof value === 'string' ? value : JSON.stringify(value) }) },
    );
  const byPost: Payer = { ...plan, clientAuthentication: 'client_secret_post', publicKeys: [] };
  const withHeader: Payer = { ...byPost, quirks: { ...plan.quirks, secretHeaders: ['X-Key'] } };
  /** The plan's documents list private_key_jwt only; a secret's line is what these tests are about. */
  const secretLines = async (value: unknown, payer?: Payer): Promise<string[]> =>
    (await secret(value, payer)).filter((line) => line.startsWith('secret'));
  const rsaWithoutAlg = { kty: 'RSA', kid: 'plan-1' };

  it.each([
    ['that is empty', '', plan, /is not a JSON object → put \{"private_key_jwk": …\} there/],
    ['that is no JSON', 'canary', plan, /is not a JSON object/],
    [
      'of the wrong kind',
      { client_secret: 'canary' },
      plan,
      /has no private_key_jwk, which clientAuthentication private_key_jwt/,
    ],
    ['of the other wrong kind', { private_key_jwk: keys.privateJwk }, byPost, /has no client_secret/],
    ['with an empty text', { client_secret: '' }, byPost, /client_secret is not a string/],
    ['with a new line at its end', { client_secret: 'canary\n' }, byPost, /starts or ends with a space or a newline/],
    [
      'without the header of the profile',
      { client_secret: 'canary', headers: { 'X-Other': 'canary' } },
      withHeader,
      /has no header X-Key, which quirks.secretHeaders names → put \{"client_secret": …, "headers": \{"X-Key": "…"\}\} there/,
    ],
    [
      'with a header that cannot be sent',
      { client_secret: 'canary', headers: { 'X-Key': 'canary\n' } },
      withHeader,
      /the value of the header X-Key is not a header value/,
    ],
    ['that is no key', { private_key_jwk: rsaWithoutAlg }, plan, /is not a private key → make a pair/],
    ['that is a public key', { private_key_jwk: keys.publicJwk }, plan, /is not a private key/],
    [
      'of another pair',
      { private_key_jwk: es384Jwk('plan-1').privateJwk },
      plan,
      /does not match any of the profile's publicKeys \(plan-1\)/,
    ],
    [
      'without its kid',
      { private_key_jwk: { ...keys.privateJwk, kid: undefined } },
      plan,
      /write "kid": "plan-1" into it/,
    ],
  ])('%s gives one line, which does not quote it', async (_, value, payer, line) => {
    const lines = await secretLines(value, payer);

    expect(lines).toEqual([expect.stringMatching(line)]);
    expect(lines.join()).not.toContain('canary');
    expect(lines.join()).not.toContain(String(keys.privateJwk['d']));
    expect(lines.join()).toContain('p2p/test/payers/plan');
  });

  it('a secret of the right kind passes', async () => {
    expect(await secretLines({ client_secret: 'canary' }, byPost)).toEqual([]);
    expect(await secretLines({ client_secret: 'canary', headers: { 'x-key': 'canary' } }, withHeader)).toEqual([]);
    expect(await secretLines({ headers: { 'X-Key': 'c' } }, { ...withHeader, clientAuthentication: 'none' })).toEqual(
      [],
    );
    expect(await secretLines({ private_key_jwk: keys.privateJwk })).toEqual([]);
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
  const http = async (
    _url: unknown,
    init: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
  ) => {
    asked.push([init.method, init.headers?.['Content-Type'], init.body]);
    return Response.json({});
  };

  await probe(http, 'https://plan.example', { accept: 'application/json', ...request });

  expect(asked).toEqual([[method, type, body]]);
});
