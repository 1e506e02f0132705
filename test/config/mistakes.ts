/**
 * Mistakes that people make in a stage's configuration, each with the line that the check must print. They are made in
 * the stage `sound`, which has one of everything and passes.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { publishedPublicKey } from '../../config/examples.ts';

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const keyOf = (kid: string) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
  kid,
});

const operator = {
  name: 'Lakeside',
  privacyPolicy: 'https://lakeside-plan.net/privacy',
  support: 'mailto:help@lakeside-plan.net',
};

/** A stage that may be deployed. None of its hosts is reserved for examples. */
export const sound = () => ({
  stage: 'pilot',
  production: false as unknown,
  account: '444455556666' as unknown,
  region: 'us-east-1' as unknown,
  operator: operator as unknown,
  alarmAddresses: ['oncall@lakeside-plan.net'] as unknown,
  payers: [
    {
      id: 'lakeside',
      displayName: 'Lakeside',
      fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4',
      authorizationEndpoint: 'https://id.lakeside-plan.net/authorize',
      tokenEndpoint: 'https://id.lakeside-plan.net/token',
      clientId: 'gateway-17',
      clientAuthentication: 'client_secret_basic',
      scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
    },
    {
      id: 'riverside',
      displayName: 'Riverside',
      fhirBaseUrl: 'https://fhir.riverside-plan.net/r4',
      authorizationEndpoint: 'https://id.riverside-plan.net/authorize',
      tokenEndpoint: 'https://id.riverside-plan.net/token',
      issuer: 'https://id.riverside-plan.net',
      clientId: 'gateway-18',
      clientAuthentication: 'private_key_jwt',
      publicKeys: [keyOf('gateway-1')],
      scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
    },
  ] as Record<string, unknown>[],
  partners: [
    {
      clientId: 'portal',
      name: 'Portal',
      homePage: 'https://members.lakeside-plan.net/',
      redirectUris: ['https://members.lakeside-plan.net/callback'],
      clientAuthentication: ['client_secret_basic'],
      secretHashes: [hashOf('a')],
      scopes: ['patient/*.rs'],
      payers: ['lakeside', 'riverside'],
    },
    {
      clientId: 'notebook',
      name: 'Notebook',
      homePage: 'https://care-notebook.net/',
      redirectUris: ['https://care-notebook.net/callback'],
      clientAuthentication: ['none'],
      scopes: ['patient/*.rs'],
      payers: ['riverside'],
    },
  ] as Record<string, unknown>[],
});

/** The stage that a mistake changes. */
export type Draft = ReturnType<typeof sound> & Record<string, unknown>;

/** What the mistake is, how it is made, and the expected line without the file's name. */
export type Mistake = readonly [title: string, make: (draft: Draft) => unknown, line: string];

const exchange = {
  clientId: 'gateway-as-a-plan',
  assertionAlgorithm: 'ES384',
  publicKeys: [keyOf('exchange-1')],
  scopes: ['system/Group.rs'],
  identifiers: [{ system: 'urn:oid:2.16.840.1.113883.6.300', value: '12345' }],
};

const identitySignIn = {
  issuers: ['https://csp.lakeside-plan.net'],
  assertionAlgorithm: 'ES384',
  scopes: ['patient/*.rs'],
  noMatch: [{ status: 400, members: { error: 'no_match' } }],
};

/** Writes a field of the first payer, the second payer, the first partner, the public partner, or the stage. */
const set =
  (at: 'payer' | 'keyPayer' | 'partner' | 'app' | 'stage', changes: object) =>
  (draft: Draft): void => {
    const entries = {
      payer: draft.payers[0],
      keyPayer: draft.payers[1],
      partner: draft.partners[0],
      app: draft.partners[1],
      stage: draft,
    };
    Object.assign(entries[at] ?? {}, changes);
  };
const drop =
  (at: 'payer' | 'keyPayer' | 'partner' | 'app' | 'stage', name: string) =>
  (draft: Draft): void => {
    set(at, { [name]: undefined })(draft);
  };

const lakeside = 'payers[0] (lakeside)';
const riverside = 'payers[1] (riverside)';
const portal = 'partners[0] (portal)';
const notebook = 'partners[1] (notebook)';
const onThisMachine = 'is on this machine, which functions in AWS cannot reach; write the URL of a server';
const twice = (value: string): string => `"${value}" appears twice; write each value only once`;
const production = { production: true, retention: { auditDays: 2192 } };
const certificateArn = 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const example = (host: string): string => `is the example's (${host} is reserved for examples); write your own`;

export const mistakes: readonly Mistake[] = [
  [
    'a day over ten years of audit',
    set('stage', { retention: { auditDays: 3654 } }),
    'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653',
  ],
  [
    'more concurrency than the account has',
    set('stage', { concurrency: { fetch: 5000 } }),
    'concurrency: reserves 5000 in total, but Lambda keeps 100 of 1000 executions unreserved; reserve at most 900, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows',
  ],
  [
    'concurrency that is too much only in total',
    set('stage', { concurrency: { fetch: 300, token: 300, authorize: 301 } }),
    'concurrency: reserves 901 in total, but Lambda keeps 100 of 1000 executions unreserved; reserve at most 900, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows',
  ],
  [
    'concurrency in a new account',
    set('stage', { accountConcurrency: 10, concurrency: { fetch: 5 } }),
    'concurrency: reserves 5 in total, but Lambda keeps 100 of 10 executions unreserved; reserve at most 0, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows',
  ],
  [
    'a rate beyond all bounds, above the burst too',
    set('stage', { throttling: { perSecond: 1e9 } }),
    'throttling.perSecond: is too big; write at most 1000000',
  ],
  [
    'executions below zero, and some reserved',
    set('stage', { accountConcurrency: -1000, concurrency: { fetch: 5 } }),
    'accountConcurrency: is too small; write at least 1',
  ],
  [
    'an account that is none, and what is in another',
    set('stage', {
      account: '12345678901',
      domain: { name: 'gateway.lakeside-plan.net', certificateArn },
      permissionsBoundaryArn: 'arn:aws:iam::444455556666:policy/boundary',
    }),
    'account: is not an AWS account id; write its 12 digits in quotes, such as "111122223333"',
  ],
  [
    'a region that is none, and what is in another',
    set('stage', {
      region: 'us-east-9',
      existing: { alarmTopicArn: 'arn:aws:sns:us-east-1:444455556666:t' },
      alarmAddresses: [],
    }),
    'region: is not an AWS region; write a region code, such as "us-east-1"',
  ],
  [
    'a grant that lasts no time, and so less than an access token',
    set('stage', { lifetimes: { grant: 0 } }),
    'lifetimes.grant: is too short; write at least 1 (seconds)',
  ],
  [
    'one mailbox twice, in other case, for alarms',
    set('stage', { alarmAddresses: ['oncall@lakeside-plan.net', 'OnCall@Lakeside-plan.net'] }),
    `alarmAddresses[1]: ${twice('OnCall@Lakeside-plan.net')}`,
  ],
  [
    'one mailbox twice, in other case, for tickets',
    set('stage', { ticketAddresses: ['a@lakeside-plan.net', 'A@lakeside-plan.net'] }),
    `ticketAddresses[1]: ${twice('A@lakeside-plan.net')}`,
  ],
  [
    'a burst below the rate',
    set('stage', { throttling: { perSecond: 500, burst: 100 } }),
    'throttling.burst: is below perSecond, so that rate could never be reached; write at least 500',
  ],
  [
    'a rate above the default burst',
    set('stage', { throttling: { perSecond: 201 } }),
    'throttling.burst: is below perSecond, so that rate could never be reached; write at least 201',
  ],
  [
    "a partner's burst below its rate",
    set('partner', { rate: { perSecond: 50, burst: 5 } }),
    `${portal}.rate.burst: is below perSecond, so that rate could never be reached; write at least 50`,
  ],
  [
    "a partner's burst below half a call",
    set('partner', { rate: { perSecond: 1.5, burst: 1 } }),
    `${portal}.rate.burst: is below perSecond, so that rate could never be reached; write at least 2`,
  ],
  [
    'one secret for two partners',
    set('app', { clientAuthentication: ['client_secret_post'], secretHashes: [hashOf('a')] }),
    `${notebook}.secretHashes[0]: is also the secret of partner "portal"; give each partner its own`,
  ],
  [
    'a second secret that is the secret of another partner',
    set('app', { clientAuthentication: ['client_secret_post'], secretHashes: [hashOf('b'), hashOf('a')] }),
    `${notebook}.secretHashes[1]: is also the secret of partner "portal"; give each partner its own`,
  ],
  [
    'one key for two partners',
    (draft) => {
      const jwks = [keyOf('shared')];
      for (const at of ['partner', 'app'] as const)
        set(at, { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks })(draft);
    },
    `${notebook}.jwks[0]: is also the key of partner "portal"; give each partner its own`,
  ],
  [
    'the authorize endpoint as the token endpoint',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/authorize' }),
    `${lakeside}.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'the authorize endpoint with a slash as the token endpoint',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/authorize/' }),
    `${lakeside}.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'the token endpoint as the revocation endpoint',
    set('payer', { revocationEndpoint: 'https://id.lakeside-plan.net/token' }),
    `${lakeside}.revocationEndpoint: is the same as tokenEndpoint; write the payer's own revocationEndpoint`,
  ],
  [
    'the FHIR base as the token endpoint',
    set('payer', { tokenEndpoint: 'https://fhir.lakeside-plan.net/r4' }),
    `${lakeside}.tokenEndpoint: is the same as fhirBaseUrl; write the payer's own tokenEndpoint`,
  ],
  [
    'two payers with one base',
    set('keyPayer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4' }),
    `${riverside}.fhirBaseUrl: is also the base URL of payer "lakeside"; write this payer's own`,
  ],
  [
    "another payer's base as an alias",
    set('keyPayer', { fhirBaseUrlAliases: ['http://FHIR.lakeside-plan.net/r4'] }),
    `${riverside}.fhirBaseUrlAliases[0]: is also the base URL of payer "lakeside"; write this payer's own`,
  ],
  [
    "another payer's base with its port",
    set('keyPayer', { fhirBaseUrlAliases: ['https://fhir.lakeside-plan.net:443/r4'] }),
    `${riverside}.fhirBaseUrlAliases[0]: is also the base URL of payer "lakeside"; write this payer's own`,
  ],
  [
    'a payer that no partner reads from',
    set('partner', { payers: ['riverside'] }),
    `${lakeside}: is in no partner's payers, so no one can read from it; add "lakeside" to a partner's payers, or remove the entry`,
  ],
  [
    'a payer that the only partner does not read from',
    (draft) => {
      draft.partners.pop();
      set('partner', { payers: ['riverside'] })(draft);
    },
    `${lakeside}: is in no partner's payers, so no one can read from it; add "lakeside" to a partner's payers, or remove the entry`,
  ],
  [
    'a partner that sends members to a former plan without a client id for them',
    (draft) => {
      Object.assign(draft, { exchanges: {} });
      set('payer', { clientId: 'pending-registration', exchange })(draft);
    },
    `${lakeside}.clientId: is still "pending-registration"; write the client id that the payer gave you, or remove "lakeside" from every partner's payers until then (partners without redirectUris may keep it)`,
  ],
  [
    'a switch that is written as off',
    (draft) => {
      Object.assign(draft, { exchanges: {} });
      set('payer', { exchange: { ...exchange, typeFilter: false } })(draft);
    },
    `${lakeside}.exchange.typeFilter: is not known; write true, or leave the field out`,
  ],
  [
    'a partner at a payer without a client id',
    set('payer', { clientId: 'pending-registration' }),
    `${lakeside}.clientId: is still "pending-registration"; write the client id that the payer gave you, or remove "lakeside" from every partner's payers until then`,
  ],
  [
    'a partner at example.com',
    set('partner', { homePage: 'https://www.example.com/' }),
    `${portal}.homePage: ${example('www.example.com')}`,
  ],
  [
    'a payer at example.org',
    set('payer', { tokenEndpoint: 'https://id.example.org/token' }),
    `${lakeside}.tokenEndpoint: ${example('id.example.org')}`,
  ],
  [
    'an alarm address at example.net',
    set('stage', { alarmAddresses: ['oncall@example.net'] }),
    `alarmAddresses[0]: ${example('example.net')}`,
  ],
  [
    "the examples' account",
    set('stage', { account: '111122223333' }),
    "account: is the example's; write your own account's 12 digits",
  ],
  [
    "the examples' client id",
    set('payer', { clientId: 'your-client-id-at-lakeside' }),
    `${lakeside}.clientId: is the example's; write the client id that the payer gave you`,
  ],
  [
    "the demo's published secret",
    set('partner', { secretHashes: [hashOf('demo-partner-secret')] }),
    `${portal}.secretHashes[0]: is the hash of the demo's secret, which is public; write the hash of the partner's own secret`,
  ],
  [
    "the demo's key of a partner, whose private half is published",
    set('partner', { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: [publishedPublicKey] }),
    `${portal}.jwks[0]: is the demo's, whose private key is public; write your own`,
  ],
  [
    "the demo's identity provider, whose private key is on this machine",
    set('stage', {
      identityProviders: [
        { issuer: 'http://127.0.0.1:3005', jwksUri: 'http://127.0.0.1:3005/jwks', algorithms: ['RS256'] },
      ],
    }),
    'identityProviders[0].jwksUri: is on this machine, which functions in AWS cannot reach; write the URL of a server',
  ],
  [
    'more identity providers than fit into the variables of a function',
    set('stage', {
      identityProviders: Array.from({ length: 30 }, (_, index) => ({
        issuer: `https://login.provider${index}.com/oauth2`,
        jwksUri: `https://login.provider${index}.com/oauth2/keys`,
        algorithms: ['RS256'],
      })),
    }),
    "identityProviders: have 4095 bytes as JSON, more than fit into a function's variables (2500); put some of them into another stage",
  ],
  [
    'consent left to a public client',
    set('app', { consent: 'partner' }),
    `${notebook}.consent: is "partner" for a public client, which any app can impersonate; write "gateway", or, for an app of your own, say in consentReason why it asks its members itself`,
  ],
  [
    'a reason for the partner to ask where the gateway asks',
    set('app', { consentReason: 'Ours.' }),
    `${notebook}.consentReason: is only for consent: "partner" of a public client, or beside identityAudiences; remove it`,
  ],
  [
    'an access token that outlives its grant',
    set('stage', { lifetimes: { grant: 600 } }),
    'lifetimes.accessToken: is 3600, longer than the lifetime of the grant; write at most 600 (seconds)',
  ],
  [
    'an access token that outlives its grant by a second',
    set('stage', { lifetimes: { grant: 3599 } }),
    'lifetimes.accessToken: is 3600, longer than the lifetime of the grant; write at most 3599 (seconds)',
  ],
  [
    'a refresh grace that outlives its grant',
    set('stage', { lifetimes: { grant: 30, accessToken: 30 } }),
    'lifetimes.refreshGrace: is 60, longer than the lifetime of the grant; write at most 30 (seconds)',
  ],
  [
    'a payer on this machine',
    set('payer', { fhirBaseUrl: 'http://localhost:3001/r4' }),
    `${lakeside}.fhirBaseUrl: ${onThisMachine}`,
  ],
  [
    'a token endpoint on this machine',
    set('payer', { tokenEndpoint: 'https://127.0.0.2:3001/token' }),
    `${lakeside}.tokenEndpoint: ${onThisMachine}`,
  ],
  [
    'a webhook on this machine',
    set('partner', { webhook: 'https://127.0.0.1/events' }),
    `${portal}.webhook: ${onThisMachine}`,
  ],
  [
    'an origin on this machine',
    set('stage', { origin: 'http://localhost:3000' }),
    'origin: is on this machine; write a domain, or leave origin out',
  ],
  [
    'a misspelled required field, in one line',
    (draft) => {
      set('payer', { tokenEndpiont: 'https://id.lakeside-plan.net/token' })(draft);
      delete draft.payers[0]?.['tokenEndpoint'];
    },
    `${lakeside}.tokenEndpiont: is not a known field; write "tokenEndpoint", or remove it`,
  ],
  [
    'payer in place of payers, in one line',
    (draft) => {
      const { payers, ...rest } = draft;
      return { ...rest, payer: payers };
    },
    'payer: is not a known field; write "payers", or remove it',
  ],
  [
    'three URLs at the same wrong host, in one line',
    set('payer', {
      fhirBaseUrl: 'https://plan.example.org/r4',
      authorizationEndpoint: 'https://plan.example.org/a',
      tokenEndpoint: 'https://plan.example.org/t',
    }),
    `${lakeside}.fhirBaseUrl, authorizationEndpoint, tokenEndpoint: ${example('plan.example.org')}`,
  ],
  [
    'a payer that was renamed, in one line',
    set('payer', { id: 'lakeside-health' }),
    `${portal}.payers[0]: "lakeside" is not a payer of this stage; write one of: lakeside-health, riverside`,
  ],
  [
    'an entry twice, in one line',
    (draft) => void draft.payers.push({ ...draft.payers[0] }),
    `payers[2] (lakeside).id: ${twice('lakeside')}`,
  ],
  [
    'no production field',
    drop('stage', 'production'),
    'production: is missing and has no default; write true if real members will use this stage, otherwise false',
  ],
  [
    'the stage of npm start',
    set('stage', { stage: 'local' }),
    'stage: is "local", whose secrets are public, so only npm start may serve it; deploy a stage of your own',
  ],
  [
    'a runbook that is not there',
    set('stage', { runbookUrl: 'docs/alarm.md' }),
    'runbookUrl: is no file of this repository, so alarms lead nowhere; write its path, such as "docs/alarms.md", or a URL',
  ],
  [
    'the service that gives a machine its credentials as a payer',
    set('payer', { tokenEndpoint: 'https://169.254.169.254/latest/api/token' }),
    `${lakeside}.tokenEndpoint: has the host 169.254.169.254, where a machine finds its own credentials; write the payer's own URL`,
  ],
  [
    'the gateway itself as a payer',
    (draft) => {
      set('stage', { domain: undefined, origin: 'https://gateway.lakeside-plan.net' })(draft);
      set('payer', { fhirBaseUrl: 'https://gateway.lakeside-plan.net/r4/riverside' })(draft);
    },
    `${lakeside}.fhirBaseUrl: is this gateway itself; write the payer's own URL`,
  ],
  [
    'an API key in a URL',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/token?api_key=4711' }),
    `${lakeside}.tokenEndpoint: has "api_key" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed (the gateway sends it by quirks.secretHeaders)`,
  ],
  [
    'a key of Azure Functions in a URL',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/token?code=4711' }),
    `${lakeside}.tokenEndpoint: has "code" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed (the gateway sends it by quirks.secretHeaders)`,
  ],
  [
    'a token in the URL of a webhook',
    set('partner', { webhook: 'https://members.lakeside-plan.net/events?token=4711' }),
    `${portal}.webhook: has "token" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed (each event is signed: the server checks its signature)`,
  ],
  [
    'a token in the URL of a home page',
    set('partner', { homePage: 'https://members.lakeside-plan.net/?token=4711' }),
    `${portal}.homePage: has "token" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed`,
  ],
  ...(['redirectUris', 'webhook'] as const).map((field): Mistake => [
    `the gateway itself as ${field}`,
    (draft: Draft) => {
      draft['domain'] = { name: 'gateway.lakeside-plan.net', certificateArn };
      const url = 'https://gateway.lakeside-plan.net/oauth2/token';
      set('partner', { [field]: field === 'webhook' ? url : [url] })(draft);
    },
    `${portal}.${field === 'webhook' ? field : 'redirectUris[0]'}: is this gateway itself; write the partner's own URL`,
  ]),
  [
    'a secret header twice',
    set('payer', { quirks: { secretHeaders: ['X-Api-Key', 'x-api-key'] } }),
    `${lakeside}.quirks.secretHeaders[1]: is "X-Api-Key" in another case, the same header; write it only once`,
  ],
  [
    'an NPI of a brand with a wrong check digit',
    set('payer', { brand: { website: 'https://lakeside-plan.net/', identifiers: { npi: ['1234567890'] } } }),
    `${lakeside}.brand.identifiers.npi[0]: is not an NPI: its check digit does not fit; write the ten digits as NPPES has them`,
  ],
  [
    'a zone in place of the region',
    (draft: Draft) => {
      draft['domain'] = { name: 'gateway.lakeside-plan.net', certificateArn };
      set('stage', { region: 'us-east-1a', edge: true, network: { zones: ['us-east-1a'], cidr: '10.20.0.0/20' } })(
        draft,
      );
    },
    'region: is an availability zone; write its region, "us-east-1"',
  ],
  [
    'zones in one string',
    set('stage', { network: { zones: 'us-east-1a,us-east-1b', cidr: '10.20.0.0/20' } }),
    'network.zones: is a string; write an array',
  ],
  [
    'a code that lives for ten minutes',
    set('stage', { lifetimes: { code: 600 } }),
    'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)',
  ],
  ...(
    [
      [
        { waf: { requestsPer5Minutes: 999 } },
        'waf.requestsPer5Minutes: would block the server of a partner, which sends all its requests from one address; write at least 1000, such as 20000',
      ],
      [
        { throttling: { perSecond: 9 } },
        'throttling.perSecond: is for all partners and members together; write at least 10, such as 100',
      ],
      [
        { lifetimes: { accessToken: 59 } },
        'lifetimes.accessToken: is over before a partner has read anything; write at least 60 (seconds)',
      ],
    ] as const
  ).map(([limit, line]): Mistake => [
    `a limit in production that stops everyone: ${JSON.stringify(limit)}`,
    set('stage', { ...production, ...limit }),
    line,
  ]),
  ['no payers', set('stage', { payers: [] }), 'payers: is empty; write at least one payer'],
  [
    'iss without an issuer',
    set('payer', { sendsIss: true }),
    `${lakeside}.issuer: is missing though sendsIss is true; write the issuer that the payer sends as iss`,
  ],
  [
    'a public client without PKCE',
    set('payer', { clientAuthentication: 'none', quirks: { pkce: false } }),
    `${lakeside}.quirks.pkce: is false for a public client, whose codes only PKCE protects; write true, or a clientAuthentication with a secret`,
  ],
  [
    'a public client with a key',
    set('keyPayer', { clientAuthentication: 'none' }),
    `${riverside}.publicKeys: is set, but clientAuthentication is "none"; remove the keys, or write "private_key_jwt"`,
  ],
  [
    "a public client with another payer's secret",
    (draft: Draft) => {
      const payer = { ...draft.payers[0], clientAuthentication: 'none' };
      Object.assign(draft.payers[0] ?? {}, payer);
      draft.payers.push({
        ...payer,
        id: 'east',
        displayName: 'East',
        fhirBaseUrl: 'https://fhir.lakeside-plan.net/east',
        secretOf: 'lakeside',
      });
      set('partner', { payers: ['lakeside', 'riverside', 'east'] })(draft);
    },
    `payers[2] (east).secretOf: is set, but clientAuthentication is "none", which needs no secret without quirks.secretHeaders; remove one of them`,
  ],
  [
    'its own id in secretOf',
    set('payer', { secretOf: 'lakeside' }),
    `${lakeside}.secretOf: "lakeside" is not another payer of this stage; write one of: riverside`,
  ],
  [
    'the secret of a payer that is not there',
    set('payer', { secretOf: 'seaside' }),
    `${lakeside}.secretOf: "seaside" is not another payer of this stage; write one of: riverside`,
  ],
  [
    'the secret of a client at another server',
    set('payer', { secretOf: 'riverside' }),
    `${lakeside}.secretOf: "riverside" has a different tokenEndpoint, so its secret does not fit; write the same, or remove secretOf`,
  ],
  [
    'the secret of a payer that has none of its own',
    (draft: Draft) => {
      const [first] = draft.payers;
      const brand = (id: string, secretOf: string) => ({
        ...first,
        id,
        displayName: id,
        fhirBaseUrl: `https://fhir.lakeside-plan.net/${id}`,
        secretOf,
      });
      draft.payers.push(brand('east', 'lakeside'), brand('west', 'east'));
      set('partner', { payers: ['lakeside', 'riverside', 'east', 'west'] })(draft);
    },
    'payers[3] (west).secretOf: "east" has no secret of its own; write "lakeside"',
  ],
  [
    'private_key_jwt without a key',
    set('keyPayer', { publicKeys: [] }),
    `${riverside}.publicKeys: is empty, but private_key_jwt needs a key; write the public JWK with its kid`,
  ],
  [
    'userinfo without its endpoint',
    set('payer', { patientFrom: 'userinfo' }),
    `${lakeside}.userinfoEndpoint: is missing though patientFrom is "userinfo"; write the userinfo URL of the payer`,
  ],
  [
    'a userinfo endpoint that is not used',
    set('payer', { userinfoEndpoint: 'https://id.lakeside-plan.net/userinfo' }),
    `${lakeside}.userinfoEndpoint: is set, but patientFrom is not "userinfo"; remove it, or write patientFrom: "userinfo"`,
  ],
  [
    'id_token without the keys that sign it',
    set('keyPayer', { patientFrom: 'id_token', scopes: ['openid', 'patient/*.rs'] }),
    `${riverside}.jwksUri: is missing though patientFrom is "id_token"; write the URL of the keys that sign it (jwks_uri)`,
  ],
  [
    'id_token without its issuer',
    set('payer', {
      patientFrom: 'id_token',
      jwksUri: 'https://id.lakeside-plan.net/keys',
      scopes: ['openid', 'patient/*.rs'],
    }),
    `${lakeside}.issuer: is missing though patientFrom is "id_token"; write the iss of the payer's id_token`,
  ],
  [
    'id_token without openid',
    set('keyPayer', { patientFrom: 'id_token', jwksUri: 'https://id.riverside-plan.net/keys' }),
    `${riverside}.scopes: has no "openid", without which the payer would send no id_token; add it`,
  ],
  [
    'a search for the patient without a scope for it',
    set('keyPayer', { patientFrom: 'search', scopes: ['patient/Coverage.rs'] }),
    `${riverside}.scopes: does not cover the search of Patient that patientFrom: "search" makes at each sign-in; add patient/Patient.rs`,
  ],
  [
    'keys that sign an id_token that is not used',
    set('payer', { jwksUri: 'https://id.lakeside-plan.net/keys' }),
    `${lakeside}.jwksUri: is set, but patientFrom is not "id_token"; remove it, or write patientFrom: "id_token" (the gateway's own keys go into publicKeys)`,
  ],
  [
    'a member that nobody reads',
    set('payer', { patientFrom: 'search', patientMember: 'patient_id' }),
    `${lakeside}.patientMember: is set, but patientFrom is "search", which does not use it; remove it`,
  ],
  [
    'an aud that is a number',
    set('payer', { quirks: { aud: 1 } }),
    `${lakeside}.quirks.aud: is neither a boolean nor a string; write true, false, or the URL that the payer asks for`,
  ],
  [
    'a first byte that CloudFront would not wait for',
    (draft: Draft) => {
      set('stage', { edge: true, domain: { name: 'gateway.lakeside-plan.net', certificateArn } })(draft);
      set('payer', { quirks: { timeToFirstByte: 120 } })(draft);
    },
    `${lakeside}.quirks.timeToFirstByte: is longer than edge allows; write at most 90 (seconds), or edge: false`,
  ],
  [
    'a first byte that no busy payer sends in time',
    (draft: Draft) => {
      set('stage', production)(draft);
      set('payer', { quirks: { timeToFirstByte: 9 } })(draft);
    },
    `${lakeside}.quirks.timeToFirstByte: is less than a payer takes when it is busy; write at least 10 (seconds), or leave it out for 60`,
  ],
  ...(
    [
      ['burst', { perSecond: 1, burst: 9 }, 10],
      ['perSecond', { perSecond: 0.9, burst: 10 }, 1],
    ] as const
  ).map(([name, rate, least]): Mistake => [
    `a partner whose members would wait for each other: ${name}`,
    (draft: Draft) => {
      set('stage', production)(draft);
      set('partner', { rate })(draft);
    },
    `${portal}.rate.${name}: is for all members of the partner together, each of whom makes a dozen requests; write at least ${least}`,
  ]),
  ...['LakeSide ', 'Lákesidë', 'lakes1de', 'LAKESlDE', 'Lake-Side', 'Lakeside™'].flatMap((displayName): Mistake[] => [
    [
      `a name that members cannot tell from another: ${displayName}`,
      set('keyPayer', { displayName }),
      `${riverside}.displayName: reads like the name of payer "lakeside"; write this payer's own`,
    ],
    [
      `the name of an app that members cannot tell from another: ${displayName}`,
      (draft) => {
        set('partner', { name: 'My Lakeside' })(draft);
        set('app', { name: `My ${displayName}` })(draft);
      },
      `${notebook}.name: reads like the name of partner "portal"; give each app its own, and all clients of one app one name and one homePage`,
    ],
  ]),
  [
    "an app's name that looks like a plan's",
    set('app', { name: 'LakeSide' }),
    `${notebook}.name: reads like the name of payer "lakeside"; write another, or the payer's letter for letter if this is its own app`,
  ],
  ...(
    [
      ['Modern Health', 'Modem Health'],
      ['Vvell Care', 'Well Care'],
      ['Plan 10', 'Plan lO'],
    ] as const
  ).map(([name, displayName]): Mistake => [
    `two names that look alike: ${name} and ${displayName}`,
    (draft) => {
      set('payer', { displayName: name })(draft);
      set('keyPayer', { displayName })(draft);
    },
    `${riverside}.displayName: reads like the name of payer "lakeside"; write this payer's own`,
  ]),
  ...['10.1.2.3', '192.168.7.7', '[fd00::7]', 'fhir.lakeside.internal', 'fhir.lakeside.local', 'fhir'].map(
    (host): Mistake => [
      `a base that only a private network has: ${host}`,
      set('payer', { fhirBaseUrl: `https://${host}/r4` }),
      `${lakeside}.fhirBaseUrl: is in a private network, which functions in AWS cannot reach without existing.vpc; write a public URL, or that VPC`,
    ],
  ),
  [
    'a page for members that only a private network has',
    (draft) => {
      set('stage', production)(draft);
      set('payer', { authorizationEndpoint: 'https://id.lakeside.internal/authorize' })(draft);
    },
    `${lakeside}.authorizationEndpoint: is in a private network, which browsers elsewhere cannot reach; write a public URL`,
  ],
  [
    'the port of another service',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net:22/token' }),
    `${lakeside}.tokenEndpoint: has port 22, which browsers refuse; write the port of its web server`,
  ],
  [
    'lines of business that name none',
    set('payer', { linesOfBusiness: [] }),
    `${lakeside}.linesOfBusiness: is empty; write the kinds of plans, or remove it`,
  ],
  [
    'other names that are none',
    set('payer', { brand: { website: 'https://lakeside-plan.net', otherNames: [] } }),
    `${lakeside}.brand.otherNames: is empty; write other names, or remove it`,
  ],
  [
    'an identifier of another kind',
    set('payer', { brand: { website: 'https://lakeside-plan.net', identifiers: { taxId: ['1'] } } }),
    `${lakeside}.brand.identifiers.taxId: is not a known field; check its spelling, or remove it`,
  ],
  [
    'two ways to read the whole record',
    set('payer', { wholeRecord: { searches: ['Coverage'], substitute: 'Patient?_revinclude=*' } }),
    `${lakeside}.wholeRecord.substitute: is set together with searches; write only one of them`,
  ],
  [
    'a type to read that there is not',
    set('payer', { wholeRecord: { searches: ['Coverage', 'Observations'] } }),
    `${lakeside}.wholeRecord.searches[1]: "Observations" is not a FHIR R4 resource type; write one, such as Observation`,
  ],
  [
    'a type to read that the scopes do not cover',
    set('payer', { scopes: ['patient/Patient.rs'], wholeRecord: { searches: ['Patient', 'Coverage'] } }),
    `${lakeside}.wholeRecord.searches[1]: needs patient/Coverage.s, which scopes does not cover; add it to scopes, or remove the search`,
  ],
  [
    'a substitute whose includes the scopes do not cover',
    set('payer', {
      scopes: ['patient/ExplanationOfBenefit.rs'],
      wholeRecord: { substitute: 'ExplanationOfBenefit?_include=ExplanationOfBenefit:provider' },
    }),
    `${lakeside}.wholeRecord.substitute: needs patient/Organization.r patient/Practitioner.r patient/PractitionerRole.r, which scopes does not cover; add it to scopes, or remove the search`,
  ],
  ...['Observation', 'Goal', 'Vitals'].map((type): Mistake => [
    `a type that is read in part, though it is not searched so: ${type}`,
    set('payer', { wholeRecord: { searches: ['Goal', 'Goal?lifecycle-status=active'], exhaustive: [type] } }),
    `${lakeside}.wholeRecord.exhaustive[0]: is not searched with parameters that limit it; write a type whose every search in searches has some, or remove it`,
  ]),
  ...(
    [
      ['/R4/documents/', 'covers fhirBaseUrl, or is below it; write a path that has documents only'],
      ['/r4', 'covers fhirBaseUrl, or is below it; write a path that has documents only'],
      ['/oauth2/', 'covers userinfoEndpoint, or is below it; write a path that has documents only'],
      ...['/', 'documents/', '/a/../b/', '/.a', '/a%2fb', '/a;b', '/a//b', '/a?b', 'https://a.example/'].map((path) => [
        path,
        'is not a plain path; write one such as "/documents/", without escapes, dots at a segment’s start, a query or a host',
      ]),
    ] as const
  ).map(([path = '', message = '']): Mistake => [
    `a path of attachments: ${path}`,
    set('payer', {
      patientFrom: 'userinfo',
      userinfoEndpoint: 'https://fhir.lakeside-plan.net/oauth2/userinfo',
      wholeRecord: { attachmentPaths: [path] },
    }),
    `${lakeside}.wholeRecord.attachmentPaths[0]: ${message}`,
  ]),
  [
    'paths of attachments that are not fetched',
    set('payer', { wholeRecord: { attachments: false, attachmentPaths: ['/documents/'] } }),
    `${lakeside}.wholeRecord.attachmentPaths: is set together with attachments: false, which fetches none; write only one of them`,
  ],
  ...(
    [
      [
        'the base itself',
        'fhir.lakeside-plan.net/r4',
        'Goal',
        'fhirBaseUrl',
        'is the same as another base of this payer, or lies above or below one; write the base of its own',
      ],
      [
        'one below it',
        'fhir.lakeside-plan.net/r4/b',
        'Goal',
        'fhirBaseUrl',
        'is the same as another base of this payer, or lies above or below one; write the base of its own',
      ],
      [
        'with Patients',
        'b.lakeside-plan.net/r4',
        'Patient',
        'types[0]',
        'is Patient, which is read at the fhirBaseUrl of the payer; remove it',
      ],
      [
        'with an unknown type',
        'b.lakeside-plan.net/r4',
        'Goals',
        'types[0]',
        '"Goals" is not a FHIR R4 resource type; write one, such as Observation',
      ],
    ] as const
  ).map(([what, base, type, field, message]): Mistake => [
    `a further base: ${what}`,
    set('payer', { everything: false, furtherBases: [{ fhirBaseUrl: `https://${base}`, types: [type] }] }),
    `${lakeside}.furtherBases[0].${field}: ${message}`,
  ]),
  [
    'a further base beside $everything',
    set('payer', { furtherBases: [{ fhirBaseUrl: 'https://b.lakeside-plan.net/r4', types: ['Goal'] }] }),
    `${lakeside}.everything: is true, but with furtherBases $everything would bring only what is at fhirBaseUrl; write false`,
  ],
  [
    'a further base beside one search for all',
    set('payer', {
      everything: false,
      wholeRecord: { substitute: 'Patient?_revinclude=Goal:patient' },
      furtherBases: [{ fhirBaseUrl: 'https://b.lakeside-plan.net/r4', types: ['Goal'] }],
    }),
    `${lakeside}.wholeRecord.substitute: is one search, which furtherBases does not reach; write searches, or remove it`,
  ],
  [
    "another payer's base as a further one",
    set('payer', {
      everything: false,
      furtherBases: [{ fhirBaseUrl: 'https://fhir.riverside-plan.net/r4', types: ['Goal'] }],
    }),
    `payers[1] (riverside).fhirBaseUrl: is also the base URL of payer "lakeside"; write this payer's own`,
  ],
  [
    'a search that names a patient',
    set('payer', { wholeRecord: { searches: ['Observation?patient=7'] } }),
    `${lakeside}.wholeRecord.searches[0]: "patient" can name a patient, and the gateway adds the patient itself; remove it, or write {patient} as its value`,
  ],
  [
    'a search with an unknown parameter',
    set('payer', { wholeRecord: { searches: ['Observation?kategory=laboratory'] } }),
    `${lakeside}.wholeRecord.searches[0]: "kategory" is not a parameter of Observation here; write one of R4 or the guides, or add it to searchParameters`,
  ],
  [
    'a reason for grants without a patient where each has one',
    set('payer', { patientNoneReason: 'x' }),
    `${lakeside}.patientNoneReason: explains patientFrom: "none", which is not set; remove it, or write patientFrom: "none"`,
  ],
  [
    'a reason for no PKCE where PKCE is on',
    set('payer', { quirks: { pkceOffReason: 'x' } }),
    `${lakeside}.quirks.pkceOffReason: explains pkce: false, which is not set; remove it, or write pkce: false`,
  ],
  [
    'a partner without redirect URIs',
    set('partner', { redirectUris: [] }),
    `${portal}.redirectUris: is empty; write at least one redirect URI`,
  ],
  [
    'none together with another method',
    set('partner', { clientAuthentication: ['none', 'client_secret_basic'] }),
    `${portal}.clientAuthentication: has "none" together with other methods; write ["none"], or remove "none"`,
  ],
  [
    'a secret for a public client',
    set('app', { secretHashes: [hashOf('c')] }),
    `${notebook}.secretHashes: is set, but clientAuthentication has no method that uses a secret; remove it`,
  ],
  [
    'no secret hash',
    set('partner', { secretHashes: [] }),
    `${portal}.secretHashes: is empty, but the partner authenticates with a secret; write the SHA-256 of the secret, in base64url`,
  ],
  [
    'three secrets',
    set('partner', { secretHashes: ['a', 'b', 'c'].map(hashOf) }),
    `${portal}.secretHashes: has more than two hashes; write the current one and, during a rotation, the next`,
  ],
  [
    'PKCE optional for a public client',
    set('app', { pkceOptional: true }),
    `${notebook}.pkceOptional: is true for a public client, which must use PKCE; write false`,
  ],
  [
    'scopes that read nothing',
    set('partner', { scopes: ['offline_access'] }),
    `${portal}.scopes: has no scope that reads anything; add one, such as "patient/*.rs"`,
  ],
  [
    'an edge without a domain',
    set('stage', { edge: true }),
    'domain: is missing, but edge needs one; write the domain, or edge: false',
  ],
  [
    'a certificate in another region',
    set('stage', {
      domain: { name: 'gateway.lakeside-plan.net', certificateArn: certificateArn.replace('us-east-1', 'us-west-2') },
    }),
    "domain.certificateArn: is in us-west-2; write the ARN of a certificate in us-east-1, the stage's region",
  ],
  [
    "another account's certificate",
    set('stage', {
      domain: {
        name: 'gateway.lakeside-plan.net',
        certificateArn: certificateArn.replace('444455556666', '777788889999'),
      },
    }),
    "domain.certificateArn: is in account 777788889999; write the ARN of a certificate in 444455556666, the stage's account",
  ],
  [
    'a hosted zone that does not contain the domain',
    set('stage', {
      domain: {
        name: 'gateway.lakeside-plan.net',
        certificateArn,
        hostedZone: { id: 'Z0ABC', name: 'side-plan.net' },
      },
    }),
    'domain.hostedZone.name: does not contain "gateway.lakeside-plan.net"; write the zone that does, or leave hostedZone out',
  ],
  [
    'the word off for a web ACL',
    set('stage', { waf: 'off' }),
    'waf: is neither "none" nor an object; write "none" or an object',
  ],
  [
    'a switch of three positions in quotes',
    set('stage', { edge: 'true' }),
    'edge: is neither true, false nor "both"; write true, false or "both"',
  ],
  [
    'an object where an answer has a word',
    set('payer', { identitySignIn: { ...identitySignIn, noMatch: [{ status: 400, members: { error: {} } }] } }),
    `${lakeside}.identitySignIn.noMatch[0].members.error: is neither a string, a number, true nor false; write a string, a number, true or false`,
  ],
  [
    'an audience with a key in it, which every browser would see',
    set('payer', { quirks: { aud: 'https://fhir.lakeside-plan.net/r4?api-key=1' } }),
    `${lakeside}.quirks.aud: has "api-key" in its query, which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed`,
  ],
  [
    'an audience with a password',
    set('payer', { quirks: { aud: 'https://a:b@fhir.lakeside-plan.net/r4' } }),
    `${lakeside}.quirks.aud: contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it`,
  ],
  [
    'the authorization endpoint as the token endpoint of exchanges',
    (draft) => {
      Object.assign(draft, { exchanges: {} });
      set('payer', { exchange: { ...exchange, tokenEndpoint: 'https://id.lakeside-plan.net/authorize' } })(draft);
    },
    `${lakeside}.exchange.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'the authorization endpoint as the token endpoint of identity tokens',
    (draft) => {
      const jwksUri = 'https://csp.lakeside-plan.net/keys';
      Object.assign(draft, {
        identityProviders: [{ issuer: identitySignIn.issuers[0], jwksUri, algorithms: ['RS256'] }],
      });
      const tokenEndpoint = 'https://id.riverside-plan.net/authorize';
      set('keyPayer', { identitySignIn: { ...identitySignIn, tokenEndpoint } })(draft);
    },
    `${riverside}.identitySignIn.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'the name of the folder of what the audit cannot read',
    set('partner', { clientId: 'unknown' }),
    'partners[0] (unknown).clientId: is reserved for records that the audit cannot read; write another id',
  ],
  [
    'a token of the gateway in a name',
    set('partner', { name: `p2pr_${'a'.repeat(40)}` }),
    `${portal}.name: contains a token or code of the gateway; remove it, and if this file was ever committed, have the secret replaced: Git still has it (put a payer's secret into Secrets Manager, and only the hash of a partner's into secretHashes)`,
  ],
  [
    'a zone of another region',
    set('stage', { region: 'us-east-1', network: { zones: ['us-east-1a', 'us-west-2a'], cidr: '10.20.0.0/20' } }),
    "network.zones[1]: is in another region; write a zone of us-east-1, the stage's region",
  ],
  [
    'a zone twice',
    set('stage', { network: { zones: ['us-east-1a', 'us-east-1a'], cidr: '10.20.0.0/20' } }),
    'network.zones[1]: "us-east-1a" appears twice; write each value only once',
  ],
  [
    'the id of a zone',
    set('stage', { network: { zones: ['use1-az1'], cidr: '10.20.0.0/20' } }),
    'network.zones[0]: is the id of a zone; write its name in your account, such as "us-east-1a"',
  ],
  [
    'zones by name and by number',
    set('stage', { network: { zones: ['us-east-1a'], availabilityZones: 1, cidr: '10.20.0.0/20' } }),
    'network.zones: is there beside availabilityZones; write the zones by name, such as ["us-east-1a", "us-east-1b"], and no number',
  ],
  [
    'subnets that do not fit into the network',
    set('stage', { network: { availabilityZones: 3, cidr: '10.20.0.0/20', subnetPrefix: 21 } }),
    'network.subnetPrefix: is 21, and 10.20.0.0/20 does not hold 3 such subnets; write 22 or more, or leave it out',
  ],
  [
    'an origin that is not the domain',
    set('stage', {
      domain: { name: 'gateway.lakeside-plan.net', certificateArn },
      origin: 'https://lakeside-plan.net',
    }),
    'origin: does not match the domain; write "https://gateway.lakeside-plan.net", or leave it out',
  ],
  [
    'an edge without a region',
    set('stage', { edge: true, region: undefined, domain: { name: 'gateway.lakeside-plan.net', certificateArn } }),
    'region: is missing, but edge works only in us-east-1; write "us-east-1", or edge: false',
  ],
  [
    'an edge in another region',
    set('stage', {
      edge: true,
      region: 'us-west-2',
      domain: { name: 'gateway.lakeside-plan.net', certificateArn: certificateArn.replace('us-east-1', 'us-west-2') },
    }),
    'region: is "us-west-2", but edge works only in us-east-1; write "us-east-1", or edge: false',
  ],
  [
    'a reason for no web ACL where there is one',
    set('stage', { wafOffReason: 'There is one in front.' }),
    'wafOffReason: explains waf: "none", which is not set; remove it, or write waf: "none"',
  ],
  [
    'a reason for optional PKCE where it is required',
    set('partner', { pkceOptionalReason: 'Its library is older than PKCE.' }),
    `${portal}.pkceOptionalReason: explains pkceOptional: true, which is not set; remove it, or write pkceOptional: true`,
  ],
  [
    'private_key_jwt of a partner without a key',
    set('partner', { clientAuthentication: ['private_key_jwt'], secretHashes: [] }),
    `${portal}.jwks: is empty, but private_key_jwt needs a key; write the partner's public JWKs, each with its kid`,
  ],
  [
    'a key of a partner that does not use it',
    set('partner', { jwks: [keyOf('portal-1')] }),
    `${portal}.jwks: is set, but clientAuthentication lacks "private_key_jwt"; add that method, or remove the keys`,
  ],
  [
    'a key with a value that JSON does not have',
    set('partner', {
      clientAuthentication: ['private_key_jwt'],
      secretHashes: [],
      jwks: [{ ...keyOf('portal-1'), iat: 1n }],
    }),
    `${portal}.jwks[0].iat: is not JSON; write the key as its JWK has it`,
  ],
  [
    'a partner that does not say how it authenticates',
    set('app', { clientAuthentication: [] }),
    `${notebook}.clientAuthentication: is empty; write ["none"], or the methods by which the partner authenticates`,
  ],
  [
    'a partner without scopes',
    set('app', { scopes: [] }),
    `${notebook}.scopes: is empty; write the scopes that the partner may request`,
  ],
  [
    'a partner that may read from no payer',
    set('app', { payers: [] }),
    `${notebook}.payers: is empty; write the ids of the payers that this partner may read from`,
  ],
  [
    'an empty list of searches',
    set('payer', { wholeRecord: { searches: [] } }),
    `${lakeside}.wholeRecord.searches: is empty; write searches, or remove it`,
  ],
  [
    'a day over a month of files of exports',
    set('stage', { retention: { exportFileDays: 31 } }),
    'retention.exportFileDays: keeps a copy of the record longer than needed; write at most 30 (days)',
  ],
];
