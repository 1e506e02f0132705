import { createHash, generateKeyPairSync } from 'node:crypto';
import { entryFields, stageSchema } from '../../config/checks/schema.ts';
import { fieldsAt } from '../../config/checks/unknown-fields.ts';
import { longestApproval } from '../../functions/shared/store/member-stops.ts';
import { words } from '../support/words.ts';
import { changed, problems, refusedFields, type Values } from './stages.ts';

const jwkOf = (half: 'publicKey' | 'privateKey') => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' })[half].export({ format: 'jwk' }),
  kid: 'plan-1',
});
const domain = {
  'domain.name': 'gateway.lakeside-plan.net',
  'domain.certificateArn': 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
};
const zone = { ...domain, 'domain.hostedZone.id': 'Z0ABC', 'domain.hostedZone.name': 'lakeside-plan.net' };
const network = { 'network.availabilityZones': 1, 'network.cidr': '10.20.0.0/16' };
const member = { payers: ['lakeside'], name: 'Ana', about: 'Has claims.', details: {} };
const website = { 'payers[0].brand.website': 'https://lakeside-plan.net' };
const http = 'http://lakeside-plan.net';
/** A stage where a partner may present its members' identity tokens to a payer. */
const identities = (issuer = 'https://id.example-csp.com'): Values => ({
  'identityProviders[0]': { issuer, jwksUri: 'https://id.example-csp.com/keys', algorithms: ['RS256'] },
  'payers[1].identitySignIn': {
    issuers: [issuer],
    assertionAlgorithm: 'ES384',
    scopes: ['launch/patient', 'patient/Coverage.rs'],
    noMatch: [{ status: 401, members: { status_code: 401 } }],
  },
  'partners[0].clientAuthentication': ['private_key_jwt'],
  'partners[0].secretHashes': [],
  'partners[0].jwks': [jwkOf('publicKey')],
  'partners[0].consent': 'partner',
  'partners[0].consentReason': 'Our own app asks.',
  'partners[0].identityAudiences': [{ issuer, audiences: ['portal-at-csp'] }],
});

const npi = (value: string) => ({ system: 'http://hl7.org/fhir/sid/us-npi', value });
/** A stage where a plan's own system may ask a payer for its new members' records. The first NPI is CMS's example of a check digit. */
const exchanges: Values = {
  exchanges: {},
  'payers[1].exchange': {
    clientId: 'gateway-as-a-plan',
    assertionAlgorithm: 'ES384',
    publicKeys: [jwkOf('publicKey')],
    scopes: ['system/Group.rs'],
    identifiers: [npi('1234567893')],
  },
  'partners[0].payers': ['riverside', 'lakeside'],
  'partners[0].clientAuthentication': ['private_key_jwt'],
  'partners[0].secretHashes': [],
  'partners[0].jwks': [jwkOf('publicKey')],
  'partners[0].exchange': { identifiers: [npi('9800000017')] },
};

describe('a field of the configuration that has a rule of its own', () => {
  /** A value that the rule of this field refuses, and rules of similar fields would not. */
  it.each<[field: string, value: unknown, beside?: Values]>([
    ['stage', 'a'.repeat(44)],
    ['account', '4444-5555-6666'],
    ['region', 'us-east-9'],
    ['origin', 'https://gateway.lakeside-plan.net/prod'],
    ['domain.name', 'Gateway.lakeside-plan.net', domain],
    ['domain.certificateArn', 'arn:aws:iam:us-west-2:777788889999:server-certificate/gateway', domain],
    ['domain.hostedZone.id', '/hostedzone/Z0ABC', zone],
    ['domain.hostedZone.name', 'lakeside-plan.net.', zone],
    ['operator.name', ' '],
    ['operator.website', http],
    ['operator.privacyPolicy', http],
    ['operator.support', 'mailto:help'],
    ['operator.support', http],
    ['operator.logo', 'https://lakeside-plan.net/logo.png'],
    ['indexPage.testMembers[0].name', ' ', { 'indexPage.testMembers[0]': member }],
    ['indexPage.testMembers[0].about', ' ', { 'indexPage.testMembers[0]': member }],
    ['indexPage.links[0].text', ' ', { 'indexPage.links[0]': { href: 'https://lakeside-plan.net/' } }],
    ['indexPage.links[0].href', http, { 'indexPage.links[0]': { text: 'More' } }],
    ['alarmAddresses[0]', 'oncall'],
    ['ticketAddresses[0]', 'oncall'],
    ['runbookUrl', 'operate'],
    ['network.cidr', '8.8.0.0/20', network],
    ['wafOffReason', ' ', { waf: 'none' }],
    ['retention.logDays', 100],
    ['payers[0].id', 'lake_side'],
    ['payers[0].displayName', ' '],
    ['payers[0].fhirBaseUrl', 'https://fhir.lakeside-plan.net/r4/metadata'],
    ['payers[0].fhirBaseUrlAliases[0]', '/fhir'],
    ['payers[0].authorizationEndpoint', 'https://id.lakeside-plan.net/authorize?scope=x'],
    ['payers[0].tokenEndpoint', http],
    ['payers[0].revocationEndpoint', http],
    ['payers[0].issuer', 'https://id.lakeside-plan.net/?x'],
    ['payers[0].smartConfigurationUrl', http],
    ['payers[0].userinfoEndpoint', http, { 'payers[0].patientFrom': 'userinfo' }],
    ['payers[0].jwksUri', http],
    ['payers[0].clientId', ' a'],
    ['payers[1].publicKeys[0]', jwkOf('privateKey')],
    ['payers[0].scopes[0]', 'patient/*.write'],
    ['payers[0].ownScopes[0]', 'patient/Claim.rs'],
    ['payers[0].wholeRecord.searches[0]', ' '],
    ['payers[0].wholeRecord.substitute', ' '],
    ['payers[0].wholeRecord.exhaustive[0]', ' '],
    ['payers[0].patientMember', 'access_token'],
    ['payers[0].patientNoneReason', ' ', { 'payers[0].patientFrom': 'none' }],
    ['payers[0].searchParameters.observation', ['device-serial']],
    ['payers[0].searchParameters.Observation[0]', '_filter'],
    ['payers[0].quirks.searchMethod', 'GET'],
    ['payers[0].operations.everything', ['*']],
    ['payers[0].operations.$card', ['Coverage']],
    ['payers[0].operations.card[0]', 'coverage'],
    ['payers[0].wholeRecord.totals', 'exact'],
    ['payers[0].wholeRecord.attachments', true],
    ['payers[0].pagingParameters[0]', 'patient'],
    ['payers[0].linesOfBusiness[0]', ' '],
    ['payers[0].brand.website', http],
    ['payers[0].brand.logo', 'data:image/png;base64,AAAA', website],
    ['payers[0].brand.otherNames[0]', ' ', website],
    ['payers[0].brand.identifiers.payerId[0]', 'a b', website],
    ...['naic', 'hios'].flatMap((name): [string, string, Values][] => [
      [`payers[0].brand.identifiers.${name}[0]`, '1234', website],
      [`payers[0].brand.identifiers.${name}[0]`, '123456', website],
    ]),
    ['payers[0].brand.identifiers.npi[0]', '123456789', website],
    ['payers[0].brand.identifiers.npi[0]', '12345678901', website],
    ['payers[0].quirks.aud', 'patientaccess'],
    ['payers[0].quirks.pkceOffReason', ' ', { 'payers[0].quirks.pkce': false }],
    ['payers[0].quirks.extraAuthorizeParameters.code_challenge', 'x'],
    ['payers[0].quirks.extraTokenParameters.code_verifier', 'x'],
    ['payers[0].quirks.extraRefreshParameters.refresh_token', 'x'],
    ['payers[0].quirks.fhirMediaType', 'application/fhir+xml'],
    ['payers[0].quirks.secretHeaders[0]', 'x key'],
    ['payers[0].quirks.secretHeaders[0]', 'authorization'],
    ['payers[0].quirks.secretHeaders[0]', 'X-Forwarded-For'],
    ['payers[0].quirks.tokenRequest', 'xml'],
    ['payers[0].quirks.signInOrigins[0]', 'https://id.lakeside-plan.net/login'],
    ['partners[0].clientId', 'portal_1'],
    ['partners[0].name', ' '],
    ['partners[0].homePage', http],
    ['partners[0].logo', 'https://lakeside-plan.net/logo.png'],
    ['partners[0].privacyPolicy', http],
    ['partners[0].redirectUris[0]', 'https://members.lakeside-plan.net/callback?code=1'],
    ['partners[0].redirectUris[0]', 'net.lakeside:/callback'],
    ['partners[0].secretHashes[0]', 'a'],
    ['partners[0].jwks[0]', jwkOf('privateKey'), { 'partners[0].clientAuthentication[1]': 'private_key_jwt' }],
    ['partners[0].pkceOptionalReason', ' ', { 'partners[0].pkceOptional': true }],
    ['partners[0].scopes[1]', 'user/*.rs'],
    ['partners[0].webOrigins[0]', 'https://lakeside-plan.net/'],
    ['partners[0].webhook', 'https://10.0.0.7/events'],
    ['partners[1].consentReason', ' ', { 'partners[1].consent': 'partner' }],
    ['identityProviders[0].jwksUri', 'https://169.254.169.254/keys', identities()],
    ['identityProviders[0].algorithms[0]', 'HS256', identities()],
    ['payers[1].identitySignIn.scopes[0]', 'openid', identities()],
    ['payers[1].identitySignIn.tokenEndpoint', http, identities()],
    ['payers[1].identitySignIn.consentPolicies[0]', http, identities()],
    ['payers[1].identitySignIn.noMatch[0].status', 200, identities()],
    ['payers[1].identitySignIn.noMatch[0].members', {}, identities()],
    ['exchanges.mostRunning', 0, exchanges],
    ['payers[1].exchange.scopes', [], exchanges],
    ['payers[1].exchange.identifiers', [], exchanges],
    ['payers[1].exchange.identifiers[0].value', '1234567890', exchanges],
    [
      'payers[1].exchange.identifiers[0].value',
      '1234567890',
      { ...exchanges, 'payers[1].exchange.identifiers[0].system': 'urn:oid:2.16.840.1.113883.4.6' },
    ],
    ['payers[1].exchange.identifiers[0].system', 'npi', exchanges],
    ['payers[1].exchange.identifiers[0].system', 'https://hl7.org/fhir/sid/us-npi', exchanges],
    ['payers[1].exchange.identifiers[0].system', 'http://hl7.org/fhir/sid/us-npi/', exchanges],
    ['payers[1].exchange.identifiers[0].system', 'http://hl7.org/fhir/sid/US-NPI', exchanges],
    ...['patient/*.rs', 'user/Group.rs', 'openid'].map((scope): [string, unknown, Values] => [
      'payers[1].exchange.scopes',
      [scope],
      exchanges,
    ]),
    ['payers[1].exchange.clientId', 'pending-registration', exchanges],
    ['payers[1].exchange.requestsPerSecond', 1e-7, exchanges],
    ['payers[1].exchange.tokenEndpoint', 'https://fhir.riverside-plan.net/r4', exchanges],
    ['payers[1].exchange.tokenEndpoint', 'https://id.riverside-plan.net:0/token', exchanges],
    ['payers[1].identitySignIn.noMatch[0].members', { error: 'invalid_client' }, identities()],
    ['identityProviders[0].jwksUri', 'https://id.example-csp.com', identities()],
    ['identityProviders[0].jwksUri', 'https://gateway.lakeside-plan.net/keys', { ...identities(), ...domain }],
    ['throttling.burst', 1e12],
    ['alarmAddresses[0]', 'oncall@lakeside-pl\u0430n.net'],
    ['payers[0].displayName', 'L\u0430keside'],
    ['partners[0].name', 'P\u03BFrtal'],
    ['payers[0].linesOfBusiness[0]', 'Medic\u0430id'],
    ['payers[0].brand.otherNames[0]', 'L\u0430ke', website],
    ['operator.name', 'L\u0430keside'],
    ['partners[0].name', 'lakeside'],
    ['payers[1].exchange.tokenEndpoint', http, exchanges],
    ['payers[1].exchange.tokenEndpoint', 'https://169.254.169.254/token', exchanges],
    ['payers[1].exchange.fhirBaseUrl', 'https://lakeside-plan.net/r4/', exchanges],
    ['payers[1].exchange.matchPath', '/Group/$bulk-member-match', exchanges],
    ['payers[1].exchange.matchPath', '../Group/$bulk-member-match', exchanges],
    ['payers[1].exchange.exportPath', 'Group/$davinci-data-export', exchanges],
    ['payers[1].exchange.exportPath', 'Group/{group}/{group}', exchanges],
    ['payers[1].exchange.exportMethod', 'PUT', exchanges],
    ['payers[1].exchange.fileToken', 'sometimes', exchanges],
    ['payers[1].exchange.statusOrigins[0]', 'https://status.lakeside-plan.net/jobs', exchanges],
    ['payers[1].exchange.fileOrigins[0]', 'https://metadata.google.internal', exchanges],
    ['payers[1].exchange.publicKeys', [], exchanges],
    ['payers[1].exchange.publicKeys[0]', jwkOf('privateKey'), exchanges],
    ['partners[0].exchange.identifiers[0].value', '12345678', exchanges],
  ])('refuses what only that rule refuses: %s, %j', (field, value, beside = {}) => {
    expect(refusedFields(changed({ ...beside, [field]: value }))).toEqual([field]);
  });

  it.each<[what: string, values: Values]>([
    ['a payer without scopes', { 'payers[0].scopes': [] }],
    ['a payer on this machine', { 'payers[0].fhirBaseUrl': 'http://localhost:3001/r4' }],
    ['an alias with plain http', { 'payers[0].fhirBaseUrlAliases[0]': 'http://Internal:8080/fhir' }],
    [
      'an authorize endpoint with a query',
      { 'payers[0].authorizationEndpoint': 'https://id.lakeside-plan.net/a?plan=7' },
    ],
    ["a native app's own scheme", { 'partners[1].redirectUris[0]': 'net.care-notebook:/callback' }],
    ['a webhook with a query', { 'partners[0].webhook': 'https://lakeside-plan.net/events?from=gateway' }],
    ['a webhook on this machine', { 'partners[0].webhook': 'http://localhost:3002/events' }],
    ['an app on this machine', { 'partners[0].webOrigins[0]': 'http://localhost:3002' }],
    [
      'a brand with an identifier of every kind',
      {
        ...website,
        'payers[0].brand.identifiers': { payerId: ['60054'], naic: ['12345'], hios: ['54321'], npi: ['1234567893'] },
      },
    ],
    [
      'a page for testers',
      {
        'indexPage.testMembers[0]': member,
        'indexPage.links[0]': { text: 'More', href: 'https://lakeside-plan.net/' },
      },
    ],
    ["a partner that presents its members' identity tokens", identities()],
    ['a plan that asks a payer', exchanges],
    [
      'a plan that only asks, and sends no member anywhere',
      { ...exchanges, 'partners[0].redirectUris': [], 'partners[0].scopes': [] },
    ],
    [
      'a former plan that has no sign-in, and that only such a plan asks',
      {
        ...exchanges,
        'payers[1].clientId': 'pending-registration',
        'payers[1].clientAuthentication': 'none',
        'payers[1].publicKeys': [],
        'partners[0].redirectUris': [],
        'partners[0].scopes': [],
        'partners[1].payers': ['lakeside'],
      },
    ],
    [
      'two clients of one app under one name and home page',
      { 'partners[1].name': 'Portal', 'partners[1].homePage': 'https://members.lakeside-plan.net/' },
    ],
    ["a plan's own app under the name of the plan", { 'partners[0].name': 'Lakeside' }],
    ['exchanges that nobody may ask for yet', { exchanges: {} }],
    [
      'an identifier that is no NPI',
      {
        ...exchanges,
        'partners[0].exchange.identifiers[0]': { system: 'urn:oid:2.16.840.1.113883.6.300', value: '12345' },
      },
    ],
    ['an address for help', { 'operator.support': 'mailto:help@lakeside-plan.net' }],
  ])('accepts %s', (_what, values) => {
    expect(problems(changed(values))).toEqual([]);
  });
});

describe("a partner that presents its members' identity tokens", () => {
  it.each<[what: string, field: string, values: Values]>([
    [
      'no key of its own',
      'partners[0].identityAudiences',
      { 'partners[0].clientAuthentication': ['client_secret_post'] },
    ],
    ['consent by our page', 'partners[0].consent', { 'partners[0].consent': 'gateway' }],
    ['no reason', 'partners[0].consentReason', { 'partners[0].consentReason': undefined }],
    [
      'an issuer that the stage does not have',
      'partners[0].identityAudiences[0].issuer',
      { 'identityProviders[0].issuer': 'https://id.other-csp.com' },
    ],
    ['a public client at the payer', 'payers[1].clientAuthentication', { 'payers[1].clientAuthentication': 'none' }],
    ['a key of another type', 'payers[1].publicKeys', { 'payers[1].identitySignIn.assertionAlgorithm': 'RS384' }],
    ['no patient at the payer', 'payers[1].identitySignIn', { 'payers[1].patientFrom': 'none' }],
    ['an audience of another partner', '', {}],
  ])('is refused with %s', (_what, field, values) => {
    const [portal] = (changed(identities()) as { partners: Record<string, unknown>[] }).partners;
    const twin = { ...portal, clientId: 'twin', jwks: [jwkOf('publicKey')] };
    const isShared = field === '';
    const found = refusedFields(changed({ ...identities(), ...values, ...(isShared ? { 'partners[2]': twin } : {}) }));

    expect(found).toContain(isShared ? 'partners[2].identityAudiences[0].audiences[0]' : field);
  });
});

it('the reason of a partner that presents identity tokens is no mistake beside consent by our page, which is one', () => {
  expect(refusedFields(changed({ ...identities(), 'partners[0].consent': 'gateway' }))).toEqual([
    'partners[0].consent',
  ]);
});

describe('an exchange between plans', () => {
  it.each<[what: string, field: string, values: Values]>([
    ['no exchanges in the stage', 'payers[1].exchange', { exchanges: undefined }],
    ['no exchanges in the stage', 'partners[0].exchange', { exchanges: undefined }],
    ['no payer that is asked', 'partners[0].exchange', { 'partners[0].payers': ['lakeside'] }],
    ['a partner without a key', 'partners[0].exchange', { 'partners[0].clientAuthentication': ['client_secret_post'] }],
    ["the sign-in's client", 'payers[1].clientId', {}],
    ['a key of another type', 'payers[1].exchange.publicKeys', { 'payers[1].exchange.assertionAlgorithm': 'RS384' }],
    ['scopes and nowhere to send a member', 'partners[0].redirectUris', { 'partners[0].redirectUris': [] }],
    ['somewhere to send a member, and no scopes', 'partners[0].scopes', { 'partners[0].scopes': [] }],
  ])('is refused with %s: %s', (_what, field, values) => {
    const [, payer] = (changed(exchanges) as { payers: { clientId: string }[] }).payers;
    const own = field === 'payers[1].clientId';
    const all = { ...exchanges, ...values, ...(own ? { 'payers[1].exchange.clientId': payer?.clientId } : {}) };

    expect(refusedFields(changed(all))).toContain(own ? 'payers[1].exchange.clientId' : field);
  });

  it("is refused with a key of the sign-in's client, whatever its kid", () => {
    const key = jwkOf('publicKey');
    const same = { 'payers[1].publicKeys': [key], 'payers[1].exchange.publicKeys': [{ ...key, kid: 'another' }] };

    expect(refusedFields(changed({ ...exchanges, ...same }))).toEqual(['payers[1].exchange.publicKeys']);
  });
});

describe('what only one payer or partner of a stage may have', () => {
  const values = {
    base: (name: string) => `https://${name.toLowerCase()}.lakeside-plan.net/r4`,
    key: (name: string) => ({ ...jwkOf('publicKey'), kid: name }),
    identifier: (value: string) => ({ system: 'urn:oid:2.16.840.1.113883.6.300', value }),
    secret: (name: string) => createHash('sha256').update(name).digest('base64url'),
    name: (name: string) => name,
  };
  type Place = (typeof entryFields)['payers'][number] & { readonly list: 'payers' | 'partners' };
  const places: readonly Place[] = (['payers', 'partners'] as const).flatMap((list) =>
    entryFields[list].map(({ mark, path }) => ({ mark, path, list })),
  );
  const pathOf = ({ list, path }: Place, index: number): string =>
    `${list}[${index}]${path.map((name) => (name === '*' ? '[0]' : `.${name}`)).join('')}`;
  const methods = ['client_secret_basic', 'private_key_jwt'];
  /** Two payers and two partners, each with every such field. */
  const whole = changed({
    ...exchanges,
    ...Object.fromEntries(
      [0, 1].flatMap((index) => {
        const distinct = places.map((place): [string, unknown] => [
          pathOf(place, index),
          values[place.mark](`${place.list}-${place.path.join('-').replaceAll('*', 'n')}-${index}`),
        ]);
        const beside: [string, unknown][] = [
          [`payers[${index}].clientAuthentication`, 'private_key_jwt'],
          [`payers[${index}].brand.website`, 'https://lakeside-plan.net/'],
          [`payers[${index}].everything`, false],
          [`payers[${index}].furtherBases[0].types`, ['Claim']],
          [`payers[${index}].exchange.clientId`, `gateway-as-a-plan-${index}`],
          [`payers[${index}].exchange.assertionAlgorithm`, 'ES384'],
          [`payers[${index}].exchange.scopes`, ['system/Group.rs']],
          [`partners[${index}].payers`, ['riverside', 'lakeside']],
          [`partners[${index}].clientAuthentication`, methods],
        ];
        return beside.concat(distinct);
      }),
    ),
  });
  const twins = places.flatMap((one, at) =>
    places
      .filter(
        (other, index) =>
          other.mark === one.mark &&
          (other.list !== one.list || index >= at) &&
          (one.list === 'payers' || other.list === 'partners'),
      )
      .map((other) => [pathOf(one, 0), pathOf(other, 1)] as const),
  );
  const valueAt = (path: string): unknown =>
    path
      .split(/[.[\]]+/)
      .filter(Boolean)
      .reduce<unknown>((inner, part) => (inner as Record<string, unknown>)[part], whole);

  it('is found in a stage that has all of it, each once', () => {
    expect(problems(whole)).toEqual([]);
  });

  it.each(twins)('is refused of another: that of %s at %s', (one, other) => {
    // A plan has one key at several payers if it likes: an assertion names the one that it is for. Its own app may have its name.
    const mayBe = [
      'payers[0].publicKeys[0] payers[1].publicKeys[0]',
      'payers[0].displayName partners[1].name',
      'payers[0].brand.otherNames[0] partners[1].name',
    ].includes(`${one} ${other}`);

    expect(refusedFields(changed({ [other]: valueAt(one) }, whole))).toEqual(mayBe ? [] : [other]);
  });

  it('has every field that is named like a base, a key, a secret, or an identifier of a plan', () => {
    const under = (path: readonly (string | number)[]): string[] =>
      fieldsAt(stageSchema, path).flatMap((name) => {
        const inner = path.concat(name);
        const below = under(inner).concat(under(inner.concat(0)));
        return below.length > 0 && name !== 'identifiers' ? below : [inner.slice(2).join('.')];
      });
    const named = (['payers', 'partners'] as const).flatMap((list) =>
      under([list, 0])
        .filter((path) => /(?:base|key|jwk|hash)(?!.*uri$)\w*$|identifiers$/i.test(path.replace(/\.kty|\.kid/, '')))
        .map((path) => `${list} ${path.replaceAll('.0', '').replace(/\.kty|\.kid/, '')}`),
    );
    const marked = places.map(({ list, path }) => `${list} ${path.filter((name) => name !== '*').join('.')}`);
    // Brands of one company may share what they are known by, and what a payer is told is no key.
    expect([...new Set(named)].filter((name) => !marked.includes(name))).toEqual(['payers brand.identifiers']);
    expect(marked.length).toBeGreaterThan(8);
  });

  it('is not the identifier of a plan that is asked by others than itself', () => {
    const both = {
      'partners[0].payers': ['lakeside'],
      'partners[0].exchange.identifiers[0]': valueAt('payers[1].exchange.identifiers[0]'),
    };
    expect(refusedFields(changed(both, whole))).toEqual([]);
  });
});

describe('a list in the configuration', () => {
  const hash = createHash('sha256').update('one').digest('base64url');

  it.each<[field: string, value: unknown, beside?: Values]>([
    ['alarmAddresses', 'oncall@lakeside-plan.net'],
    ['ticketAddresses', 'oncall@lakeside-plan.net'],
    ['payers[0].fhirBaseUrlAliases', 'http://internal/fhir'],
    ['payers[0].scopes', 'patient/*.rs'],
    ['payers[0].ownScopes', 'claims.read'],
    ['payers[0].wholeRecord.searches', 'Coverage'],
    ['payers[0].wholeRecord.exhaustive', 'Coverage', { 'payers[0].wholeRecord.searches': ['Coverage?status=active'] }],
    ['payers[0].searchParameters.*', 'source'],
    ['payers[0].pagingParameters', 'cursor'],
    ['payers[0].linesOfBusiness', 'Medicaid'],
    ['payers[0].brand.otherNames', 'Lake', website],
    ['payers[0].quirks.signInOrigins', 'https://id.lakeside-plan.net'],
    ['partners[0].redirectUris', 'https://members.lakeside-plan.net/callback'],
    ['partners[0].clientAuthentication', 'client_secret_basic'],
    ['partners[0].secretHashes', hash],
    ['partners[0].scopes', 'patient/*.rs'],
    ['partners[0].payers', 'lakeside', { 'partners[1].payers': ['lakeside', 'riverside'] }],
    ['partners[0].webOrigins', 'https://lakeside-plan.net'],
  ])('refuses a value that is in it twice: %s', (field, value, beside = {}) => {
    expect(refusedFields(changed({ ...beside, [field]: [value, value] }))).toEqual([`${field}[1]`]);
  });

  it('refuses a subnet that is in it twice', () => {
    const subnet = { id: 'subnet-0a1b2c3d', availabilityZone: 'us-east-1a' };
    const vpc = { id: 'vpc-0a1b2c3d', subnets: [subnet, subnet], awsEndpoints: 'nat' };

    expect(refusedFields(changed({ 'existing.vpc': vpc }))).toEqual(['existing.vpc.subnets[1].id']);
  });

  it.each<[field: string, beside?: Values]>([
    ['payers[1].publicKeys'],
    ['partners[0].jwks', { 'partners[0].clientAuthentication': ['private_key_jwt'], 'partners[0].secretHashes': [] }],
  ])('refuses two keys with one kid: %s', (field, beside = {}) => {
    const keys = [jwkOf('publicKey'), jwkOf('publicKey')];

    expect(refusedFields(changed({ ...beside, [field]: keys }))).toEqual([`${field}[1].kid`]);
  });
});

describe('a number in the configuration', () => {
  it.each<[field: string, least: number, most: number, beside?: Values]>([
    ['lifetimes.loginAttempt', 1, 1800],
    ['lifetimes.code', 1, 60],
    ['lifetimes.code', 1, 300, { stage: 'local' }],
    ['lifetimes.accessToken', 1, 3600],
    ['lifetimes.grant', 1, 15_552_000, { 'lifetimes.accessToken': 1, 'lifetimes.refreshGrace': 0 }],
    ['lifetimes.refreshGrace', 0, 60],
    ['lifetimes.publicRefreshGrace', 0, 10],
    ['longestConsentAge', 1, longestApproval],
    ['payers[1].identitySignIn.longestAuthAge', 1, 86_400, identities()],
    ['payers[1].identitySignIn.consentLifetime', 3600, 315_360_000, identities()],
    ['payers[0].consentLifetime', 3600, 315_360_000],
    ['exchanges.groupDays', 1, 3653, exchanges],
    ['exchanges.mostRunning', 1, 1000, exchanges],
    ['payers[0].quirks.timeToFirstByte', 1, 240],
    ['payers[0].quirks.timeToFirstByte', 1, 90, { ...domain, edge: true }],
    ['payers[0].wholeRecord.pageSize', 1, 1000],
    ['payers[0].wholeRecord.requestsPerSecond', 1, 100],
    ['network.availabilityZones', 1, 3, network],
    ['network.subnetPrefix', 16, 28, network],
    ['waf.requestsPer5Minutes', 10, 2_000_000_000, { waf: {} }],
    ['retention.auditDays', 1, 3653],
    ['retention.exportFileDays', 1, 30],
  ])('may be as small or as large as written here, and no more: %s, %d to %d', (field, least, most, beside = {}) => {
    const refusedAt = (value: number): string[] => refusedFields(changed({ ...beside, [field]: value }));

    expect([refusedAt(least), refusedAt(most)]).toEqual([[], []]);
    expect(refusedAt(most + 1)).toEqual([field]);
    // A rate may be any part of a request.
    const tooSmall = field.endsWith('requestsPerSecond') ? 0 : least - 1;
    expect(refusedAt(tooSmall)).toContain(field);
  });

  it.each<[field: string, beside?: Values]>([
    ['throttling.perSecond'],
    ['throttling.burst', { 'throttling.perSecond': 1 }],
    ['partners[0].rate.burst', { 'partners[0].rate': { perSecond: 0.5 } }],
    ...words('authorize callback token fetch discovery export exportJob followUp sweep deliver').map(
      (name): [string] => [`concurrency.${name}`],
    ),
  ])('is a whole one of at least 1: %s', (field, beside = {}) => {
    const refusedAt = (value: number): string[] => refusedFields(changed({ ...beside, [field]: value }));

    expect(refusedAt(0)).toEqual([field]);
    expect(refusedAt(1.5)).toEqual([field]);
    expect(refusedAt(1)).toEqual([]);
  });

  it('a number in the configuration of executions of the account is a whole one of at least 1, of which 100 cannot be reserved', () => {
    const refusedAt = (values: Values): string[] => refusedFields(changed(values));

    expect(refusedAt({ accountConcurrency: 0 })).toContain('accountConcurrency');
    expect(refusedAt({ accountConcurrency: 100.5 })).toContain('accountConcurrency');
    // A new account has 10: nothing can be reserved there.
    expect(refusedAt({ accountConcurrency: 10 })).toEqual([]);
    expect(refusedAt({ accountConcurrency: 101, 'concurrency.fetch': 1 })).toEqual([]);
    expect(refusedAt({ accountConcurrency: 101, 'concurrency.fetch': 2 })).toEqual(['concurrency']);
  });

  it.each(['payers[0].wholeRecord', 'partners[0].rate'])('may be a part of one, but not zero: the rate in %s', (at) => {
    const name = at.startsWith('payers') ? 'requestsPerSecond' : 'perSecond';
    const refusedAt = (value: number): string[] =>
      refusedFields(changed({ [at]: at.startsWith('payers') ? { [name]: value } : { [name]: value, burst: 1 } }));

    expect([refusedAt(0.01), refusedAt(0)]).toEqual([[], [`${at}.${name}`]]);
  });
});

describe('a choice in the configuration', () => {
  it.each<[field: string, choices: string, beside?: (choice: string) => Values]>([
    ['removalPolicy', 'retain destroy'],
    ['payerSecrets', 'stack tool'],
    [
      'payers[1].clientAuthentication',
      'client_secret_basic client_secret_post private_key_jwt none',
      (choice) => (choice === 'none' ? { 'payers[1].publicKeys': [] } : {}),
    ],
    [
      'payers[0].patientFrom',
      'token search userinfo id_token none',
      (choice) => ({
        'payers[0].scopes': ['openid'],
        'payers[0].issuer': 'https://id.lakeside-plan.net',
        ...(choice === 'userinfo' ? { 'payers[0].userinfoEndpoint': 'https://id.lakeside-plan.net/userinfo' } : {}),
        ...(choice === 'id_token' ? { 'payers[0].jwksUri': 'https://id.lakeside-plan.net/keys' } : {}),
      }),
    ],
    ['partners[0].consent', 'gateway partner'],
  ])('is one of the words written here, and no other: %s, %s', (field, listed, beside = () => ({})) => {
    const choices = words(listed);
    for (const choice of choices)
      expect([choice, problems(changed({ ...beside(choice), [field]: choice }))]).toEqual([choice, []]);

    expect(problems(changed({ [field]: 'other' }))).toEqual([
      `${field}: is not known; write one of ${choices.map((choice) => `"${choice}"`).join(', ')}`,
    ]);
  });
});

it.each([
  ...words('stage production payers partners'),
  ...['id', 'displayName', 'fhirBaseUrl', 'authorizationEndpoint', 'tokenEndpoint'].map((name) => `payers[0].${name}`),
  ...['clientId', 'clientAuthentication', 'scopes'].map((name) => `payers[0].${name}`),
  ...['clientId', 'name', 'homePage', 'redirectUris', 'clientAuthentication', 'scopes', 'payers'].map(
    (name) => `partners[0].${name}`,
  ),
])('a configuration without this field is refused: %s', (field) => {
  const lines = problems(changed({ [field]: undefined }));

  expect(lines).toHaveLength(1);
  expect(lines[0]?.startsWith(`${field}: is missing`)).toBe(true);
});

it.each([
  ['payers[0].brand', 'website'],
  ['payers[1].publicKeys[0]', 'kid'],
  ['domain', 'name'],
  ['domain', 'certificateArn'],
  ['network', 'cidr'],
  ['network', 'zones'],
  ['waf', 'requestsPer5Minutes'],
  ['partners[0].rate', 'perSecond'],
  ['partners[0].rate', 'burst'],
])('%s without its %s is refused', (at, name) => {
  const whole: Values = {
    'payers[0].brand': { website: 'https://lakeside-plan.net' },
    'payers[1].publicKeys[0]': jwkOf('publicKey'),
    domain: { name: domain['domain.name'], certificateArn: domain['domain.certificateArn'] },
    network: { zones: ['us-east-1a'], cidr: '10.20.0.0/16' },
    waf: { requestsPer5Minutes: 100 },
    'partners[0].rate': { perSecond: 1, burst: 1 },
  };

  expect(problems(changed({ [at]: whole[at] }))).toEqual([]);
  expect(refusedFields(changed({ [at]: whole[at], [`${at}.${name}`]: undefined }))).toEqual([`${at}.${name}`]);
});
