import { createHash, generateKeyPairSync } from 'node:crypto';
import { checkStage } from '../../config/check.ts';
import { hash, problems, publicApp, stage } from './stages.ts';

const jwkOf = (type: 'P-384' | 'P-256' | 'rsa-2048' | 'rsa-1024', half: 'publicKey' | 'privateKey' = 'publicKey') => {
  const pair = type.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: Number(type.slice(4)) })
    : generateKeyPairSync('ec', { namedCurve: type });
  return { ...pair[half].export({ format: 'jwk' }), kid: type } as Record<string, unknown>;
};

const p384 = jwkOf('P-384');

const keyApp = { clientAuthentication: ['private_key_jwt'], secretHashes: [] };
describe('checkStage', () => {
  it('fills in the defaults', () => {
    const config = checkStage(stage(), 'stage.json');
    expect(config.lifetimes).toEqual({
      loginAttempt: 1800,
      code: 60,
      accessToken: 3600,
      grant: 15_552_000,
      refreshGrace: 60,
      publicRefreshGrace: 10,
    });
    expect(config).not.toHaveProperty('origin');
    expect(config.payers[0]).toMatchObject({
      fhirBaseUrlAliases: [],
      sendsIss: false,
      everything: true,
      patientFrom: 'token',
      quirks: { responseType: true, aud: true, pkce: true, redirectUriAtToken: true, signInOrigins: [] },
    });
    expect(config.partners[0]).toMatchObject({
      pkceOptional: false,
      consent: 'gateway',
      webOrigins: [],
      rate: { perSecond: 50, burst: 100 },
    });
  });

  it('reports every problem in one line with the file, the field, what is wrong and what to write', () => {
    const value = stage({
      payer: { fhirBaseUrl: 'https://plan.example.org/r4/', id: 'Plan A' },
      partner: { name: '', payers: ['Plan A'] },
    });
    expect(problems(value)).toEqual([
      'payers[0].id: is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
      'payers[0].fhirBaseUrl: ends in a slash; write "https://plan.example.org/r4"',
      'partners[0].name: is empty; write some text',
    ]);
  });

  it.each([
    ['nothing', undefined, '(top level): is missing; write an object'],
    ['null', null, '(top level): is null; write an object'],
    ['a list', [], '(top level): is an array; write an object'],
    ['a string', 'local', '(top level): is a string; write an object'],
  ])('refuses %s instead of a stage', (_title, value, line) => {
    expect(problems(value)).toEqual([line]);
  });

  it.each([
    ['at the top', stage({ stage: { colour: 'red' } }), 'colour'],
    ['in a payer', stage({ payer: { since: 'x' } }), 'payers[0].since'],
    ['in quirks', stage({ payer: { quirks: { nonce: true } } }), 'payers[0].quirks.nonce'],
    ['in a partner', stage({ partner: { phone: 'x' } }), 'partners[0].phone'],
    ['in a rate', stage({ partner: { rate: { perSecond: 1, burst: 1, x: 1 } } }), 'partners[0].rate.x'],
    ['in lifetimes', stage({ stage: { lifetimes: { refresh: 1 } } }), 'lifetimes.refresh'],
    ['in a web ACL', stage({ stage: { waf: { requestsPer5Minutes: 100, rules: [] } } }), 'waf.rules'],
    [
      'in a network',
      stage({ stage: { network: { availabilityZones: 1, cidr: '10.0.0.0/16', nat: 1 } } }),
      'network.nat',
    ],
    ['in retention', stage({ stage: { retention: { days: 1 } } }), 'retention.days'],
    ['in throttling', stage({ stage: { throttling: { rate: 1 } } }), 'throttling.rate'],
    ['in concurrency', stage({ stage: { concurrency: { canary: 1 } } }), 'concurrency.canary'],
  ])('refuses an unknown field %s', (_title, value, field) => {
    expect(problems(value)).toEqual([`${field}: is not a known field; check its spelling, or remove it`]);
  });

  it.each([
    ['a missing field', { payer: { tokenEndpoint: undefined } }, 'payers[0].tokenEndpoint: is missing; write a string'],
    [
      'a field of the wrong type',
      { payer: { everything: 'yes' } },
      'payers[0].everything: is a string; write a boolean',
    ],
    ['NaN', { stage: { lifetimes: { code: Number.NaN } } }, 'lifetimes.code: is not a number; write one'],
    [
      'an infinite lifetime',
      { stage: { lifetimes: { grant: Infinity } } },
      'lifetimes.grant: is infinite; write a finite number',
    ],
    ['a number in quotes', { stage: { lifetimes: { code: '60' } } }, 'lifetimes.code: is a string; write a number'],
    [
      'a number instead of a string',
      { payer: { displayName: 7 } },
      'payers[0].displayName: is a number; write a string',
    ],
    [
      'an array instead of an object',
      { payer: { quirks: { extraAuthorizeParameters: [] } } },
      'payers[0].quirks.extraAuthorizeParameters: is an array; write an object',
    ],
    [
      'a rate of zero',
      { partner: { rate: { perSecond: 0, burst: 1 } } },
      'partners[0].rate.perSecond: is too small; write more than 0',
    ],
    [
      'half a burst',
      { partner: { rate: { perSecond: 1, burst: 1.5 } } },
      'partners[0].rate.burst: is not a whole number; write one',
    ],
    [
      'a burst of zero',
      { partner: { rate: { perSecond: 1, burst: 0 } } },
      'partners[0].rate.burst: is too small; write at least 1',
    ],
    [
      'a burst that is too big',
      { partner: { rate: { perSecond: 1, burst: 1e17 } } },
      /rate\.burst: is too big; write at most/,
    ],
    [
      'an unknown choice',
      { partner: { consent: 'nobody' } },
      'partners[0].consent: is not known; write one of "gateway", "partner"',
    ],
    [
      'a missing choice',
      { payer: { clientAuthentication: undefined } },
      /clientAuthentication: is missing; write one of "client_secret_basic"/,
    ],
    ['no payer at all', { stage: { payers: [] } }, /payers: is empty; write at least one payer/],
  ])('says what to write for %s', (_title, changes, line) => {
    const [first = ''] = problems(stage(changes));
    expect(first).toEqual(line instanceof RegExp ? expect.stringMatching(line) : line);
  });
});

describe('lifetimes', () => {
  it('may be shorter than the default but not longer', () => {
    expect(problems(stage({ stage: { lifetimes: { grant: 86_400, accessToken: 300, refreshGrace: 0 } } }))).toEqual([]);
    expect(problems(stage({ stage: { lifetimes: { accessToken: 3601 } } }))).toEqual([
      'lifetimes.accessToken: is longer than allowed; write at most 3600 (seconds)',
    ]);
    expect(problems(stage({ stage: { lifetimes: { accessToken: 0 } } }))).toEqual([
      'lifetimes.accessToken: is too short; write at least 1 (seconds)',
    ]);
  });

  it('allow a code 300 seconds in stage local only', () => {
    expect(problems(stage({ stage: { stage: 'local', lifetimes: { code: 300 } } }))).toEqual([]);
    expect(problems(stage({ stage: { stage: 'local', lifetimes: { code: 301 } } }))).toHaveLength(1);
    expect(problems(stage({ stage: { lifetimes: { code: 61 } } }))).toEqual([
      'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)',
    ]);
  });
});

describe('ids', () => {
  it.each(['', 'Plan', 'plan_a', 'plan/a', 'plan.a', 'plän', 'a'.repeat(65)])('refuses the id "%s"', (id) => {
    expect(problems(stage({ payer: { id }, partner: { payers: [id] } }))[0]).toMatch(
      /^payers\[0\]\.id: is not a valid id/,
    );
    expect(problems(stage({ partner: { clientId: id } }))[0]).toMatch(/^partners\[0\]\.clientId: is not a valid id/);
    expect(problems(stage({ stage: { stage: id } }))[0]).toMatch(/^stage: is not a valid id/);
  });

  it('refuses the same id twice', () => {
    const { payers, partners } = stage();
    expect(problems({ stage: 'test', production: false, payers: [...payers, ...payers], partners })).toEqual([
      'payers[1].id: "plan" appears twice; write each value only once',
    ]);
    expect(problems({ stage: 'test', production: false, payers, partners: [...partners, ...partners] })).toEqual([
      'partners[1].clientId: "app" appears twice; write each value only once',
    ]);
  });

  it.each<[field: string, partner: object, line: string]>([
    [
      'way to authenticate',
      { clientAuthentication: ['client_secret_basic', 'client_secret_basic'] },
      'clientAuthentication[1]: "client_secret_basic" appears twice; write each value only once',
    ],
    [
      'redirect URI',
      { redirectUris: ['https://app.example.org/a', 'https://app.example.org/b', 'https://app.example.org/a'] },
      'redirectUris[2]: "https://app.example.org/a" appears twice; write each value only once',
    ],
    ['payer', { payers: ['plan', 'plan'] }, 'payers[1]: "plan" appears twice; write each value only once'],
    ['hash', { secretHashes: [hash, hash] }, `secretHashes[1]: "${hash}" appears twice; write each value only once`],
    [
      'scope',
      { scopes: ['patient/*.rs', 'patient/*.rs'] },
      'scopes[1]: "patient/*.rs" appears twice; write each value only once',
    ],
  ])('refuses the same %s twice in a partner', (_field, partner, line) => {
    expect(problems(stage({ partner }))).toEqual([`partners[0].${line}`]);
  });

  it('suggests at most ten payers for one that does not exist', () => {
    const [payer] = stage().payers;
    const payers = Array.from({ length: 11 }, (_, index) => ({
      ...payer,
      id: `p${index}`,
      fhirBaseUrl: `https://plan.example.org/${index}`,
    }));
    expect(problems(stage({ stage: { payers } }))).toEqual([
      'partners[0].payers[0]: "plan" is not a payer of this stage; write one of: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9',
    ]);
  });

  it('refuses a partner whose payer does not exist', () => {
    expect(problems(stage({ partner: { payers: ['plan', 'plam'] } }))).toEqual([
      'partners[0].payers[1]: "plam" is not a payer of this stage; write one of: plan',
    ]);
  });
});

describe('the rule for a field', () => {
  const plainHttp = 'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])';

  it.each<[field: string, changes: Parameters<typeof stage>[0], message: string]>([
    [
      'origin',
      { stage: { origin: 'https://gateway.example.org/prod' } },
      'is more than an origin; write "https://gateway.example.org"',
    ],
    [
      'payers[0].fhirBaseUrl',
      { payer: { fhirBaseUrl: 'https://plan.example.org/r4/' } },
      'ends in a slash; write "https://plan.example.org/r4"',
    ],
    [
      'payers[0].fhirBaseUrlAliases[1]',
      { payer: { fhirBaseUrlAliases: ['http://Internal:8080/fhir', '/fhir'] } },
      'is not an http or https URL; write an absolute one',
    ],
    [
      'payers[0].authorizationEndpoint',
      { payer: { authorizationEndpoint: 'https://plan.example.org/a?scope=x' } },
      'has "scope" in its query, a parameter that the gateway sets itself; remove it',
    ],
    ['payers[0].tokenEndpoint', { payer: { tokenEndpoint: 'http://plan.example.org/x' } }, plainHttp],
    ['payers[0].revocationEndpoint', { payer: { revocationEndpoint: 'http://plan.example.org/x' } }, plainHttp],
    [
      'payers[0].issuer',
      { payer: { issuer: 'https://plan.example.org/?x' } },
      'has a query; write the issuer as the payer publishes it',
    ],
    [
      'payers[0].clientId',
      { payer: { clientId: ' a' } },
      'is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it',
    ],
    [
      'payers[0].scopes[0]',
      { payer: { scopes: ['patient/*.write'] } },
      '"patient/*.write" allows more than reading, but the gateway only reads; write a read scope',
    ],
    [
      'payers[0].quirks.extraAuthorizeParameters.state',
      { payer: { quirks: { extraAuthorizeParameters: { prompt: 'login', state: 'x' } } } },
      'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead',
    ],
    [
      'payers[0].searchParameters.observation',
      { payer: { searchParameters: { observation: ['device-serial'] } } },
      'is not a FHIR R4 resource type; write one, such as Observation, or "*" for all types',
    ],
    [
      'payers[0].searchParameters.Observation[1]',
      { payer: { searchParameters: { Observation: ['device-serial', '_filter'] } } },
      `"_filter" is not a search parameter code; write 1 to 64 letters, digits and hyphens, without a modifier or chain (names that begin with _ belong to FHIR)`,
    ],
    [
      'payers[0].searchParameters.*[0]',
      { payer: { searchParameters: { '*': ['pageToken'] } } },
      '"pageToken" looks like a paging parameter; remove it, since partners follow the links of a Bundle instead',
    ],
    [
      'payers[0].searchParameters.*[1]',
      { payer: { searchParameters: { '*': ['source', 'source'] } } },
      '"source" appears twice; write each value only once',
    ],
    [
      'payers[0].quirks.signInOrigins[0]',
      { payer: { quirks: { signInOrigins: ['https://id.example.org/login'] } } },
      'is more than an origin; write "https://id.example.org"',
    ],
    ['partners[0].homePage', { partner: { homePage: 'http://app.example.org/' } }, plainHttp],
    ['partners[0].redirectUris[0]', { partner: { redirectUris: ['http://app.example.org/callback'] } }, plainHttp],
    [
      'partners[0].redirectUris[0]',
      { partner: { redirectUris: ['org.example.app:/callback'] } },
      'has a private-use scheme, which only a public client may use; write an https:// URI, or clientAuthentication: ["none"]',
    ],
    [
      'partners[0].secretHashes[0]',
      { partner: { secretHashes: [`${hash}=`] } },
      'is not a SHA-256 in base64url (43 characters); write the output of: printf %s "$SECRET" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =',
    ],
    [
      'partners[0].scopes[1]',
      { partner: { scopes: ['patient/*.rs', 'patient/*.write'] } },
      '"patient/*.write" allows more than reading, but the gateway only reads; write "patient/*.rs"',
    ],
    [
      'partners[0].scopes',
      { partner: { scopes: ['launch/patient', 'offline_access'] } },
      'has no scope that reads anything; add one, such as "patient/*.rs"',
    ],
    ['partners[0].scopes', { partner: { scopes: [] } }, 'is empty; write the scopes that the partner may request'],
    [
      'partners[0].webOrigins[1]',
      { partner: { webOrigins: ['https://app.example.org', 'https://app.example.org/callback'] } },
      'is more than an origin; write "https://app.example.org"',
    ],
    ['partners[0].webhook', { partner: { webhook: 'http://app.example.org/events' } }, plainHttp],
    ...[
      'https://10.0.0.7/events',
      'https://169.254.169.254/latest',
      'https://[fd00::7]/events',
      'https://[::ffff:a00:7]/events',
      'https://[64:ff9b::a00:7]/events',
      'https://gateway.localhost/events',
    ].map((webhook): [string, Parameters<typeof stage>[0], string] => [
      'partners[0].webhook',
      { partner: { webhook } },
      'is not on the public internet, and the gateway posts to no private address; write a public URL',
    ]),
    [
      'partners[0].webhook',
      { partner: { webhook: 'https://user:word@app.example.org/events' } },
      'contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it',
    ],
  ])('applies to %s', (field, changes, message) => {
    expect(problems(stage(changes))).toEqual([`${field}: ${message}`]);
  });

  it.each<[what: string, changes: Parameters<typeof stage>[0]]>([
    ['a payer without scopes', { payer: { scopes: [] } }],
    ['a payer on this machine', { payer: { fhirBaseUrl: 'http://localhost:3001/r4' } }],
    ['an authorize endpoint with a query', { payer: { authorizationEndpoint: 'https://plan.example.org/a?plan=7' } }],
    ["a native app's own scheme", { partner: { ...publicApp, redirectUris: ['org.example.app:/callback'] } }],
    ['a webhook', { partner: { webhook: 'https://app.example.org/events?from=gateway' } }],
    ['a webhook on this machine', { partner: { webhook: 'http://localhost:3002/events' } }],
    ['an app on this machine', { partner: { webOrigins: ['http://localhost:3002'] } }],
  ])('accepts %s', (_what, changes) => {
    expect(problems(stage(changes))).toEqual([]);
  });

  it('requires a redirect URI of each partner', () => {
    expect(problems(stage({ partner: { redirectUris: [] } }))).toEqual([
      'partners[0].redirectUris: is empty; write at least one redirect URI',
    ]);
  });
});

describe('client authentication of a partner', () => {
  it('needs a hash for a secret, and accepts two during a rotation', () => {
    const other = createHash('sha256').update('another').digest('base64url');
    const third = createHash('sha256').update('third').digest('base64url');
    expect(problems(stage({ partner: { secretHashes: [] } }))).toEqual([
      expect.stringContaining('secretHashes: is empty'),
    ]);
    expect(problems(stage({ partner: { secretHashes: [hash, other] } }))).toEqual([]);
    expect(problems(stage({ partner: { secretHashes: [hash, other, third] } }))).toHaveLength(1);
  });

  it('accepts a public client only without a secret, with no other method, and with PKCE', () => {
    expect(problems(stage({ partner: publicApp }))).toEqual([]);
    expect(problems(stage({ partner: { ...publicApp, secretHashes: [hash] } }))).toHaveLength(1);
    expect(problems(stage({ partner: { clientAuthentication: ['none', 'client_secret_post'] } }))).toEqual([
      expect.stringContaining('partners[0].clientAuthentication: has "none" together with other methods'),
    ]);
    expect(problems(stage({ partner: { ...publicApp, pkceOptional: true } }))).toEqual([
      expect.stringContaining('partners[0].pkceOptional: '),
    ]);
    expect(problems(stage({ partner: { clientAuthentication: [], secretHashes: [] } }))).toHaveLength(1);
  });

  it('accepts keys for ES384 or RS384', () => {
    expect(problems(stage({ partner: { ...keyApp, jwks: [p384, jwkOf('rsa-2048')] } }))).toEqual([]);
  });

  it.each([
    ['no key', [], 'jwks: is empty'],
    ['a key without kid', [{ ...p384, kid: undefined }], 'jwks[0].kid: is missing'],
    ['two keys with the same kid', [p384, { ...jwkOf('P-384') }], 'jwks[1].kid: "P-384" appears twice'],
    ['a private key', [jwkOf('P-384', 'privateKey')], 'jwks[0]: contains the private member "d"'],
    ['a private RSA key', [jwkOf('rsa-2048', 'privateKey')], 'jwks[0]: contains the private member "d"'],
    ['a symmetric key', [{ kty: 'oct', k: 'AAAA', kid: 'a' }], 'jwks[0]: contains the private member "k"'],
    ['another curve', [jwkOf('P-256')], 'jwks[0]: fits neither ES384 nor RS384'],
    ['another algorithm', [{ ...p384, alg: 'ES256' }], 'jwks[0]: has an alg that does not fit the key'],
    ['a key for encryption', [{ ...p384, use: 'enc' }], 'jwks[0]: is not for signatures'],
    ['a short key', [jwkOf('rsa-1024')], 'jwks[0]: is an RSA key under 2048 bits'],
    ['a point that is not on the curve', [{ ...p384, x: p384['y'] }], 'jwks[0]: is not a valid key'],
  ])('refuses private_key_jwt with %s', (_title, jwks, problem) => {
    expect(problems(stage({ partner: { ...keyApp, jwks } }))).toEqual([
      expect.stringContaining(`partners[0].${problem}`),
    ]);
  });

  it('refuses keys that nothing uses', () => {
    expect(problems(stage({ partner: { jwks: [p384] } }))).toEqual([
      expect.stringContaining('partners[0].jwks: is set'),
    ]);
  });
});

describe('a payer profile', () => {
  it('that sends iss must name its issuer', () => {
    expect(problems(stage({ payer: { sendsIss: true } }))).toEqual([
      expect.stringContaining('payers[0].issuer: is missing though sendsIss is true'),
    ]);
    expect(problems(stage({ payer: { sendsIss: true, issuer: 'https://plan.example.org/' } }))).toEqual([]);
  });

  it('with private_key_jwt must have a public key', () => {
    const keys = { clientAuthentication: 'private_key_jwt' };
    expect(problems(stage({ payer: keys }))).toEqual([expect.stringContaining('payers[0].publicKeys: is empty')]);
    expect(problems(stage({ payer: { ...keys, publicKeys: [p384] } }))).toEqual([]);
  });
});
