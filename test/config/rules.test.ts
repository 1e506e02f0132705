import { generateKeyPairSync } from 'node:crypto';
import * as rules from '../../config/rules.ts';
import { hash } from './stages.ts';

/** A value, and what is wrong with it: the whole message, since a platform engineer sees nothing else. */
type Row = [value: string, message: string | undefined];

const noUrl = 'is not a URL; write an absolute one, such as "https://plan.example.org/path"';
const plainHttp = 'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])';
const userinfo =
  'contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it';
const fragment = 'has a fragment; write the URL without "#" and everything after it';
const otherSpelling = (advice: string): string => `is not in normalized form; write "${advice}"`;

describe('an id', () => {
  const noId = 'is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"';

  it.each<Row>([
    ['a', undefined],
    ['0-9', undefined],
    ['a'.repeat(64), undefined],
    ['a'.repeat(65), noId],
    ['', noId],
    ['Plan', noId],
    ['plan ', noId],
    [' plan', noId],
    ['plan/a', noId],
  ])('%j: %s', (value, message) => {
    expect(rules.id(value)).toBe(message);
  });
});

describe('a client id that a payer gave', () => {
  const notVisible =
    'is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it';

  it.each<Row>([
    ['~', undefined],
    ['Ab_c 1~', undefined],
    ['', notVisible],
    [' ', notVisible],
    [' a', notVisible],
    ['a ', notVisible],
    ['ä', notVisible],
    ['äbc', notVisible],
    ['abä', notVisible],
    ['a\u007f', notVisible],
    ['a\tb', notVisible],
  ])('%j: %s', (value, message) => {
    expect(rules.visible(value)).toBe(message);
  });
});

describe('a URL', () => {
  it.each<Row>([
    ['https://plan.example.org', undefined],
    ['https://plan.example.org/', undefined],
    ['https://plan.example.org/a/?b=c', undefined],
    ['http://localhost:3001/a', undefined],
    ['http://127.0.0.1/a', undefined],
    ['http://[::1]:3001/a', undefined],
    ['plan.example.org', noUrl],
    ['https://*.example.org/a', 'has a wildcard in its host; write out each host'],
    ['http://plan.example.org/a', plainHttp],
    ['http://localhost.example.org/a', plainHttp],
    ['xhttp://localhost/a', 'has the scheme "xhttp:"; write a URL that starts with https://'],
    ['ftp://localhost/a', 'has the scheme "ftp:"; write a URL that starts with https://'],
    ['https://user:word@plan.example.org/a', userinfo],
    ['https://user@plan.example.org/a', userinfo],
    ['https://:word@plan.example.org/a', userinfo],
    ['https://plan.example.org/a#', fragment],
    ['https://plan.example.org/a#b', fragment],
    ['https://Plan.example.org', otherSpelling('https://plan.example.org/')],
    ['https://plan.example.org/..', otherSpelling('https://plan.example.org/')],
    ['https://plan.example.org/a b', otherSpelling('https://plan.example.org/a%20b')],
    ['https://plan.example.org:443/a', otherSpelling('https://plan.example.org/a')],
    ['https://plan.example.org?a=b', otherSpelling('https://plan.example.org/?a=b')],
  ])('%j: %s', (value, message) => {
    expect(rules.webUrl(value)).toBe(message);
  });
});

describe('a base URL', () => {
  const slash = (advice: string): string => `ends in a slash; write "${advice}"`;

  it.each<Row>([
    ['https://plan.example.org', undefined],
    ['https://plan.example.org/a//b', undefined],
    ['http://plan.example.org/r4', plainHttp],
    ['https://plan.example.org/r4?a', 'has a query; write the URL without "?" and everything after it'],
    ['https://plan.example.org/r4/', slash('https://plan.example.org/r4')],
    ['https://plan.example.org/a//b//', slash('https://plan.example.org/a//b')],
    ['https://plan.example.org/', slash('https://plan.example.org')],
    ['https://Plan.example.org/R4', otherSpelling('https://plan.example.org/R4')],
  ])('%j: %s', (value, message) => {
    expect(rules.baseUrl(value)).toBe(message);
  });

  it.each(['https://Plan.example.org', 'https://Plan.example.org/r4/', 'https://Plan.example.org/r4?a'])(
    'written as advised for %j is accepted',
    (value) => {
      const advice = /"(.+)"/.exec(rules.baseUrl(value) ?? '')?.[1];

      expect(rules.baseUrl(advice ?? '')).toBeUndefined();
    },
  );

  const noWebUrl = 'is not an http or https URL; write an absolute one';
  const more = 'has a query, a fragment or white space; write the base URL as it appears in links';

  it.each<Row>([
    ['https://plan.example.org/r4', undefined],
    ['http://Internal:8080/a//fhir', undefined],
    ['/fhir', noWebUrl],
    ['xhttp://internal/fhir', noWebUrl],
    ['https+fhir://internal/fhir', noWebUrl],
    ['https://internal/fhir?a', more],
    ['https://internal/fhir#a', more],
    ['https://internal/fhir ', more],
    ['https://internal/fhir/', slash('https://internal/fhir')],
    ['https://internal/a//fhir//', slash('https://internal/a//fhir')],
  ])('as a payer prints it, %j: %s', (value, message) => {
    expect(rules.printedBaseUrl(value)).toBe(message);
  });
});

describe('an origin', () => {
  const wildcard = 'has a wildcard; write each origin out, such as "https://app.example.org"';
  const longer = 'is more than an origin; write "https://app.example.org"';

  it.each<Row>([
    ['https://app.example.org', undefined],
    ['http://localhost:3002', undefined],
    ['*', wildcard],
    ['https://*.example.org', wildcard],
    ['null', noUrl],
    ['http://app.example.org', plainHttp],
    ['https://app.example.org/', longer],
    ['https://app.example.org/a?b', longer],
    ['https://App.example.org', otherSpelling('https://app.example.org')],
    ['https://app.example.org:443/a', otherSpelling('https://app.example.org')],
  ])('%j: %s', (value, message) => {
    expect(rules.origin(value)).toBe(message);
  });
});

describe('an issuer', () => {
  it.each<Row>([
    ['https://plan.example.org', undefined],
    ['https://plan.example.org/', undefined],
    ['https://plan.example.org/a?b', 'has a query; write the issuer as the payer publishes it'],
    ['http://plan.example.org', plainHttp],
  ])('%j: %s', (value, message) => {
    expect(rules.issuer(value)).toBe(message);
  });
});

describe('an authorize endpoint', () => {
  const own =
    'response_type response_mode client_id redirect_uri state nonce scope aud code_challenge code_challenge_method request request_uri';

  it.each(own.split(' '))('may not contain %s, which the gateway sets', (name) => {
    expect(rules.authorizationEndpoint(`https://plan.example.org/a?b=c&${name}=x`)).toBe(
      `has "${name}" in its query, a parameter that the gateway sets itself; remove it`,
    );
    expect(rules.extraParameter(name)).toBe(
      'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead',
    );
  });

  it('may contain other parameters, or none', () => {
    expect(rules.authorizationEndpoint('https://plan.example.org/a?prompt=login')).toBeUndefined();
    expect(rules.authorizationEndpoint('https://plan.example.org/a')).toBeUndefined();
    expect(rules.authorizationEndpoint('plan')).toBe(noUrl);
    expect(rules.extraParameter('prompt')).toBeUndefined();
  });
});

describe('a redirect URI', () => {
  const schemeWithoutDot = (scheme: string): string =>
    `has the scheme "${scheme}"; write https://, or for a native app a scheme with a dot, such as "org.example.app:/callback" (RFC 8252 §7.1)`;
  const forPublic =
    'has a private-use scheme, which only a public client may use; write an https:// URI, or clientAuthentication: ["none"]';

  it.each<[value: string, ofConfidential: string | undefined, ofPublic: string | undefined]>([
    ['https://app.example.org/callback', undefined, undefined],
    ['https://app.example.org', undefined, undefined],
    ['http://localhost/callback', undefined, undefined],
    ['org.example.app:/callback', forPublic, undefined],
    ['org.example.app:/callback#a', forPublic, fragment],
    ['org.example.app:/a/../callback', forPublic, otherSpelling('org.example.app:/callback')],
    ...[
      ['/callback', 'is not a URI; write an absolute one, such as "https://app.example.org/callback"'],
      ['http://app.example.org/callback', plainHttp],
      ['https://app.example.org/callback#', fragment],
      ['https://app.example.org/*', 'has a wildcard; write out each redirect URI, since they are compared exactly'],
      ['myapp:/callback', schemeWithoutDot('myapp:')],
      ['xhttp://localhost/callback', schemeWithoutDot('xhttp:')],
      ['javascript:alert(1)', schemeWithoutDot('javascript:')],
    ].map(([value = '', message]): [string, string | undefined, string | undefined] => [value, message, message]),
  ])('%j: %s, and for a public client: %s', (value, ofConfidential, ofPublic) => {
    expect(rules.redirectUri(false)(value)).toBe(ofConfidential);
    expect(rules.redirectUri(true)(value)).toBe(ofPublic);
  });

  it.each(['code', 'state', 'iss', 'error', 'error_description', 'error_uri'])(
    'may not contain %s, which the gateway adds',
    (name) => {
      expect(rules.redirectUri(false)(`https://app.example.org/callback?a=b&${name}=x`)).toBe(
        `has "${name}" in its query, a parameter that the gateway adds itself; remove it`,
      );
    },
  );
});

describe('the hash of a secret', () => {
  it.each([`A${hash}`, `${hash}A`, hash.slice(1), `${hash}=`, `${hash.slice(0, 42)}B`])(
    'is refused as malformed: %s',
    (value) => {
      expect(rules.secretHash(value)).toBe(
        'is not a SHA-256 in base64url (43 characters); write the output of: printf %s "$SECRET" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =',
      );
    },
  );

  it('is 32 bytes in base64url', () => {
    expect(rules.secretHash(hash)).toBeUndefined();
  });
});

describe('a scope', () => {
  const unsupported =
    'is not supported; write launch/patient, offline_access, or patient/{type or *} with .rs or .read';
  const noType = 'names no FHIR R4 resource type; write one that does, such as patient/Observation.rs';
  const granular = 'is a granular scope, which is not supported; write "patient/Observation.rs"';
  const writes = 'allows more than reading, but the gateway only reads; write';

  it.each<Row>([
    ['launch/patient', undefined],
    ['offline_access', undefined],
    ['patient/*.read', undefined],
    ['patient/*.rs', undefined],
    ['patient/Observation.r', undefined],
    ['patient/Observation.s', undefined],
    ['openid', unsupported],
    ['', unsupported],
    ['patient/', unsupported],
    ['patient/*.', unsupported],
    ['patient/*.sr', unsupported],
    ['patient/*.rr', unsupported],
    ['patient/*.reads', unsupported],
    ['patient/*.unread', unsupported],
    ['patient/*.rs offline_access', unsupported],
    ['patient/Observation.rs.rs', unsupported],
    ['launch/patient/*.rs', unsupported],
    ['user/*.rs', unsupported],
    ['user/*.write', unsupported],
    ['system/*.rs?category=laboratory', unsupported],
    ['patient/observation.rs', noType],
    ['patient/constructor.rs', noType],
    ['patient/Observations.write', noType],
    ['patient/Observation.rs?category=laboratory', granular],
    ['patient/Observation.rs?', granular],
    ['patient/*.write', `${writes} "patient/*.rs"`],
    ['patient/*.*', `${writes} "patient/*.rs"`],
    ['patient/*.cruds', `${writes} "patient/*.rs"`],
    ['patient/Observation.c', `${writes} "patient/Observation.rs"`],
    ['patient/Observation.u', `${writes} "patient/Observation.rs"`],
    ['patient/Observation.rd', `${writes} "patient/Observation.rs"`],
    ['patient/Observation.cud?category=laboratory', `${writes} "patient/Observation.rs"`],
  ])('of a partner, %j: %s', (value, message) => {
    expect(rules.partnerScope(value)).toBe(message === undefined ? undefined : `"${value}" ${message}`);
  });

  it('of a partner written as advised is accepted', () => {
    for (const value of ['patient/*.cruds', 'patient/Claim.write?a=b', 'patient/Claim.read?a=b']) {
      const advice = /write "(.+)"/.exec(rules.partnerScope(value) ?? '')?.[1];
      expect(rules.partnerScope(advice ?? '')).toBeUndefined();
    }
  });

  const several = 'is not a single scope; write one scope per entry, without spaces';
  const writing = 'allows more than reading, but the gateway only reads; write a read scope';

  it.each(['user/*.read', 'openid', 'patient/Claim.rs?a=b.write', 'our/patient/*.write', 'patient/*', '!'])(
    'of a payer is accepted: %s',
    (value) => {
      expect(rules.payerScope(value)).toBeUndefined();
    },
  );

  it.each([
    'patient/*.custom',
    'patient/*.exec',
    'patient/*.rewrite',
    'patient/*.writer',
    'patient/*.rs',
    'patient/*.sr',
  ])('of a payer that only looks like writing is accepted: %s', (value) => {
    expect(rules.payerScope(value)).toBeUndefined();
  });

  it.each(['patient/Nonsense', 'user/claims', 'system/'])(
    'of a payer that names no permission is a word of its own, whatever it names: %s',
    (value) => {
      expect(rules.payerScope(value)).toBeUndefined();
    },
  );

  it.each(['patient/Nonsense.rs', 'user/claim.read'])('of a payer that names no type of R4 is refused: %s', (value) => {
    expect(rules.payerScope(value)).toBe(
      `"${value}" names no FHIR R4 resource type; write one that does, such as patient/Observation.rs`,
    );
  });

  it.each(['patient/*.write', 'user/*.*', 'system/*.c', 'patient/Claim.rud', 'patient/Claim.cruds?a=b'])(
    'of a payer is refused as writing: %s',
    (value) => {
      expect(rules.payerScope(value)).toBe(`"${value}" ${writing}`);
    },
  );

  it.each(['', 'a b', ' a', 'a ', '"a"', 'a\\', 'ä'])('of a payer is refused as not a single scope: %j', (value) => {
    expect(rules.payerScope(value)).toBe(several);
  });
});

describe('a public key', () => {
  const publicHalf = (options: { bits: number } | { curve: string }): Record<string, unknown> => {
    const { publicKey } =
      'bits' in options
        ? generateKeyPairSync('rsa', { modulusLength: options.bits })
        : generateKeyPairSync('ec', { namedCurve: options.curve });
    return publicKey.export({ format: 'jwk' });
  };
  const ec = publicHalf({ curve: 'P-384' });
  const rsa = publicHalf({ bits: 2048 });
  const noFit = 'fits neither ES384 nor RS384; write an EC key on P-384 or an RSA key';
  const otherAlg = (alg: string): string => `has an alg that does not fit the key; write "${alg}"`;

  it.each<[title: string, jwk: Record<string, unknown>, message: string | undefined]>([
    ['on P-384', { ...ec, alg: 'ES384', use: 'sig' }, undefined],
    ['of RSA', { ...rsa, alg: 'RS384', use: 'sig' }, undefined],
    ['without alg and use', rsa, undefined],
    ['on another curve', publicHalf({ curve: 'P-256' }), noFit],
    ['of another type', { ...ec, kty: 'OKP' }, noFit],
    ['for another algorithm of its curve', { ...ec, alg: 'ES256' }, otherAlg('ES384')],
    ['for another algorithm of RSA', { ...rsa, alg: 'RS256' }, otherAlg('RS384')],
    ['for encryption', { ...ec, use: 'enc' }, 'is not for signatures; write "use": "sig"'],
    ['under 2048 bits', publicHalf({ bits: 2040 }), 'is an RSA key under 2048 bits; write a longer one'],
    [
      'off its curve',
      { ...ec, x: ec['y'] },
      'is not a valid key; write the JWK with all its public members, in base64url',
    ],
  ])('%s: %#', (_title, jwk, message) => {
    expect(rules.publicJwk(jwk)).toBe(message);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('may not contain the private member %s', (member) => {
    expect(rules.publicJwk({ ...ec, [member]: 'AQAB' })).toBe(
      `contains the private member "${member}"; write the public key only, and replace this key pair: it is no longer secret`,
    );
  });
});
