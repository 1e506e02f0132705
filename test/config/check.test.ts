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
    expect(config.origin).toBeUndefined();
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

  it('names file, field, what is wrong and what to write, one line a problem, all of them', () => {
    const value = stage({
      payer: { fhirBaseUrl: 'https://plan.example.org/r4/', id: 'Plan A' },
      partner: { name: '', payers: ['Plan A'] },
    });
    expect(problems(value)).toEqual([
      'payers[0].id: is no id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
      'payers[0].fhirBaseUrl: ends in a slash; write "https://plan.example.org/r4"',
      'partners[0].name: is empty; write a text',
    ]);
  });

  it.each([
    ['nothing', undefined, '(top level): is missing; write an object'],
    ['null', null, '(top level): is null; write an object'],
    ['a list', [], '(top level): is an array; write an object'],
    ['a text', 'local', '(top level): is a string; write an object'],
  ])('refuses %s in place of a stage', (_title, value, line) => {
    expect(problems(value)).toEqual([line]);
  });

  it.each([
    ['at the top', stage({ stage: { orgin: 'https://a.example' } }), 'orgin'],
    ['in a payer', stage({ payer: { tokenUrl: 'x' } }), 'payers[0].tokenUrl'],
    ['in quirks', stage({ payer: { quirks: { nonce: true } } }), 'payers[0].quirks.nonce'],
    ['in a partner', stage({ partner: { secret: 'x' } }), 'partners[0].secret'],
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
    ['in concurrency', stage({ stage: { concurrency: { fetsch: 1 } } }), 'concurrency.fetsch'],
  ])('refuses an unknown field %s', (_title, value, field) => {
    expect(problems(value)).toEqual([`${field}: is no known field; check its spelling or remove it`]);
  });

  it.each([
    [
      'a field that is missing',
      { payer: { tokenEndpoint: undefined } },
      'payers[0].tokenEndpoint: is missing; write a string',
    ],
    ['a field of another type', { payer: { everything: 'yes' } }, 'payers[0].everything: is a string; write a boolean'],
    ['no number', { stage: { lifetimes: { code: Number.NaN } } }, 'lifetimes.code: is not a number; write one'],
    [
      'a rate of zero',
      { partner: { rate: { perSecond: 0, burst: 1 } } },
      'partners[0].rate.perSecond: is too small; write more than 0',
    ],
    [
      'half a burst',
      { partner: { rate: { perSecond: 1, burst: 1.5 } } },
      'partners[0].rate.burst: is not whole; write a whole number',
    ],
    [
      'no burst',
      { partner: { rate: { perSecond: 1, burst: 0 } } },
      'partners[0].rate.burst: is too small; write at least 1',
    ],
    [
      'an endless burst',
      { partner: { rate: { perSecond: 1, burst: 1e17 } } },
      /rate\.burst: is too big; write at most/,
    ],
    [
      'an unknown choice',
      { partner: { consent: 'nobody' } },
      'partners[0].consent: is not known; write one of "gateway", "partner"',
    ],
    [
      'a choice that is missing',
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
  it('may be shorter than the default and never longer', () => {
    expect(problems(stage({ stage: { lifetimes: { grant: 86_400, accessToken: 300, refreshGrace: 0 } } }))).toEqual([]);
    expect(problems(stage({ stage: { lifetimes: { accessToken: 3601 } } }))).toEqual([
      'lifetimes.accessToken: is longer than allowed; write at most 3600 (seconds)',
    ]);
    expect(problems(stage({ stage: { lifetimes: { accessToken: 0 } } }))).toEqual([
      'lifetimes.accessToken: is too short; write at least 1 (seconds)',
    ]);
  });

  it('let a code live 300 seconds in stage local only', () => {
    expect(problems(stage({ stage: { stage: 'local', lifetimes: { code: 300 } } }))).toEqual([]);
    expect(problems(stage({ stage: { stage: 'local', lifetimes: { code: 301 } } }))).toHaveLength(1);
    expect(problems(stage({ stage: { lifetimes: { code: 61 } } }))).toEqual([
      'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)',
    ]);
  });
});

describe('ids', () => {
  it.each(['', 'Plan', 'plan_a', 'plan/a', 'plan.a', 'plän', 'a'.repeat(65)])('refuses the id "%s"', (id) => {
    expect(problems(stage({ payer: { id }, partner: { payers: [id] } }))[0]).toMatch(/^payers\[0\]\.id: is no id/);
    expect(problems(stage({ partner: { clientId: id } }))[0]).toMatch(/^partners\[0\]\.clientId: is no id/);
    expect(problems(stage({ stage: { stage: id } }))[0]).toMatch(/^stage: is no id/);
  });

  it('refuses the same id twice', () => {
    const { payers, partners } = stage();
    expect(problems({ stage: 'test', payers: [...payers, ...payers], partners })).toEqual([
      'payers[1].id: "plan" is there twice; write each one once',
    ]);
    expect(problems({ stage: 'test', payers, partners: [...partners, ...partners] })).toEqual([
      'partners[1].clientId: "app" is there twice; write each one once',
    ]);
  });

  it('refuses a partner whose payer does not exist', () => {
    expect(problems(stage({ partner: { payers: ['plan', 'plam'] } }))).toEqual([
      'partners[0].payers[1]: "plam" is no payer here; write one of: plan',
    ]);
  });
});

describe('URLs', () => {
  it.each(['http://localhost:3001/r4', 'http://127.0.0.1/r4', 'http://[::1]:3001/r4', 'https://plan.example.org'])(
    'takes the FHIR base %s',
    (fhirBaseUrl) => {
      expect(problems(stage({ payer: { fhirBaseUrl } }))).toEqual([]);
    },
  );

  it.each([
    ['http://plan.example.org/r4', 'plain http'],
    ['http://localhost.example.org/r4', 'plain http'],
    ['http://127.0.0.2/r4', 'plain http'],
    ['ftp://plan.example.org/r4', 'scheme "ftp:"'],
    ['plan.example.org/r4', 'not a URL'],
    ['https://user:password@plan.example.org/r4', 'user name or password'],
    ['https://plan.example.org/r4#', 'fragment'],
    ['https://plan.example.org/r4?x=1', 'query'],
    ['https://plan.example.org/r4/', 'ends in a slash; write "https://plan.example.org/r4"'],
    ['https://plan.example.org/', 'ends in a slash; write "https://plan.example.org"'],
    ['https://Plan.example.org/r4', 'write "https://plan.example.org/r4"'],
    ['https://plan.example.org:443/r4', 'write "https://plan.example.org/r4"'],
    ['https://plan.example.org/a/../r4', 'write "https://plan.example.org/r4"'],
    [' https://plan.example.org/r4', 'write "https://plan.example.org/r4"'],
  ])('refuses the FHIR base %s', (fhirBaseUrl, problem) => {
    const lines = problems(stage({ payer: { fhirBaseUrl } }));
    expect(lines).toEqual([expect.stringContaining(problem)]);
    expect(lines[0]).toMatch(/^payers\[0\]\.fhirBaseUrl: /);
  });

  it.each(['authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint', 'issuer'])(
    'refuses plain http for %s',
    (field) => {
      expect(problems(stage({ payer: { [field]: 'http://plan.example.org/x' } }))).toEqual([
        expect.stringContaining(`payers[0].${field}: is plain http`),
      ]);
    },
  );

  it('takes any host for an alias, which is only compared, but no half URL', () => {
    expect(problems(stage({ payer: { fhirBaseUrlAliases: ['http://Internal:8080/fhir'] } }))).toEqual([]);
    for (const alias of ['/fhir', 'https://internal/fhir/', 'https://internal/fhir?a', 'urn:a:b']) {
      expect(problems(stage({ payer: { fhirBaseUrlAliases: [alias] } }))).toHaveLength(1);
    }
  });

  it.each([
    'https://gateway.example.org/',
    'https://gateway.example.org/prod',
    'http://gateway.example.org',
    'gateway',
  ])('refuses the origin %s', (origin) => {
    expect(problems(stage({ stage: { origin } }))).toEqual([expect.stringMatching(/^origin: /)]);
  });

  it('takes origins for webOrigins and signInOrigins, nothing longer', () => {
    expect(problems(stage({ partner: { webOrigins: ['https://app.example.org', 'http://localhost:3002'] } }))).toEqual(
      [],
    );
    expect(problems(stage({ partner: { webOrigins: ['https://app.example.org/callback'] } }))).toEqual([
      'partners[0].webOrigins[0]: is more than an origin; write "https://app.example.org"',
    ]);
    for (const origin of ['*', 'null', 'https://*.example.org']) {
      expect(problems(stage({ partner: { webOrigins: [origin] } }))).toHaveLength(1);
    }
    expect(problems(stage({ payer: { quirks: { signInOrigins: ['https://id.example.org/login'] } } }))).toHaveLength(1);
  });
});

describe('redirect URIs', () => {
  it.each(['https://app.example.org', 'https://app.example.org/callback?tenant=1', 'http://127.0.0.1/callback'])(
    'takes %s',
    (uri) => {
      expect(problems(stage({ partner: { redirectUris: [uri] } }))).toEqual([]);
    },
  );

  it.each([
    ['https://*.example.org/callback', 'wildcard'],
    ['https://app.example.org/callback#', 'fragment'],
    ['https://user@app.example.org/callback', 'user name'],
    ['http://app.example.org/callback', 'plain http'],
    ['/callback', 'not a URI'],
    ['https://app.example.org/a/../callback', 'write "https://app.example.org/callback"'],
    ['https://app.example.org/call\tback', 'write "https://app.example.org/callback"'],
    ['https://app.example.org/callback?state=1', '"state" in its query'],
    ['javascript:alert(1)', 'scheme "javascript:"'],
    ['data:text/html,x', 'scheme "data:"'],
    ['myapp:/callback', 'scheme with a dot'],
    ['org.example.app:/callback', 'for public clients'],
  ])('refuses %s', (uri, problem) => {
    expect(problems(stage({ partner: { redirectUris: [uri] } }))).toEqual([expect.stringContaining(problem)]);
  });

  it("takes a native app's own scheme for a public client, if there is a dot in it (RFC 8252 §7.1)", () => {
    expect(problems(stage({ partner: { ...publicApp, redirectUris: ['org.example.app:/callback'] } }))).toEqual([]);
    expect(problems(stage({ partner: { ...publicApp, redirectUris: ['myapp:/callback'] } }))).toHaveLength(1);
    expect(problems(stage({ partner: { ...publicApp, redirectUris: ['org.example.app:/callback#x'] } }))).toHaveLength(
      1,
    );
  });

  it('are there, and each once', () => {
    expect(problems(stage({ partner: { redirectUris: [] } }))).toHaveLength(1);
    const twice = ['https://app.example.org/callback', 'https://app.example.org/callback'];
    expect(problems(stage({ partner: { redirectUris: twice } }))).toHaveLength(1);
  });
});

describe('client authentication of a partner', () => {
  it.each([
    'a secret',
    hash.slice(1),
    `${hash}=`,
    createHash('sha256').update('a secret').digest('hex'),
    `${hash.slice(0, 42)}B`,
    hash.replace(/.$/, '+'),
  ])('refuses %s as a hash', (value) => {
    expect(problems(stage({ partner: { secretHashes: [value] } }))).toEqual([
      expect.stringContaining('partners[0].secretHashes[0]: is not a SHA-256'),
    ]);
  });

  it('needs a hash for a secret, and takes two while one is rotated', () => {
    const other = createHash('sha256').update('another').digest('base64url');
    const third = createHash('sha256').update('third').digest('base64url');
    expect(problems(stage({ partner: { secretHashes: [] } }))).toEqual([
      expect.stringContaining('secretHashes: is empty'),
    ]);
    expect(problems(stage({ partner: { secretHashes: [hash, other] } }))).toEqual([]);
    expect(problems(stage({ partner: { secretHashes: [hash, other, third] } }))).toHaveLength(1);
    expect(problems(stage({ partner: { secretHashes: [hash, hash] } }))).toHaveLength(1);
  });

  it('takes a public client without any, and only as such', () => {
    expect(problems(stage({ partner: publicApp }))).toEqual([]);
    expect(problems(stage({ partner: { ...publicApp, secretHashes: [hash] } }))).toHaveLength(1);
    expect(problems(stage({ partner: { clientAuthentication: ['none', 'client_secret_post'] } }))).toEqual([
      expect.stringContaining('partners[0].clientAuthentication: has "none" beside others'),
    ]);
    expect(problems(stage({ partner: { ...publicApp, pkceOptional: true } }))).toEqual([
      expect.stringContaining('partners[0].pkceOptional: '),
    ]);
    expect(problems(stage({ partner: { clientAuthentication: [], secretHashes: [] } }))).toHaveLength(1);
  });

  it('takes keys that can do ES384 or RS384', () => {
    expect(problems(stage({ partner: { ...keyApp, jwks: [p384, jwkOf('rsa-2048')] } }))).toEqual([]);
  });

  it.each([
    ['no key', [], 'jwks: is empty'],
    ['a key without kid', [{ ...p384, kid: undefined }], 'jwks[0].kid: is missing'],
    ['two keys of one kid', [p384, { ...jwkOf('P-384') }], 'jwks[1].kid: "P-384" is there twice'],
    ['a private key', [jwkOf('P-384', 'privateKey')], 'jwks[0]: holds the private member "d"'],
    ['a private RSA key', [jwkOf('rsa-2048', 'privateKey')], 'jwks[0]: holds the private member "d"'],
    ['a symmetric key', [{ kty: 'oct', k: 'AAAA', kid: 'a' }], 'jwks[0]: holds the private member "k"'],
    ['another curve', [jwkOf('P-256')], 'jwks[0]: fits neither ES384 nor RS384'],
    ['another algorithm', [{ ...p384, alg: 'ES256' }], 'jwks[0]: has another alg'],
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
      expect.stringContaining('partners[0].jwks: is there'),
    ]);
  });
});

describe('scopes', () => {
  it.each([
    'launch/patient',
    'offline_access',
    'patient/*.read',
    'patient/*.rs',
    'patient/Observation.r',
    'patient/*.s',
  ])('lets a partner have %s', (scope) => {
    expect(problems(stage({ partner: { scopes: [scope] } }))).toEqual([]);
  });

  it.each([
    'openid',
    'fhirUser',
    'launch',
    'online_access',
    'user/*.rs',
    'system/*.rs',
    'patient/*.write',
    'patient/*.*',
    'patient/*.cruds',
    'patient/*.sr',
    'patient/*.',
    'patient/observation.rs',
    'patient/Observations.rs',
    'patient/constructor.rs',
    'patient/Observation.rs?category=laboratory',
    'patient/*.rs offline_access',
  ])('refuses %s for a partner', (scope) => {
    expect(problems(stage({ partner: { scopes: [scope] } }))).toEqual([
      expect.stringMatching(/^partners\[0\]\.scopes\[0\]: /),
    ]);
  });

  it('asks a payer for whatever the payer calls it, but never for writing', () => {
    expect(problems(stage({ payer: { scopes: ['user/*.read', 'openid', 'patient/Claim.rs?status=active'] } }))).toEqual(
      [],
    );
    expect(problems(stage({ payer: { scopes: [] } }))).toEqual([]);
    for (const scope of ['patient/*.write', 'user/*.*', 'patient/Claim.cruds?x=y', 'a b', '']) {
      expect(problems(stage({ payer: { scopes: [scope] } }))).toHaveLength(1);
    }
  });
});

describe('a payer profile', () => {
  it('that sends iss names its issuer', () => {
    expect(problems(stage({ payer: { sendsIss: true } }))).toEqual([
      expect.stringContaining('payers[0].issuer: is missing though sendsIss is true'),
    ]);
    expect(problems(stage({ payer: { sendsIss: true, issuer: 'https://plan.example.org/' } }))).toEqual([]);
    expect(problems(stage({ payer: { issuer: 'https://plan.example.org/?x' } }))).toHaveLength(1);
  });

  it('with private_key_jwt has a public key', () => {
    const keys = { clientAuthentication: 'private_key_jwt' };
    expect(problems(stage({ payer: keys }))).toEqual([expect.stringContaining('payers[0].publicKeys: is empty')]);
    expect(problems(stage({ payer: { ...keys, publicKeys: [p384] } }))).toEqual([]);
  });

  it("leaves the gateway's own parameters alone", () => {
    expect(problems(stage({ payer: { quirks: { extraAuthorizeParameters: { prompt: 'login' } } } }))).toEqual([]);
    expect(problems(stage({ payer: { quirks: { extraAuthorizeParameters: { state: 'x' } } } }))).toEqual([
      expect.stringContaining('payers[0].quirks.extraAuthorizeParameters.state: '),
    ]);
    expect(problems(stage({ payer: { authorizationEndpoint: 'https://plan.example.org/a?scope=x' } }))).toHaveLength(1);
    expect(problems(stage({ payer: { authorizationEndpoint: 'https://plan.example.org/a?plan=7' } }))).toEqual([]);
  });

  it('has a client id as RFC 6749 spells them', () => {
    expect(problems(stage({ payer: { clientId: 'Ab_c 1~' } }))).toEqual([]);
    for (const clientId of ['', ' a', 'ä']) expect(problems(stage({ payer: { clientId } }))).toHaveLength(1);
  });
});
