import { createHash, generateKeyPairSync } from 'node:crypto';
import * as rules from '../../config/rules.ts';

const hash = createHash('sha256').update('a secret').digest('base64url');

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

describe('the name of a stage', () => {
  it.each<Row>([
    ['a'.repeat(43), undefined],
    ['a'.repeat(44), 'has 44 characters, which makes the names of AWS resources too long; write at most 43'],
    ['Pilot', expect.stringMatching(/^is not a valid id; /) as string],
  ])('%j: %s', (value, message) => {
    expect(rules.stageName(value)).toEqual(message);
  });
});

describe('some text', () => {
  const asUnseen = (point: number): Row => [
    `Portal${String.fromCodePoint(point)}x`,
    `has a character that nobody sees, or that turns or ends the line (U+${point.toString(16).toUpperCase().padStart(4, '0')}); remove it`,
  ];
  it.each<Row>([
    ['a', undefined],
    ['', 'is empty; write some text'],
    [' \t', 'is empty; write some text'],
    ['Zdraví, 健康 and שלום!', undefined],
    ['a'.repeat(201), undefined],
    // What UAX #9 and UAX #44 call formats, controls, separators and ignorable.
    ...[0x0a, 0x0d, 0x09, 0x00, 0x1b, 0x85, 0x9b, 0xad, 0x061c, 0x115f, 0x180e, 0x200b, 0x200d, 0x200e, 0x2028].map(
      asUnseen,
    ),
    ...[0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0x3164, 0xfe0f, 0xfeff, 0xd800, 0xe0041].map(asUnseen),
  ])('%j: %s', (value, message) => {
    expect(rules.notEmpty(value)).toBe(message);
    expect(rules.givenName(value)).toBe(
      value.length > 200 ? 'has 201 characters, too many for a name; write at most 200' : message,
    );
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
  ])('a base URL as a payer prints it, %j: %s', (value, message) => {
    expect(rules.printedBaseUrl(value)).toBe(message);
  });
});

describe('a FHIR base URL', () => {
  const below = 'is a path below the base URL; write "https://plan.example.org/r4"';

  it.each<Row>([
    ['/r4', undefined],
    ['/r4/metadata', below],
    ['/r4/.well-known/smart-configuration', below],
    ['/r4/Patient', below],
    ['/r4/Patient/1', below],
    ['/r4/$export', below],
    ['/r4/Patients', undefined],
    ['/r4/metadata2', undefined],
    ['/r4/', 'ends in a slash; write "https://plan.example.org/r4"'],
  ])('a FHIR base URL at a host, %j: %s', (path, message) => {
    expect(rules.fhirBaseUrl(`https://plan.example.org${path}`)).toBe(message);
  });
});

describe('the URL of a webhook', () => {
  const hidden = 'is not on the public internet, and the gateway posts to no private address; write a public URL';

  it.each<Row>([
    ['https://app.example.org/events?from=gateway', undefined],
    ['http://localhost:3002/events', undefined],
    ['https://127.0.0.1/events', undefined],
    ['http://app.example.org/events', plainHttp],
    ['https://user:word@app.example.org/events', userinfo],
    ['https://10.0.0.7/events', hidden],
    ['https://169.254.169.254/latest', hidden],
    ['https://[fd00::7]/events', hidden],
    ['https://[::ffff:a00:7]/events', hidden],
    ['https://[64:ff9b::a00:7]/events', hidden],
    ['https://gateway.localhost/events', hidden],
  ])('%j: %s', (value, message) => {
    expect(rules.webhook(value)).toBe(message);
  });
});

describe('an identifier of a payer', () => {
  const noNumber = 'is not a payer id; write its letters, digits and hyphens as claims carry them, such as "60054"';

  it.each<Row>([
    ['60054', undefined],
    ['A-1', undefined],
    ['A'.repeat(30), undefined],
    ['A'.repeat(31), noNumber],
    ['', noNumber],
    ['60054 ', noNumber],
  ])('an identifier of a payer of claims, %j: %s', (value, message) => {
    expect(rules.payerNumber(value)).toBe(message);
  });

  it.each<Row>([
    ['12345', undefined],
    ['1234', 'is not an identifier; write its 5 digits'],
    ['123456', 'is not an identifier; write its 5 digits'],
    ['1234a', 'is not an identifier; write its 5 digits'],
  ])('an identifier of a payer of five digits, %j: %s', (value, message) => {
    expect(rules.digits(5)(value)).toBe(message);
  });
});

describe('an image', () => {
  const none = 'is not an image; write "data:image/svg+xml;base64,…" (or png or webp)';
  const start = 'data:image/png;base64,';

  it.each<Row>([
    ['data:image/svg+xml;base64,AAAA', undefined],
    [`${start}AA==`, undefined],
    ['data:image/webp;base64,AAA=', undefined],
    ['data:image/gif;base64,AAAA', none],
    ['https://app.example.org/logo.png', none],
    [`${start}A"A`, none],
    [start, none],
  ])('%j: %s', (value, message) => {
    expect(rules.image(value)).toBe(message);
  });

  it('has at most 8192 characters', () => {
    const ofLength = (length: number): string | undefined => rules.image(start + 'A'.repeat(length - start.length));

    expect(ofLength(8192)).toBeUndefined();
    expect(ofLength(8193)).toBe('has 8193 characters, too many for a page; write at most 8192');
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

describe('the name of an extra parameter', () => {
  const own =
    'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead';
  const again = 'remove it, and replace the secret if this file was ever committed: Git still has it';
  const nameless = 'has no name; write the name of a parameter, or remove it';

  it.each(
    'grant_type code redirect_uri code_verifier refresh_token scope client_id client_secret client_assertion client_assertion_type'.split(
      ' ',
    ),
  )('the name of an extra parameter of a token call may not be %s, which the gateway sets', (name) => {
    expect(rules.extraTokenParameter(name)).toBe(own);
  });

  it.each<[name: string, ofAuthorize: string | undefined, ofToken: string | undefined]>([
    ['prompt', undefined, undefined],
    [' ', nameless, nameless],
    ...['Our_Secret', 'password', 'an_assertion'].map((name): [string, string, string] => [
      name,
      `would show a secret to every browser; ${again}`,
      `would be a secret in the configuration; ${again}`,
    ]),
  ])('%j, of an authorize call: %s; of a token call: %s', (name, ofAuthorize, ofToken) => {
    expect(rules.extraParameter(name)).toBe(ofAuthorize);
    expect(rules.extraTokenParameter(name)).toBe(ofToken);
  });
});

describe('an audience', () => {
  const noWebUrl = 'is not an http or https URL; write the one that the payer asks for, or true for the FHIR base URL';
  const more = 'has a fragment or white space; write the URL as the payer requires it';

  it.each<Row>([
    ['https://fhir.example.org/r4/?a', undefined],
    ['http://Internal:8080', undefined],
    ['patientaccess', noWebUrl],
    ['urn:plan', noWebUrl],
    ['https://fhir.example.org/r4#a', more],
    ['https://fhir.example.org/r 4', more],
  ])('%j: %s', (value, message) => {
    expect(rules.audience(value)).toBe(message);
  });
});

describe('a media type of FHIR', () => {
  const none = 'is not a JSON media type; write one in lower case without parameters, such as "application/json+fhir"';

  it.each<Row>([
    ['application/json', undefined],
    ['application/fhir+json', undefined],
    ['application/json+fhir', undefined],
    ['application/vnd.plan-1+json', undefined],
    ['application/fhir+xml', none],
    ['application/FHIR+json', none],
    ['application/json; charset=utf-8', none],
    ['text/json', none],
  ])('%j: %s', (value, message) => {
    expect(rules.jsonMediaType(value)).toBe(message);
  });
});

describe('the member that names a patient', () => {
  const none = 'is not a member name; write it as the payer spells it, such as "patient"';

  it.each<Row>([
    ['patient', undefined],
    ['sub', undefined],
    ['a'.repeat(128), undefined],
    ['a'.repeat(129), none],
    ['patient id', none],
    ['', none],
    ['ä', none],
  ])('%j: %s', (value, message) => {
    expect(rules.patientMember(value)).toBe(message);
  });

  it.each(
    'access_token refresh_token id_token token_type expires_in scope iss aud azp exp iat nbf jti nonce auth_time'.split(
      ' ',
    ),
  )('is never %s', (name) => {
    expect(rules.patientMember(name)).toBe(`is "${name}", which names no patient; write the member that does`);
  });
});

describe('a parameter of page links', () => {
  it.each(['cursor', '_getpages', 'A1-b_c', 'a'.repeat(64)])('may be %s', (name) => {
    expect(rules.pagingParameter(name)).toBeUndefined();
  });

  it.each(['', '1a', 'a b', 'a.b', 'a'.repeat(65)])('may not be %j, which is no name', (name) => {
    expect(rules.pagingParameter(name)).toBe(
      `"${name}" is not a parameter name; write 1 to 64 letters, digits, hyphens and underscores`,
    );
  });

  it.each([
    '_link',
    '_filter',
    '_query',
    '_has',
    '_method',
    'access_token',
    'patient',
    'Patient',
    'subject',
    '_include',
  ])('may not be %s, which has a meaning in requests', (name) => {
    expect(rules.pagingParameter(name)).toBe(
      `"${name}" has a meaning of its own in requests; remove it, and list only what the payer's page links have`,
    );
  });
});

describe('a search parameter of a payer', () => {
  const noCode =
    'is not a search parameter code; write 1 to 64 letters, digits and hyphens, without a modifier or chain (names that begin with _ belong to FHIR)';
  const pages = 'looks like a paging parameter; remove it, since partners follow the links of a Bundle instead';

  it.each<Row>([
    ['device-serial', undefined],
    ['a'.repeat(64), undefined],
    ['a'.repeat(65), noCode],
    ['', noCode],
    ['_filter', noCode],
    ['code:in', noCode],
    ['subject.name', noCode],
    ['pageToken', pages],
    ['Offset', pages],
    ['next-cursor', pages],
  ])('%j: %s', (value, message) => {
    expect(rules.searchParameter(value)).toBe(message === undefined ? undefined : `"${value}" ${message}`);
  });

  const noType = 'is not a FHIR R4 resource type; write one, such as Observation, or "*" for all types';

  it.each<Row>([
    ['*', undefined],
    ['Observation', undefined],
    ['observation', noType],
    ['**', noType],
  ])('belongs to a type, %j: %s', (value, message) => {
    expect(rules.searchedType(value)).toBe(message);
  });
});

describe('a client secret that a payer gave', () => {
  const around = 'begins or ends with white space; write only the secret';
  const noCharacter = 'has a character that RFC 6749 does not allow; write the secret as the payer gave it';

  it.each<Row>([
    ['s e\tcret~', undefined],
    ['', 'is empty; write the secret'],
    ['a\nb', 'contains a line break; write only the secret'],
    ['a\r', 'contains a line break; write only the secret'],
    [' a', around],
    ['a ', around],
    ['ä', noCharacter],
    ['a\u007fb', noCharacter],
  ])('%j: %s', (value, message) => {
    expect(rules.clientSecret(value)).toBe(message);
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

  it('is not the hash of an empty secret, as an unset variable would have', () => {
    expect(rules.secretHash(createHash('sha256').update('').digest('base64url'))).toBe(
      'is the hash of an empty secret; write the hash of the secret itself',
    );
  });

  it.each(['0'.repeat(64), 'aF'.repeat(32)])('is refused as a secret in place of its hash: %s', (value) => {
    expect(rules.secretHash(value)).toBe(
      'is 64 hexadecimal digits, the form in which "npm run partners" prints a secret; write its SHA-256 in base64url (43 characters), and if this is a secret, make a new one: Git may have this one',
    );
  });

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
  ])('a scope of a partner, %j: %s', (value, message) => {
    expect(rules.partnerScope(value)).toBe(message === undefined ? undefined : `"${value}" ${message}`);
  });

  it('a scope of a partner written as advised is accepted', () => {
    for (const value of ['patient/*.cruds', 'patient/Claim.write?a=b', 'patient/Claim.read?a=b']) {
      const advice = /write "(.+)"/.exec(rules.partnerScope(value) ?? '')?.[1];
      expect(rules.partnerScope(advice ?? '')).toBeUndefined();
    }
  });

  const several = 'is not a single scope; write one scope per entry, without spaces';
  const writing = 'allows more than reading, but the gateway only reads; write a read scope';

  it.each(['user/*.read', 'openid', 'patient/Claim.rs?a=b.write', 'our/patient/*.write', 'patient/*', '!'])(
    'a scope of a payer is accepted: %s',
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
  ])('a scope of a payer that only looks like writing is accepted: %s', (value) => {
    expect(rules.payerScope(value)).toBeUndefined();
  });

  it.each(['patient/Nonsense', 'user/claims', 'system/'])(
    'a scope of a payer that names no permission is a word of its own, whatever it names: %s',
    (value) => {
      expect(rules.payerScope(value)).toBeUndefined();
    },
  );

  it.each(['patient/Nonsense.rs', 'user/claim.read'])(
    'a scope of a payer that names no type of R4 is refused: %s',
    (value) => {
      expect(rules.payerScope(value)).toBe(
        `"${value}" names no FHIR R4 resource type; write one that does, such as patient/Observation.rs`,
      );
    },
  );

  it.each(['patient/*.write', 'user/*.*', 'system/*.c', 'patient/Claim.rud', 'patient/Claim.cruds?a=b'])(
    'a scope of a payer is refused as writing: %s',
    (value) => {
      expect(rules.payerScope(value)).toBe(`"${value}" ${writing}`);
    },
  );

  it.each(['', 'a b', ' a', 'a ', '"a"', 'a\\', 'ä'])(
    'a scope of a payer is refused as not a single scope: %j',
    (value) => {
      expect(rules.payerScope(value)).toBe(several);
    },
  );
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
