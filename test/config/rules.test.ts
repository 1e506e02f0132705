import { createHash, generateKeyPairSync } from 'node:crypto';
import { nameAsRead, shownName } from '../../config/checks/names.ts';
import * as rules from '../../config/checks/rules.ts';
import { words } from '../support/words.ts';
import { holds, ok, type Case } from './rule-table.ts';

/** The message after the value, as a list shows it. */
const quoted = (message: string) => (value: string) => `"${value}" ${message}`;

const noUrl = 'is not a URL; write an absolute one, such as "https://plan.example.org/path"';
const plainHttp = 'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])';
const userinfo =
  'contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it';
const fragment = 'has a fragment; write the URL without "#" and everything after it';
const otherSpelling = (advice: string): string => `is not in normalized form; write "${advice}"`;
const letters = (host: string): string =>
  `has letters in its host that are not ASCII (${JSON.stringify(host)}) and may look like others; write the host as its owner's documents do, in ASCII (xn--…)`;
const address = (host: string): string =>
  `has an address as its host in another spelling (${JSON.stringify(host)}); write the name of the host`;
const slash = (advice: string): string => `ends in a slash; write "${advice}"`;
const plan = 'https://plan.example.org';
const app = 'https://app.example.org';

describe('words', () => {
  const noId = 'is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"';
  holds(
    'an id',
    rules.id,
    [ok, 'a', '0-9', 'a'.repeat(64)],
    [noId, 'a'.repeat(65), '', 'Plan', 'plan ', ' plan', 'plan/a'],
    ['begins with a hyphen, so commands would take it for a flag; write it without', '-prod', '-'],
  );

  const longStage = 'has 44 characters, which makes the names of AWS resources too long; write at most 43';
  holds(
    'a stage',
    rules.stageName,
    [ok, 'a'.repeat(43)],
    [longStage, 'a'.repeat(44)],
    [noId, 'Pilot'],
    ['ends with a hyphen; write it without', 'prod-'],
  );

  const unseen = (value: string): string => {
    const point = value.codePointAt('Portal'.length) ?? 0;
    return `has a character that nobody sees, or that turns or ends the line (U+${point.toString(16).toUpperCase().padStart(4, '0')}); remove it`;
  };
  const text: readonly Case[] = [
    [ok, 'a', 'Zdraví, 健康 and שלום!', 'a'.repeat(200)],
    ['is empty; write some text', '', ' \t'],
    // What UAX #9 and UAX #44 call formats, controls, separators and ignorable.
    [
      unseen,
      ...words(`
        0a 0d 09 00 1b 85 9b ad 061c 115f 180e 200b 200d 200e 2028 2029 202a 202e 2060 2066 2069 3164 fe0f feff d800 e0041
      `).map((point) => `Portal${String.fromCodePoint(Number.parseInt(point, 16))}x`),
    ],
  ];
  const long = 'has 201 characters, too many for a name; write at most 200';
  holds('some text', rules.notEmpty, ...text, [ok, 'a'.repeat(201)]);
  holds('a name', rules.givenName, ...text, [long, 'a'.repeat(201)]);

  const mistakable = (value: string): string => {
    const [character = ''] = value.normalize('NFC').slice('Plan '.length);
    const point = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
    return `has ${JSON.stringify(character)} (U+${point}), which may look like something else; write names in the letters A to Z, with accents or without`;
  };
  holds(
    'a name that members read',
    shownName,
    [ok, 'Clínica Ñandú’s “Plan+” – Q&A, Hawaiʻi™ (1.0)', 'e\u0301 with its accent apart'],
    ['is empty; write some text', ' '],
    [long, 'a'.repeat(201)],
    // Of UTS #39's table of look-alikes: of Cyrillic, Greek, Cherokee, Lisu, Hebrew, APL, mathematics and IPA, circled, wide, and an
    // accent through a letter.
    [
      mistakable,
      ...words('0430 03bf 13aa a4d0 05d5 237a 1d5ba 0251 0131 24b6 ff21 00a0 0336 5065').map(
        (point) => `Plan ${String.fromCodePoint(Number.parseInt(point, 16))}`,
      ),
    ],
  );

  it.each([
    ['River Network', 'RiverNetwork'],
    ['R.N. Health', 'RN Health'],
    ['Hawaiʻi Care', 'Hawai‘i Care'],
    ['Hawaiʻi Care', 'Hawaii Care'],
    ['Plan | A', 'Plan l a'],
  ])(
    'a name is read like another that differs by spaces, punctuation and letters that look alike: %s, %s',
    (one, other) => {
      expect(nameAsRead(one)).toBe(nameAsRead(other));
    },
  );

  const notVisible =
    'is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it';
  holds(
    'a client id that a payer gave',
    rules.visible,
    [ok, '~', 'Ab_c 1~'],
    [notVisible, '', ' ', ' a', 'a ', 'ä', 'äbc', 'abä', 'a\u007f', 'a\tb'],
  );

  const noNumber = 'is not a payer id; write its letters, digits and hyphens as claims carry them, such as "60054"';
  holds(
    'an identifier of a payer of claims',
    rules.payerNumber,
    [ok, '60054', 'A-1', 'A'.repeat(30)],
    [noNumber, 'A'.repeat(31), '', '60054 '],
  );

  const noDigits = 'is not an identifier; write its 5 digits';
  holds(
    'an identifier of a payer of five digits',
    rules.digits(5),
    [ok, '12345'],
    [noDigits, '1234', '123456', '1234a'],
  );

  const noType =
    'is not a JSON media type; write one in lower case without parameters, such as "application/json+fhir"';
  holds(
    'a media type of FHIR',
    rules.jsonMediaType,
    [ok, ...words('application/json application/fhir+json application/json+fhir application/vnd.plan-1+json')],
    [noType, 'application/fhir+xml', 'application/FHIR+json', 'application/json; charset=utf-8', 'text/json'],
  );

  const noMember = 'is not a member name; write it as the payer spells it, such as "patient"';
  holds(
    'the member that names a patient',
    rules.patientMember,
    [ok, 'patient', 'sub', 'a'.repeat(128)],
    [noMember, 'a'.repeat(129), 'patient id', '', 'ä'],
    [
      (value) => `is "${value}", which names no patient; write the member that does`,
      ...words('access_token refresh_token id_token token_type expires_in scope iss aud azp exp iat nbf jti nonce'),
      'auth_time',
    ],
  );

  const around = 'begins or ends with white space; write only the secret';
  const noCharacter = 'has a character that RFC 6749 does not allow; write the secret as the payer gave it';
  holds(
    'a client secret that a payer gave',
    rules.clientSecret,
    [ok, 's e\tcret~'],
    ['is empty; write the secret', ''],
    ['is in quotes; write only the secret', '"a"', "'a'"],
    ['is a placeholder in <>; write the secret itself', '<secret>'],
    ['contains a line break; write only the secret', 'a\nb', 'a\r'],
    [around, ' a', 'a '],
    [noCharacter, 'ä', 'a\u007fb'],
  );

  const hash = createHash('sha256').update('a secret').digest('base64url');
  holds(
    'the hash of a secret',
    rules.secretHash,
    [ok, hash],
    [
      'is not a SHA-256 in base64url (43 characters); write the output of: printf %s "$SECRET" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =',
      `A${hash}`,
      `${hash}A`,
      hash.slice(1),
      `${hash}=`,
      `${hash.slice(0, 42)}B`,
    ],
    // As an unset variable would have.
    [
      'is the hash of an empty secret; write the hash of the secret itself',
      createHash('sha256').update('').digest('base64url'),
    ],
    [
      'is 64 hexadecimal digits, the form in which "npm run partners" prints a secret; write its SHA-256 in base64url (43 characters), and if this is a secret, make a new one: Git may have this one',
      '0'.repeat(64),
      'aF'.repeat(32),
    ],
  );
});

describe('URLs', () => {
  holds(
    'a URL',
    rules.webUrl,
    [ok, plan, `${plan}/`, `${plan}/a/?b=c`, 'http://localhost:3001/a', 'http://127.0.0.1/a', 'http://[::1]:3001/a'],
    [noUrl, 'plan.example.org'],
    ['has a wildcard in its host; write out each host', 'https://*.example.org/a'],
    ['has a dot at the end of its host; remove the dot', 'https://plan.example.org./a', 'https://localhost.:1/'],
    [plainHttp, 'http://plan.example.org/a', 'http://localhost.example.org/a'],
    ['has the scheme "xhttp:"; write a URL that starts with https://', 'xhttp://localhost/a'],
    ['has the scheme "ftp:"; write a URL that starts with https://', 'ftp://localhost/a'],
    [userinfo, ...['user:word@', 'user@', ':word@'].map((user) => `https://${user}plan.example.org/a`)],
    [fragment, `${plan}/a#`, `${plan}/a#b`],
    [otherSpelling(`${plan}/`), 'https://Plan.example.org', `${plan}/..`],
    [otherSpelling(`${plan}/a%20b`), `${plan}/a b`],
    [otherSpelling(`${plan}/a`), `${plan}:443/a`],
    [otherSpelling(`${plan}/?a=b`), `${plan}?a=b`],
    [letters('plаn.example.org'), 'https://plаn.example.org/r4', 'https://plаn.example.org:8443'],
    [letters('bücher.example'), 'https://bücher.example/r4'],
    [address('2852039166'), 'https://2852039166/r4'],
    [address('0x7f.1'), 'https://0x7f.1'],
    [letters('①27.0.0.1'), 'https://①27.0.0.1'],
  );

  holds(
    'a base URL',
    rules.baseUrl,
    [ok, plan, `${plan}/a//b`],
    [plainHttp, 'http://plan.example.org/r4'],
    ['has a query; write the URL without "?" and everything after it', `${plan}/r4?a`],
    [slash(`${plan}/r4`), `${plan}/r4/`],
    [slash(`${plan}/a//b`), `${plan}/a//b//`],
    [slash(plan), `${plan}/`],
    [otherSpelling(`${plan}/R4`), 'https://Plan.example.org/R4'],
  );

  it.each(['https://Plan.example.org', 'https://Plan.example.org/r4/', 'https://Plan.example.org/r4?a'])(
    'a base URL written as advised for %j is accepted',
    (value) => {
      const advice = /"(.+)"/.exec(rules.baseUrl(value) ?? '')?.[1];

      expect(rules.baseUrl(advice ?? '')).toBeUndefined();
    },
  );

  const more = 'has a query, a fragment or white space; write the base URL as it appears in links';
  holds(
    'a base URL as a payer prints it',
    rules.printedBaseUrl,
    [ok, `${plan}/r4`, 'http://Internal:8080/a//fhir'],
    [
      'is not an http or https URL; write an absolute one',
      ...words('/fhir xhttp://internal/fhir https+fhir://internal/fhir'),
    ],
    [more, 'https://internal/fhir?a', 'https://internal/fhir#a', 'https://internal/fhir '],
    [slash('https://internal/fhir'), 'https://internal/fhir/'],
    [slash('https://internal/a//fhir'), 'https://internal/a//fhir//'],
  );

  holds(
    'a FHIR base URL at a host',
    (path) => rules.fhirBaseUrl(plan + path),
    [ok, '/r4', '/r4/Patients', '/r4/metadata2'],
    [
      `is a path below the base URL; write "${plan}/r4"`,
      ...words('/r4/metadata /r4/.well-known/smart-configuration /r4/Patient /r4/Patient/1 /r4/$export'),
    ],
    [slash(`${plan}/r4`), '/r4/'],
  );

  const hidden = 'is not on the public internet, and the gateway posts to no private address; write a public URL';
  holds(
    'the URL of a webhook',
    rules.webhook,
    [ok, `${app}/events?from=gateway`, 'http://localhost:3002/events', 'https://127.0.0.1/events'],
    [plainHttp, 'http://app.example.org/events'],
    [userinfo, 'https://user:word@app.example.org/events'],
    [
      hidden,
      ...words(`
        https://10.0.0.7/events https://169.254.169.254/latest https://[fd00::7]/events
        https://[::ffff:a00:7]/events https://[64:ff9b::a00:7]/events https://gateway.localhost/events
      `),
    ],
  );

  const start = 'data:image/png;base64,';
  const ofLength = (length: number): string => start + 'A'.repeat(length - start.length);
  holds(
    'an image',
    rules.image,
    [ok, 'data:image/svg+xml;base64,AAAA', `${start}AA==`, 'data:image/webp;base64,AAA=', ofLength(8192)],
    [
      'is not an image; write "data:image/svg+xml;base64,…" (or png or webp)',
      'data:image/gif;base64,AAAA',
      `${app}/logo.png`,
      `${start}A"A`,
      start,
    ],
    ['has 8193 characters, too many for a page; write at most 8192', ofLength(8193)],
  );

  holds(
    'an origin',
    rules.origin,
    [ok, app, 'http://localhost:3002'],
    [`has a wildcard; write each origin out, such as "${app}"`, '*', 'https://*.example.org'],
    [noUrl, 'null'],
    [plainHttp, 'http://app.example.org'],
    [`is more than an origin; write "${app}"`, `${app}/`, `${app}/a?b`],
    [otherSpelling(app), 'https://App.example.org', `${app}:443/a`],
  );

  holds(
    'an issuer',
    rules.issuer,
    [ok, plan, `${plan}/`],
    ['has a query; write the issuer as the payer publishes it', `${plan}/a?b`],
    [plainHttp, 'http://plan.example.org'],
  );

  holds(
    'an audience',
    rules.audience,
    [ok, 'https://fhir.example.org/r4/?a', 'http://Internal:8080'],
    [
      'is not an http or https URL; write the one that the payer asks for, or true for the FHIR base URL',
      'patientaccess',
      'urn:plan',
    ],
    [
      'has a fragment or white space; write the URL as the payer requires it',
      'https://fhir.example.org/r4#a',
      'https://fhir.example.org/r 4',
    ],
  );

  const schemeWithoutDot = (scheme: string): string =>
    `has the scheme "${scheme}"; write https://, or for a native app a scheme with a dot, such as "org.example.app:/callback" (RFC 8252 §7.1)`;
  const forPublic =
    'has a private-use scheme, which only a public client may use; write an https:// URI, or clientAuthentication: ["none"]';
  const forBoth: readonly Case[] = [
    [ok, `${app}/callback`, app, 'http://localhost/callback'],
    [`is not a URI; write an absolute one, such as "${app}/callback"`, '/callback'],
    [plainHttp, 'http://app.example.org/callback'],
    [fragment, `${app}/callback#`],
    ['has a wildcard; write out each redirect URI, since they are compared exactly', `${app}/*`],
    ...['localhost:5210/callback', '127.0.0.1:5210/callback'].map((bare): Case => [
      `lacks its scheme; write http://${bare}`,
      bare,
    ]),
    [schemeWithoutDot('myapp:'), 'myapp:/callback'],
    [schemeWithoutDot('xhttp:'), 'xhttp://localhost/callback'],
    [schemeWithoutDot('javascript:'), 'javascript:alert(1)'],
  ];
  const native = 'org.example.app:/callback';
  holds('a redirect URI', rules.redirectUri(false), ...forBoth, [
    forPublic,
    native,
    `${native}#a`,
    'org.example.app:/a/../callback',
  ]);
  holds(
    'a redirect URI of a public client',
    rules.redirectUri(true),
    ...forBoth,
    [ok, native],
    [fragment, `${native}#a`],
    [otherSpelling(native), 'org.example.app:/a/../callback'],
  );
  holds('a redirect URI with a parameter', (name) => rules.redirectUri(false)(`${app}/callback?a=b&${name}=x`), [
    (name) => `has "${name}" in its query, a parameter that the gateway adds itself; remove it`,
    ...words('code state iss error error_description error_uri'),
  ]);
});

describe('parameters', () => {
  const ofAuthorize = words(`
    response_type response_mode client_id redirect_uri state nonce scope aud code_challenge code_challenge_method request
    request_uri
  `);
  const ofToken = words(`
    grant_type code redirect_uri code_verifier refresh_token scope client_id client_secret client_assertion
    client_assertion_type
  `);
  const own =
    'is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead';
  const again = 'remove it, and replace the secret if this file was ever committed: Git still has it';
  const nameless = 'has no name; write the name of a parameter, or remove it';
  const secrets = words(
    `Our_Secret password passwd an_assertion apikey x-api-key subscription_key access-key key token sig subject_token
     authToken refreshToken sessionToken idToken id_token_hint x-functions-key X-Amz-Security-Token X-Amz-Signature X-Goog-Signature Signature AWSAccessKeyId`,
  );

  holds(
    'an authorize endpoint',
    rules.authorizationEndpoint,
    [ok, `${plan}/a?prompt=login`, `${plan}/a`],
    [noUrl, 'plan'],
  );
  holds('an authorize endpoint with a parameter', (name) => rules.authorizationEndpoint(`${plan}/a?b=c&${name}=x`), [
    (name) => `has "${name}" in its query, a parameter that the gateway sets itself; remove it`,
    ...ofAuthorize,
  ]);
  holds(
    'an extra parameter of authorize',
    rules.extraParameter,
    [ok, 'prompt', 'token_format', 'acr_values', 'design'],
    [nameless, ' '],
    [own, ...ofAuthorize],
    [`would show a secret to every browser; ${again}`, ...secrets],
  );
  holds(
    'an extra parameter of a token call',
    rules.extraTokenParameter,
    [ok, 'prompt'],
    [nameless, ' '],
    [own, ...ofToken],
    [`would be a secret in the configuration; ${again}`, ...secrets],
  );

  holds(
    'a parameter of page links',
    rules.pagingParameter,
    [ok, 'cursor', '_getpages', 'A1-b_c', 'a'.repeat(64)],
    [
      quoted('is not a parameter name; write 1 to 64 letters, digits, hyphens and underscores'),
      '',
      '1a',
      'a b',
      'a.b',
      'a'.repeat(65),
    ],
    [
      quoted("has a meaning of its own in requests; remove it, and list only what the payer's page links have"),
      ...words('_link _filter _query _has _method access_token patient Patient subject _include'),
    ],
  );

  const noCode =
    'is not a search parameter code; write 1 to 64 letters, digits, hyphens and underscores, without a modifier or chain (names that begin with _ belong to FHIR)';
  const pages = 'looks like a paging parameter; remove it, since partners follow the links of a Bundle instead';
  holds(
    'a search parameter of a payer',
    rules.searchParameter,
    [ok, 'device-serial', 'service_date', 'a'.repeat(64)],
    [quoted(noCode), 'a'.repeat(65), '', '_filter', 'code:in', 'subject.name'],
    [quoted(pages), 'pageToken', 'Offset', 'next-cursor'],
    [
      quoted('names a person, and the gateway itself says whose record is read; remove it'),
      'Patient',
      'member-id',
      'policyHolder',
    ],
  );
  const noType = 'is not a FHIR R4 resource type; write one, such as Observation, or "*" for all types';
  holds('the type of a search parameter', rules.searchedType, [ok, '*', 'Observation'], [noType, 'observation', '**']);
});

describe('a scope', () => {
  const unsupported =
    'is not supported; write launch/patient, offline_access, or patient/{type or *} with .rs or .read';
  const noType = 'names no FHIR R4 resource type; write one that does, such as patient/Observation.rs';
  const granular = 'is a granular scope, which is not supported; write "patient/Observation.rs"';
  const writes = 'allows more than reading, but the gateway only reads; write';

  holds(
    'of a partner',
    rules.partnerScope,
    [
      ok,
      ...words('launch/patient offline_access patient/*.read patient/*.rs patient/Observation.r patient/Observation.s'),
    ],
    [
      quoted(unsupported),
      '',
      'patient/*.rs offline_access',
      ...words(`
        openid patient/ patient/*. patient/*.sr patient/*.rr patient/*.reads patient/*.unread
        patient/Observation.rs.rs launch/patient/*.rs user/*.rs user/*.write system/*.rs?category=laboratory
      `),
    ],
    [quoted(noType), 'patient/observation.rs', 'patient/constructor.rs', 'patient/Observations.write'],
    [quoted(granular), 'patient/Observation.rs?category=laboratory', 'patient/Observation.rs?'],
    [quoted(`${writes} "patient/*.rs"`), 'patient/*.write', 'patient/*.*', 'patient/*.cruds'],
    [
      quoted(`${writes} "patient/Observation.rs"`),
      ...words('.c .u .rd .cud?category=laboratory').map((permissions) => `patient/Observation${permissions}`),
    ],
  );

  it('of a partner written as advised is accepted', () => {
    for (const value of ['patient/*.cruds', 'patient/Claim.write?a=b', 'patient/Claim.read?a=b']) {
      const advice = /write "(.+)"/.exec(rules.partnerScope(value) ?? '')?.[1];
      expect(rules.partnerScope(advice ?? '')).toBeUndefined();
    }
  });

  holds(
    'of a payer',
    rules.payerScope,
    [
      ok,
      ...words('user/*.read openid patient/Claim.rs?a=b.write our/patient/*.write patient/* !'),
      // Only looks like writing.
      ...words('patient/*.custom patient/*.exec patient/*.rewrite patient/*.writer patient/*.rs patient/*.sr'),
      ...words('patient.Claim.read user.all.rs Claim.Search launch.patient claims.all'),
      // Names no permission, so it is a word of its own.
      ...words('patient/Nonsense user/claims system/'),
    ],
    [quoted(noType), 'patient/Nonsense.rs', 'user/claim.read'],
    [quoted('is not a scope of SMART; write "launch/patient"'), 'launch/pateint', 'launch/Patient'],
    [quoted('is not a scope of SMART; write "offline_access"'), 'ofline_access', 'offline-access'],
    [quoted('is not a scope of SMART; write "patient/*.rs"'), 'pateint/*.rs', 'Patient/*.rs'],
    [
      quoted('allows more than reading, but the gateway only reads; write a read scope'),
      ...words('patient/*.write user/*.* system/*.c patient/Claim.rud patient/Claim.cruds?a=b patient.Claim.write'),
    ],
    ['is not a single scope; write one scope per entry, without spaces', '', 'a b', ' a', 'a ', '"a"', 'a\\', 'ä'],
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
    ...Object.entries({ x: ec, y: ec, n: rsa, e: rsa }).flatMap(([member, key]) =>
      [`${String(key[member])}=`, ` ${String(key[member])}`, `AAAA${String(key[member])}`].map(
        (text): [string, Record<string, unknown>, string] => [
          `whose ${member} is in another form`,
          { ...key, [member]: text },
          `has "${member}" in another form than RFC 7518 has (base64url without padding or leading zeros); write "${member}": "${String(key[member])}"`,
        ],
      ),
    ),
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
