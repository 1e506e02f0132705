import { format } from 'prettier';
import { checkStage } from '../../config/checks/check-stage.ts';
import { blueButtonV3 } from '../../config/product-presets.ts';
import { compareDiscovery } from '../../functions/shared/payer/compare-discovery.ts';
import { words } from '../support/words.ts';
import { answering, learned, pasted } from './learn.ts';
import { json, page } from './payer-deps.ts';

const host = 'https://plan.test';
const base = `${host}/a/fhir/r4`;
const endpoints = { authorization_endpoint: `${host}/authorize`, token_endpoint: `${host}/token` };
const smartConfiguration = {
  ...endpoints,
  token_endpoint_auth_methods_supported: ['client_secret_basic'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['launch/patient', 'patient/*.rs', 'offline_access'],
  capabilities: ['context-standalone-patient', 'permission-offline'],
};
const patients = { resource: [{ type: 'Patient', operation: [{ name: 'everything' }] }] };
const server = (rest: object) => ({ rest: [{ mode: 'server', ...rest }] });
const r4 = { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' };
const dstu2 = { resourceType: 'Conformance', fhirVersion: '1.0.2' };
/** The CapabilityStatement of a base. */
const metadata = (change: object = {}, at = base) => ({
  [`${at}/metadata`]: () => json({ ...r4, ...server(patients), ...change }),
});
const smartAt = (at: string, change: object = {}) => ({
  [`${at}/.well-known/smart-configuration`]: () => json({ ...smartConfiguration, ...change }),
});
/** What is found with metadata and a SMART configuration. */
const smart = (change: object = {}) => ({ ...metadata(), ...smartAt(base, change) });
const oauthUris = (...extension: readonly object[]) =>
  server({ security: { extension: [{ url: 'http://x/oauth-uris', extension }] } });
const oauthToken = (valueUri: string) => ({ url: 'token', valueUri });
const listing = (types: readonly string[]) =>
  server({
    resource: types.map((type) => ({ type, searchParam: [{ name: type === 'Patient' ? '_id' : 'patient' }] })),
  });
const oauthError = {
  [`${host}/token`]: () => json({ error: 'invalid_request' }, 400),
  [`${host}/authorize`]: () => page(400),
};

/** What the tool learns of a payer with these answers: its profile, the comments of its entry, and its notes. */
const learnedFrom = async (answers: Readonly<Record<string, () => Response>>, url = base) => {
  const { http, asked } = answering(answers);
  const { out, notes } = await learned(http, url);
  const program = JSON.parse((await learned(http, url, { json: true })).out) as { ask: string[] };
  return { out, notes, payer: pasted(out), ask: program.ask, asked };
};
const refusal = (answers: Readonly<Record<string, () => Response>>, url = base): Promise<string> =>
  learned(answering(answers).http, url).then(
    () => 'no refusal',
    (error: unknown) => (error as Error).message,
  );

/** The comment above a field. */
const above = (out: string, field: string): string =>
  new RegExp(`((?:^ *// .*\\n)+) *${field}: `, 'm')
    .exec(out)?.[1]
    ?.replaceAll(/\s*\/\/ /g, ' ')
    .trim() ?? '';

const passes = (out: string): void => {
  expect(() => checkStage({ stage: 'x', production: false, payers: [pasted(out)], partners: [] }, 'x')).not.toThrow();
};

describe('learn', () => {
  it.each([
    ['below the base', base],
    ['above the base', `${host}/a`],
    ['at the origin', host],
  ])('finds smart-configuration %s, and says where', async (_, at) => {
    const { payer, out, notes } = await learnedFrom({ ...metadata(), ...oauthError, ...smartAt(at) });

    expect(payer).toMatchObject({ tokenEndpoint: `${host}/token`, clientAuthentication: 'client_secret_basic' });
    expect(above(out, 'tokenEndpoint')).toBe(`Read: token_endpoint in ${at}/.well-known/smart-configuration`);
    expect(notes).toContain(`${at}/.well-known/smart-configuration`);
    passes(out);
  });

  it.each([
    ['OpenID configuration at the origin', '', '/.well-known/openid-configuration'],
    ['OpenID configuration above the token endpoint', '/realms/x', '/realms/x/.well-known/openid-configuration'],
    ['RFC 8414 metadata of an issuer with a path', '/realms/x', '/.well-known/oauth-authorization-server/realms/x'],
  ])('finds %s, and takes its issuer', async (_, path, place) => {
    const [token, issuer, url] = [`${host}/realms/x/protocol/token`, host + path, host + place];
    const sendsIss = { authorization_response_iss_parameter_supported: true };

    const { payer, out } = await learnedFrom({
      ...metadata(oauthUris(oauthToken(token))),
      [url]: () => json({ ...endpoints, token_endpoint: token, issuer, ...sendsIss }),
    });

    expect(payer).toMatchObject({ issuer, sendsIss: true, tokenEndpoint: token });
    expect(above(out, 'issuer')).toBe(`Read: issuer in ${url}`);
  });

  it('takes no issuer from a document that is not where that issuer has to publish it', async () => {
    const other = () => json({ ...endpoints, issuer: 'https://other.test' });
    const { payer } = await learnedFrom({ ...smart(), [`${host}/.well-known/openid-configuration`]: other });

    expect(payer.issuer).toBeUndefined();
  });

  it.each([
    ['a SMART configuration', smart()],
    ['a CapabilityStatement alone', metadata()],
  ])(
    'has a comment above every field, in the format of the repository, and passes the check: %s',
    async (_, answers) => {
      const { out } = await learnedFrom(answers);
      const lines = out.split('\n');
      const fields = lines.flatMap((line, index) => (/^ {8}(?: {2})?[a-zA-Z]+: /.test(line) ? [index] : []));
      const bare = fields.filter(
        (index) => !/^ *\/\/ /.test(lines[index - 1] ?? '') && lines[index]?.endsWith('quirks: {') !== true,
      );
      const file = `export const stage = {\n  x: {\n    payers: [\n${out}\n    ],\n  },\n};\n`;

      expect(fields.length).toBeGreaterThan(10);
      expect(bare.map((index) => lines[index])).toEqual([]);
      for (const label of ['Read', 'Guess', 'Ask the payer']) expect(out).toMatch(new RegExp(`^ *// ${label}: `, 'm'));
      expect(await format(file, { parser: 'typescript', printWidth: 120, singleQuote: true })).toBe(file);
      passes(out);
    },
  );

  it('says which document says otherwise', async () => {
    const { payer, out } = await learnedFrom({ ...smart(), ...metadata(oauthUris(oauthToken(`${host}/old/token`))) });

    expect(payer.tokenEndpoint).toBe(`${host}/token`);
    expect(above(out, 'tokenEndpoint')).toContain(`${host}/old/token; ask which one is right`);
  });

  it('asks about everything in which documents differ, as drift would the next day', async () => {
    const [first, second] = [`${base}/.well-known/smart-configuration`, `${host}/.well-known/openid-configuration`];
    const own = {
      issuer: host,
      token_endpoint_auth_methods_supported: ['none'],
      code_challenge_methods_supported: ['plain'],
      revocation_endpoint: `${host}/revoke`,
    };
    const other = {
      ...endpoints,
      issuer: host,
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code'],
      revocation_endpoint: `${host}/old/revoke`,
    };
    const { payer, out, ask } = await learnedFrom({ ...smart(own), [second]: () => json(other) });

    expect(payer).toMatchObject({ clientAuthentication: 'none', quirks: { pkce: true } });
    expect(above(out, 'clientAuthentication')).toBe(
      `Ask the payer: token_endpoint_auth_methods_supported in ${first} (none). In ${second} token_endpoint_auth_methods_supported lacks none (it has client_secret_basic); ask which one is right`,
    );
    expect(above(out, 'pkce')).toBe(
      `Ask the payer: code_challenge_methods_supported in ${second} (S256). In ${first} code_challenge_methods_supported lacks S256 (it has plain), but the profile sends it; ask which one is right`,
    );
    const drift = [
      ...compareDiscovery({ name: 'smart-configuration', url: first, body: { ...smartConfiguration, ...own } }, payer),
      ...compareDiscovery({ name: 'OpenID configuration', url: second, body: other }, payer),
    ];
    expect(new Set(drift.map(({ field }) => field))).toEqual(
      new Set(['clientAuthentication', 'quirks.pkce', 'revocationEndpoint', 'refresh tokens']),
    );
    for (const { field } of drift) expect(ask.filter((one) => one.startsWith(`${field}: `))).toHaveLength(1);
  });

  it('passes over endpoints of a CapabilityStatement that have no name or no URL', async () => {
    const nameless = { valueUri: `${host}/nameless` };
    const uris = oauthUris(nameless, oauthToken(`${host}/stated`), { url: 'token' }, oauthToken(''));

    expect((await learnedFrom(metadata(uris))).payer.tokenEndpoint).toBe(`${host}/stated`);
  });

  it('tries the endpoints without a member, and says what does not answer as one', async () => {
    const { notes } = await learnedFrom({ ...smart(), [`${host}/token`]: () => page(200) });

    expect(notes).toMatch(
      /✗ https:\/\/plan\.test\/authorize answers 404[^]*✗ https:\/\/plan\.test\/token answers an empty request with 200/,
    );
  });

  it.each([
    ['none', undefined, 'none'],
    ['client_secret_jwt client_secret_post none', undefined, 'client_secret_post'],
    ['client_secret_basic private_key_jwt', undefined, 'private_key_jwt'],
    ['client_secret_post client_secret_basic', undefined, 'client_secret_basic'],
    [undefined, 'client-public', 'none'],
    [undefined, 'client-confidential-asymmetric client-confidential-symmetric client-public', 'private_key_jwt'],
    [undefined, 'client-public client-confidential-symmetric', 'client_secret_basic'],
  ])(
    'authenticates by the strongest way of the methods %s and the capabilities %s: %s',
    async (methods, can, method) => {
      const change = { token_endpoint_auth_methods_supported: methods && words(methods) };
      const { payer, out } = await learnedFrom(
        smart(can === undefined ? change : { ...change, capabilities: words(can) }),
      );

      expect(payer.clientAuthentication).toBe(method);
      passes(out);
    },
  );

  it.each([
    ['no method that the gateway has', ['tls_client_auth'], /^clientAuthentication: .* lists tls_client_auth$/m],
    ['nothing', undefined, /^clientAuthentication: how does it register the gateway\? Nothing is published$/m],
  ])('asks how the gateway authenticates if the payer lists %s', async (_, methods, line) => {
    const change = { token_endpoint_auth_methods_supported: methods, capabilities: undefined };
    const { payer, ask } = await learnedFrom(smart(change));

    expect(payer.clientAuthentication).toBe('client_secret_basic');
    expect(ask.join('\n')).toMatch(line);
  });

  const all = 'launch/patient patient/*.rs offline_access';
  it.each<[scopes?: string, capabilities?: string, asks?: string, patientFrom?: string]>([
    ['launch/patient patient/*.rs patient/*.read offline_access', 'context-standalone-patient', all, 'token'],
    ['patient/*.read', '', 'patient/*.read', 'search'],
    [undefined, 'context-standalone-patient permission-offline', all, 'token'],
    [undefined, 'permission-v1', 'patient/*.read', 'search'],
    [undefined, 'permission-v1 permission-v2', 'patient/*.rs', 'search'],
    ['launch/patient patient/*.rs', undefined, 'launch/patient patient/*.rs', 'token'],
    [undefined, undefined, all, 'token'],
    ['patient/*.*', '', 'patient/*.read', 'search'],
    ['patient/*.cruds', '', 'patient/*.rs', 'search'],
    ['patient/*.r patient/*.s', '', 'patient/*.rs', 'search'],
  ])(
    'of a payer that lists the scopes %s and the capabilities %s asks for %s, and finds the patient by %s',
    async (listed, can, asks = '', patientFrom = '') => {
      const capabilities = can === '' ? [] : can && words(can);
      const { payer, out } = await learnedFrom(smart({ scopes_supported: listed && words(listed), capabilities }));

      expect(payer).toMatchObject({ scopes: words(asks), patientFrom });
      if (listed !== undefined) expect(above(out, 'scopes')).toMatch(/^Read: scopes_supported in /);
      passes(out);
    },
  );

  it.each([
    [401, true],
    [403, true],
    [404, false],
  ])(
    'takes a base whose metadata answers %i for one if smart-configuration is above it: %s',
    async (status, isBase) => {
      const answers = { [`${base}/metadata`]: () => json({}, status), ...smartAt(host) };

      if (isBase) expect((await learnedFrom(answers)).payer.fhirBaseUrl).toBe(base);
      else expect(await refusal(answers)).toMatch(/^No payer publishes anything at /);
    },
  );

  it.each([
    ['metadata', '/metadata'],
    ['smart-configuration', '/.well-known/smart-configuration'],
    ['OpenID configuration', '/.well-known/openid-configuration'],
    ['the base with slashes', '//'],
  ])('takes the URL of %s for the base below which it is', async (_, path) => {
    expect((await learnedFrom(smart(), base + path)).payer.fhirBaseUrl).toBe(base);
  });

  it.each([
    ['P'.repeat(80), 'P'.repeat(80)],
    ['P'.repeat(81), 'plan.test'],
    [' ', 'plan.test'],
    ['Plan\u2010A of Ω', 'Plan-A of'],
    ['健康', 'plan.test'],
  ])('takes the publisher %j for a name that members see: %s', async (publisher, displayName) => {
    const { payer } = await learnedFrom({ ...smart(), ...metadata({ publisher }) });

    expect(payer.displayName).toBe(displayName);
  });

  it.each(['everything', '$everything'])('finds that a payer has the operation %s', async (name) => {
    const resource = [{ type: 'Patient', operation: [{ name }] }];
    const rest = [{ mode: 'server', resource }, { mode: 'client' }];

    expect((await learnedFrom({ ...smart(), ...metadata({ rest }) })).payer.everything).toBe(true);
  });

  it('asks for the types that a payer lists where it lists no wildcard, and reads them one by one', async () => {
    const types = words('Condition ExplanationOfBenefit Patient Nonsense');
    const scopes_supported = [...types.map((type) => `patient/${type}.read`), 'patient/Condition.write', 'openid'];

    const { payer, out } = await learnedFrom({ ...smart({ scopes_supported }), ...metadata(listing(types)) });

    expect(payer).toMatchObject({
      scopes: words(`
        launch/patient patient/Condition.read patient/ExplanationOfBenefit.read patient/Patient.read offline_access
      `),
      everything: false,
      wholeRecord: { searches: ['Condition', 'ExplanationOfBenefit'] },
    });
    passes(out);
  });

  it.each([
    [406, 'application/json+fhir'],
    [415, 'application/json+fhir'],
    [400, undefined],
  ])('learns the media type of a server that answers %i to that of FHIR: %s', async (status, mediaType) => {
    const { http } = answering(smartAt(base));
    const { out } = await learned(async (url, init) => {
      if (String(url) !== `${base}/metadata`) return http(url, init);
      return init?.headers?.['Accept'] === 'application/json+fhir' ? json(r4) : page(status);
    }, base);

    expect(pasted(out).quirks.fhirMediaType).toBe(mediaType);
    passes(out);
  });

  it('reads capabilities in the CapabilityStatement too', async () => {
    const url = 'http://fhir-registry.smarthealthit.org/StructureDefinition/capabilities';
    const stated = server({ security: { extension: [{ url, valueCode: 'context-standalone-patient' }] } });
    const { payer } = await learnedFrom({ ...smart({ capabilities: ['client-public'] }), ...metadata(stated) });

    expect(payer.patientFrom).toBe('token');
  });

  const failing = (code: string) => () => {
    throw Object.assign(new Error('x'), { code });
  };
  it.each<[string, () => Response, RegExp]>([
    [
      'that answers with a page',
      () => page(),
      /answers 200 and text\/html, not a CapabilityStatement; check fhirBaseUrl/,
    ],
    [
      'that redirects to a login',
      () => new Response(null, { status: 302, headers: { location: 'https://login.test/' } }),
      /redirects \(302 to https:\/\/login\.test\/\), which the gateway does not follow/,
    ],
    [
      'of DSTU2',
      () => json(dstu2),
      /FHIR DSTU2 \(a Conformance\), but the gateway reads R4; ask the payer for its FHIR R4 base URL/,
    ],
    ['of R5', () => json({ ...r4, fhirVersion: '5.0.0' }), /FHIR 5\.0\.0, but the gateway reads R4/],
    [
      'whose certificate has expired',
      failing('CERT_HAS_EXPIRED'),
      /is not trusted: its certificate has expired; ask the payer to renew it/,
    ],
    ['that speaks no TLS', failing('EPROTO'), /does not speak TLS 1\.2 or later there/],
    ['that is not there', () => new Response('', { status: 404 }), /metadata answers 404: not found/],
  ])('refuses a URL %s, and says what to do', async (_, answer, message) => {
    expect(await refusal({ [`${base}/metadata`]: answer })).toMatch(message);
  });

  it('of two bases names the types of the second, and asks where those are that both list', async () => {
    const further = `${host}/pharmacy/r4`;
    const first = { ...smart(), ...metadata(listing(['Patient', 'Coverage', 'Condition'])), ...oauthError };
    const both = { ...first, ...metadata(listing(['Patient', 'Condition', 'Goal']), further) };
    const { out, notes } = await learned(answering(both).http, base, { further });

    passes(out);
    expect(pasted(out)).toMatchObject({
      everything: false,
      furtherBases: [{ fhirBaseUrl: further, types: ['Condition', 'Goal'] }],
    });
    expect(notes).toContain(
      `  furtherBases: ${further}/metadata lists them; fhirBaseUrl lists Condition too, and its own are not read of a type that is here: where is each?`,
    );
    const silent = answering({ ...first, ...metadata({}, further) });
    await expect(learned(silent.http, base, { further })).rejects.toThrow('write furtherBases by hand');
  });

  it('refuses a server of another release, whatever else it publishes', async () => {
    expect(await refusal({ ...smart(), ...metadata(dstu2) })).toMatch(/DSTU2/);
  });

  it('refuses a URL below which nothing is, and names what is published above it', async () => {
    const place = `${host}/.well-known/smart-configuration`;

    expect(await refusal(smartAt(host))).toContain(`${place} is published, but says nothing about`);
  });
});

describe('what a payer publishes', () => {
  const attack = 'x\'"`${globalThis.pwned = 1}*/\n*/ globalThis.pwned = 1; /*\r\u2028\u2029\u202e//\\';
  const hostile = {
    issuer: attack,
    revocation_endpoint: `${host}/revoke?x='*/\n;globalThis.pwned=1`,
    userinfo_endpoint: attack,
    token_endpoint_auth_methods_supported: [attack, 'client_secret_post'],
    scopes_supported: [attack, 'patient/*.rs', 'patient/Patient.rs*/'],
    capabilities: [attack],
    code_challenge_methods_supported: ['S256', attack],
  };

  it('stays in the strings and comments of the entry, whatever is in it', async () => {
    const uris = { url: 'http://x/oauth-uris', extension: [oauthToken(`${host}/t'*/;globalThis.pwned=1//`)] };
    const security = { extension: [uris, { url: 'http://x/capabilities', valueCode: attack }] };
    const resource = [{ type: attack, searchParam: [{ name: 'patient' }] }];
    const implementation = { url: `http://x/'*/globalThis.pwned=1` };
    const { out, notes, payer } = await learnedFrom({
      ...metadata({ publisher: attack, format: [attack], implementation, ...server({ security, resource }) }),
      ...smartAt(base, hostile),
    });

    expect((globalThis as { pwned?: number }).pwned).toBeUndefined();
    expect(payer).toMatchObject({ displayName: 'plan.test', clientAuthentication: 'client_secret_post' });
    // One member or comment a line: nothing has broken out of its line, and nothing is hidden in it.
    for (const line of out.split('\n')) {
      expect(line).toMatch(/^ {6}(?:smart\(\{|\}\),)$|^ {8,}(?:\/\/ .*|[a-zA-Z]+: .*|\},|\],|'.*',)$/);
    }
    expect((out + notes).replaceAll('\n', '')).not.toMatch(/\p{C}|[\u2028\u2029]/u);
    passes(out);
  });

  it.each([
    ['an address of a private network', 'http://169.254.169.254/latest'],
    ['this machine', 'http://127.0.0.1:3004/token'],
    ['plain http', 'http://plan.test/token'],
    ['no URL', 'javascript:alert(1)'],
    ['a URL without end', `https://plan.test/${'a'.repeat(5000)}`],
  ])('is asked about instead of asked, where a token endpoint is %s', async (_, url) => {
    const { payer, ask, asked, out } = await learnedFrom(smart({ token_endpoint: url }));

    expect(payer.tokenEndpoint).toBe('https://ask-the-payer.invalid/token');
    expect(ask.join('\n')).toMatch(/^tokenEndpoint: token_endpoint in https:\/\/plan\.test\/\S+ /m);
    expect(asked.filter((one) => !one.startsWith(`${host}/`))).toEqual([]);
    passes(out);
  });

  it('is read at a bounded number of places, however long its URLs are', async () => {
    const deep = `${host}/${'a/'.repeat(50)}r4`;
    const change = { token_endpoint: `${host}/${'b/'.repeat(50)}token`, issuer: `${host}/${'c/'.repeat(50)}` };
    const { asked } = await learnedFrom({ ...metadata({}, deep), ...smartAt(deep, change) }, deep);

    expect(new Set(asked).size).toBeLessThanOrEqual(8 * 3 + 8 * 2 + 4);
  });
});

it('asks what a payer that declares the operations of a former plan does not publish, with what it does', async () => {
  const former = 'https://former.test/r4';
  const resource = [{ type: 'Group', operation: [{ name: 'bulk-member-match' }, { name: 'davinci-data-export' }] }];
  const place = `${former}/.well-known/smart-configuration`;
  const published = {
    authorization_endpoint: 'https://former.test/authorize',
    token_endpoint: 'https://former.test/token',
    grant_types_supported: ['authorization_code', 'client_credentials'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384'],
    scopes_supported: ['patient/*.rs', 'system/Group.rs'],
  };
  const answers = { ...metadata(server({ resource }), former), [place]: () => json(published) };
  const { ask } = await learnedFrom(answers, former);

  expect(ask).toContain(
    `exchange: ${former}/metadata declares $bulk-member-match and $davinci-data-export: it answers other plans (docs/payers.md, "Payer-to-payer exchange"). Published: scopes: ["system/Group.rs"] (scopes_supported in ${place}), assertionAlgorithm: 'RS384' (token_endpoint_auth_signing_alg_values_supported in ${place}). Which client id of its own for our key, which identifiers (NPI) name the plan in a Consent, are other hosts for status and files, _typeFilter, and a token for files?`,
  );
});

describe('a payer that takes identity tokens', () => {
  const blueButton = 'https://sandbox.bluebutton.cms.gov/v3';
  const place = `${blueButton}/fhir/.well-known/smart-configuration`;
  /** What its version 3 publishes: the code of its server (CMSgov/bluebutton-web-server, apps/wellknown, 2026-08-21). */
  const document = {
    authorization_endpoint: `${blueButton}/o/authorize`,
    revocation_endpoint: `${blueButton}/o/revoke_token`,
    token_endpoint: `${blueButton}/o/token`,
    grant_types_supported: ['authorization_code', 'client_credentials'],
    response_types_supported: ['code', 'token'],
    scopes_supported: words(
      `openid profile launch/patient patient/Patient.read patient/ExplanationOfBenefit.read patient/Coverage.read
       patient/Patient.rs patient/ExplanationOfBenefit.rs patient/Coverage.rs`,
    ),
    code_challenge_methods_supported: ['S256'],
    capabilities: words(
      `client-confidential-symmetric context-standalone-patient launch-standalone permission-offline permission-patient
       permission-v1 permission-v2 authorize-post client-confidential-asymmetric`,
    ),
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS256', 'RS384', 'RS512'],
  };
  const learnedOf = (change: object) =>
    learnedFrom({ [place]: () => json({ ...document, ...change }) }, `${blueButton}/fhir`);

  it('is asked about them, and how it authenticates the rest, by learn', async () => {
    const { payer, ask } = await learnedOf({});

    expect(payer).toMatchObject({
      tokenEndpoint: `${blueButton}/o/token`,
      clientAuthentication: 'client_secret_basic',
    });
    expect(ask).toEqual(
      expect.arrayContaining([
        `identitySignIn: grant_types_supported in ${place} lists client_credentials, and no system scopes. Does it answer apps with members' identity tokens (docs/payers.md, "Sign-in without a portal")? From which identity providers, signed with one of ES384, RS256, RS384, RS512, with which aud (${blueButton}/o/token, to the letter?), and how does it say that nobody matches?`,
        `clientAuthentication: token_endpoint_auth_methods_supported in ${place} (private_key_jwt) is all, but client-confidential-symmetric is in capabilities in ${place}: which one is for codes and refreshes?`,
      ]),
    );
  });

  it.each([
    ['serves systems', { scopes_supported: ['system/*.rs', 'patient/*.rs'] }],
    ['lists no such grant', { grant_types_supported: ['authorization_code'] }],
  ])('is not asked if it %s', async (_, change) => {
    expect((await learnedOf(change)).ask.join()).not.toContain('identitySignIn');
  });

  it('publishes nothing that its preset does not have', () => {
    const payer = blueButtonV3({ id: 'medicare', displayName: 'Medicare', clientId: 'us', publicKeys: [] });
    const compare = (change: object) =>
      compareDiscovery({ name: 'smart-configuration', url: place, body: { ...document, ...change } }, payer).map(
        ({ field, text }) => `${field}: ${text}`,
      );

    expect(compare({})).toEqual([]);
    expect(compare({ grant_types_supported: ['authorization_code', 'refresh_token'] })).toEqual([
      'identitySignIn: grant_types_supported lacks client_credentials (it has authorization_code, refresh_token)',
    ]);
    expect(compare({ token_endpoint_auth_signing_alg_values_supported: ['RS384'] })).toEqual([
      'identitySignIn.assertionAlgorithm: token_endpoint_auth_signing_alg_values_supported lacks ES384 (it has RS384)',
    ]);
    expect(compare({ scopes_supported: ['patient/Patient.read', 'patient/Coverage.read'] })).toContain(
      'identitySignIn.scopes: scopes_supported lacks patient/ExplanationOfBenefit.read (it has patient/Patient.read, patient/Coverage.read)',
    );
    // Its assertions name the token endpoint to the letter.
    expect(compare({ token_endpoint: `${blueButton}/o/token/` })).toHaveLength(1);
  });
});
