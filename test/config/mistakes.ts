/**
 * Mistakes that people make in a stage's configuration, each with the line that the check must print. They are made in
 * the stage `sound`, which has one of everything and passes.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const keyOf = (kid: string) => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
  kid,
});
const privateKey = () => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
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
const inGit =
  "remove it, and if this file was ever committed, have the secret replaced: Git still has it (put a payer's secret into Secrets Manager, and only the hash of a partner's into secretHashes)";
const plainHttp = 'uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])';
const onThisMachine = 'is on this machine, which functions in AWS cannot reach; write the URL of a server';
const secretField = `looks like a secret, and secrets do not belong in the configuration; ${inGit}`;
const twice = (value: string): string => `"${value}" appears twice; write each value only once`;
const vpc = (cidr: unknown, availabilityZones: unknown = 2) => ({ network: { availabilityZones, cidr } });
const publicRange =
  'is a public range, so the hosts that own it could not be reached; write a private one, such as "10.20.0.0/20"';
const production = {
  production: true,
  retention: { logDays: 400, auditDays: 2192 },
};
const certificateArn = 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const unfinished = (word: string): string => `is not finished: it says "${word}"; write the real value`;
const noScopeType = (scope: string): string =>
  `"${scope}" names no FHIR R4 resource type; write one that does, such as patient/Observation.rs`;
const writes = (scope: string): string =>
  `"${scope}" allows more than reading, but the gateway only reads; write a read scope`;
const example = (host: string): string => `is the example's (${host} is reserved for examples); write your own`;

/** Harmful mistakes that the check once accepted. */
export const accepted: readonly Mistake[] = [
  [
    'a century of locked audit',
    set('stage', { retention: { auditDays: 36_500 } }),
    'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653',
  ],
  [
    'a day over ten years of audit',
    set('stage', { retention: { auditDays: 3654 } }),
    'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653',
  ],
  [
    'a stage name one character over the limit',
    set('stage', { stage: 'a'.repeat(44) }),
    'stage: has 44 characters, which makes the names of AWS resources too long; write at most 43',
  ],
  [
    'a stage name of 64 characters',
    set('stage', { stage: 'a'.repeat(64) }),
    'stage: has 64 characters, which makes the names of AWS resources too long; write at most 43',
  ],
  [
    'a region that only looks like one',
    set('stage', { region: 'us-east-9' }),
    'region: is not an AWS region; write a region code, such as "us-east-1"',
  ],
  [
    'a region that was planned',
    set('stage', { region: 'ap-west-1' }),
    'region: is not an AWS region; write a region code, such as "us-east-1"',
  ],
  ['a public VPC range', set('stage', vpc('8.8.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 172.16/12', set('stage', vpc('172.32.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 192.168/16', set('stage', vpc('192.169.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 100.64/10', set('stage', vpc('100.128.0.0/20')), `network.cidr: ${publicRange}`],
  ['the loopback range', set('stage', vpc('127.0.0.0/20')), `network.cidr: ${publicRange}`],
  ['link-local addresses', set('stage', vpc('169.254.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range for multicast', set('stage', vpc('224.0.0.0/20')), `network.cidr: ${publicRange}`],
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
    'the hash of an unset variable',
    set('partner', { secretHashes: [hashOf('')] }),
    `${portal}.secretHashes[0]: is the hash of an empty secret; write the hash of the secret itself`,
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
    'a base that ends in /metadata',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/metadata' }),
    `${lakeside}.fhirBaseUrl: is a path below the base URL; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that ends in /.well-known/smart-configuration',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/.well-known/smart-configuration' }),
    `${lakeside}.fhirBaseUrl: is a path below the base URL; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that is the URL of a resource',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/Patient/1' }),
    `${lakeside}.fhirBaseUrl: is a path below the base URL; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that is the URL of an operation',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/$export' }),
    `${lakeside}.fhirBaseUrl: is a path below the base URL; write "https://fhir.lakeside-plan.net/r4"`,
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
    'a partner at a payer without a client id',
    set('payer', { clientId: 'pending-registration' }),
    `${lakeside}.clientId: is still "pending-registration"; write the client id that the payer gave you, or remove "lakeside" from every partner's payers until then`,
  ],
  ['TODO as a client id', set('payer', { clientId: 'TODO' }), `${lakeside}.clientId: ${unfinished('TODO')}`],
  ['a TODO in a sentence', set('partner', { name: 'Portal (TODO: ask)' }), `${portal}.name: ${unfinished('TODO')}`],
  [
    'changeme as a client id',
    set('payer', { clientId: 'changeme' }),
    `${lakeside}.clientId: ${unfinished('changeme')}`,
  ],
  [
    'CHANGE_ME as a name',
    set('payer', { displayName: 'CHANGE_ME' }),
    `${lakeside}.displayName: ${unfinished('change_me')}`,
  ],
  [
    'a name in angle brackets',
    set('partner', { name: '<partner name>' }),
    `${portal}.name: ${unfinished('<partner name>')}`,
  ],
  [
    'a template that was not filled in',
    set('payer', { clientId: '{{CLIENT_ID}}' }),
    `${lakeside}.clientId: ${unfinished('{{CLIENT_ID}}')}`,
  ],
  [
    'a variable that was not replaced',
    set('payer', { clientId: '${CLIENT_ID}' }),
    `${lakeside}.clientId: ${unfinished('${CLIENT_ID}')}`,
  ],
  ['three dots as a name', set('payer', { displayName: '...' }), `${lakeside}.displayName: ${unfinished('...')}`],
  ['TBD as a reason', set('stage', { waf: 'none', wafOffReason: 'TBD' }), `wafOffReason: ${unfinished('TBD')}`],
  [
    'a placeholder as a parameter',
    set('payer', { quirks: { extraAuthorizeParameters: { prompt: 'placeholder' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.prompt: ${unfinished('placeholder')}`,
  ],
  [
    'a host called changeme',
    set('payer', { tokenEndpoint: 'https://changeme.net/token' }),
    `${lakeside}.tokenEndpoint: ${unfinished('changeme')}`,
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
    "a payer's scope for a type that does not exist",
    set('payer', { scopes: ['patient/Foo.rs'] }),
    `${lakeside}.scopes[0]: ${noScopeType('patient/Foo.rs')}`,
  ],
  [
    "a payer's scope with a letter too many",
    set('payer', { scopes: ['patient/Patients.read'] }),
    `${lakeside}.scopes[0]: ${noScopeType('patient/Patients.read')}`,
  ],
  [
    "a payer's scope in lower case",
    set('payer', { scopes: ['patient/observation.rs'] }),
    `${lakeside}.scopes[0]: ${noScopeType('patient/observation.rs')}`,
  ],
  [
    "a payer's user scope for a type that does not exist",
    set('payer', { scopes: ['user/All.read'] }),
    `${lakeside}.scopes[0]: ${noScopeType('user/All.read')}`,
  ],
  [
    'consent left to a public client',
    set('app', { consent: 'partner' }),
    `${notebook}.consent: is "partner" for a public client, which any app can impersonate; write "gateway", or, for an app of your own, say in consentReason why it asks its members itself`,
  ],
  [
    'a reason for the partner to ask where the gateway asks',
    set('app', { consentReason: 'Ours.' }),
    `${notebook}.consentReason: is only for a public client with consent: "partner"; remove it`,
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
    set('payer', { tokenEndpoint: 'http://127.0.0.1:3001/token' }),
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
    'a secret as a parameter',
    set('payer', { quirks: { extraAuthorizeParameters: { client_secret: 'x' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.client_secret: would show a secret to every browser; remove it, and replace the secret if this file was ever committed: Git still has it`,
  ],
];

/** Mistakes that the check once refused with a sentence that did not help. */
export const unclear: readonly Mistake[] = [
  ...(
    [
      'clientSecret',
      'client_secret',
      'secret',
      'password',
      'apiKey',
      'privateKey',
      'private_key_jwk',
      'accessToken',
    ] as const
  ).map((name): Mistake => [
    `${name} in a payer`,
    set('payer', { [name]: 'canary-7' }),
    `${lakeside}.${name}: ${secretField}`,
  ]),
  ['a secret in a partner', set('partner', { secret: 'canary-7' }), `${portal}.secret: ${secretField}`],
  ['a list of secrets in a partner', set('partner', { secrets: ['canary-7'] }), `${portal}.secrets: ${secretField}`],
  [
    'a private key in a payer',
    set('keyPayer', { publicKeys: [privateKey()] }),
    `${riverside}.publicKeys[0]: contains the private member "d"; write the public key only, and replace this key pair: it is no longer secret`,
  ],
  [
    'a private key in PEM',
    set('payer', { displayName: '-----BEGIN EC PRIVATE KEY-----\ncanary-7' }),
    `${lakeside}.displayName: contains a private key; ${inGit}`,
  ],
  [
    'an AWS access key',
    set('stage', { wafOffReason: 'AKIAIOSFODNN7EXAMPLE' }),
    `wafOffReason: contains an AWS access key id; ${inGit}`,
  ],
  [
    'a token in a client id',
    set('payer', { clientId: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary-7canary' }),
    `${lakeside}.clientId: contains a token; ${inGit}`,
  ],
  [
    'a password in a URL',
    set('payer', { fhirBaseUrl: 'https://gateway:canary-7@fhir.lakeside-plan.net/r4' }),
    `${lakeside}.fhirBaseUrl: contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it`,
  ],
  [
    'a secret in place of its hash',
    set('partner', { secretHashes: ['0'.repeat(64)] }),
    `${portal}.secretHashes[0]: is 64 hexadecimal digits, the form in which "npm run partners" prints a secret; write its SHA-256 in base64url (43 characters), and if this is a secret, make a new one: Git may have this one`,
  ],
  [
    'jwksUri in a payer',
    set('payer', { jwksUri: 'x' }),
    `${lakeside}.jwksUri: is not a URL; write an absolute one, such as "https://plan.example.org/path"`,
  ],
  [
    'jwks_uri in a partner',
    set('partner', { jwks_uri: 'x' }),
    `${portal}.jwks_uri: is not supported: the gateway fetches no keys of a partner; write the keys themselves into jwks`,
  ],
  [
    'vpcId in the stage',
    set('stage', { vpcId: 'vpc-1' }),
    'vpcId: is not known; write existing.vpc.id for a VPC of your own, or network for one that the stack makes',
  ],
  [
    'subnetIds in the network',
    set('stage', { network: { availabilityZones: 1, cidr: '10.0.0.0/20', subnetIds: [] } }),
    'network.subnetIds: is not known; write existing.vpc.subnets, each with id and availabilityZone',
  ],
  [
    'a tag that the stack sets',
    set('stage', { tags: { Project: 'gateway' } }),
    'tags: "Project" is a tag that the stack sets itself; remove it',
  ],
  [
    'logLevel',
    set('stage', { logLevel: 'debug' }),
    'logLevel: is not supported: each request logs one line, at one level; remove it',
  ],
  [
    'memorySize',
    set('stage', { memorySize: 512 }),
    'memorySize: is not supported: lib/functions.ts sets it; remove it',
  ],
  ['timeout', set('stage', { timeout: 30 }), 'timeout: is not supported: lib/functions.ts sets it; remove it'],
  [
    'env, as in the CDK',
    set('stage', { env: {} }),
    'env: is not supported; write account and region, as fields of the stage',
  ],
  [
    'profile',
    set('stage', { profile: 'x' }),
    'profile: is not supported; write account, and set AWS_PROFILE when you deploy',
  ],
  [
    'stackName',
    set('stage', { stackName: 'x' }),
    'stackName: is not supported: the stack is named p2p-gateway-{stage}; write stage',
  ],
  [
    'kmsKeyArn',
    set('stage', { kmsKeyArn: 'x' }),
    'kmsKeyArn: is not known; write existing.keys, an ARN for each purpose, or remove it: the stack makes its keys',
  ],
  [
    'grant_types',
    set('partner', { grant_types: [] }),
    `${portal}.grant_types: is not supported: the grant types are always authorization_code and refresh_token; remove it`,
  ],
  [
    'responseTypes',
    set('partner', { responseTypes: [] }),
    `${portal}.responseTypes: is not supported: the response type is always code; remove it`,
  ],
  [
    'discoveryUrl',
    set('payer', { discoveryUrl: 'x' }),
    `${lakeside}.discoveryUrl: is not supported: the gateway does no discovery; write the endpoints, which "npm run payers -- learn URL" reads`,
  ],
  [
    'fhirVersion',
    set('payer', { fhirVersion: '4.0.1' }),
    `${lakeside}.fhirVersion: is not supported: the gateway reads FHIR R4 only; remove it`,
  ],
  [
    'token_endpoint_auth_method',
    set('partner', { token_endpoint_auth_method: 'none' }),
    `${portal}.token_endpoint_auth_method: is not known; write clientAuthentication`,
  ],
  [
    'scope in place of scopes',
    set('payer', { scope: 'x' }),
    `${lakeside}.scope: is not a known field; write "scopes", or remove it`,
  ],
  [
    'redirectUri in place of redirectUris',
    set('partner', { redirectUri: 'x' }),
    `${portal}.redirectUri: is not a known field; write "redirectUris", or remove it`,
  ],
  ['callbackUrls', set('partner', { callbackUrls: [] }), `${portal}.callbackUrls: is not known; write redirectUris`],
  [
    'allowedOrigins',
    set('partner', { allowedOrigins: [] }),
    `${portal}.allowedOrigins: is not known; write webOrigins`,
  ],
  ['baseUrl', set('payer', { baseUrl: 'x' }), `${lakeside}.baseUrl: is not known; write fhirBaseUrl`],
  ['authUrl', set('payer', { authUrl: 'x' }), `${lakeside}.authUrl: is not known; write authorizationEndpoint`],
  [
    'certificateArn outside of the domain',
    set('stage', { certificateArn }),
    'certificateArn: is not known here; write it in domain',
  ],
  ['logRetention', set('stage', { logRetention: 30 }), 'logRetention: is not known; write retention.logDays'],
  [
    'a field with a letter missing',
    set('stage', { removalPolcy: 'retain' }),
    'removalPolcy: is not a known field; write "removalPolicy", or remove it',
  ],
  [
    'a field in snake case',
    set('payer', { display_name: 'x' }),
    `${lakeside}.display_name: is not a known field; write "displayName", or remove it`,
  ],
  [
    'a field named like one of every object',
    set('payer', { constructor: 1 }),
    `${lakeside}.constructor: is not a known field; check its spelling, or remove it`,
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
    'null for a flag',
    set('payer', { everything: null }),
    `${lakeside}.everything: is null; leave the field out, or write a boolean`,
  ],
  [
    'null for an optional URL',
    set('payer', { revocationEndpoint: null }),
    `${lakeside}.revocationEndpoint: is null; leave the field out, or write a string`,
  ],
  ['null for a domain', set('stage', { domain: null }), 'domain: is null; leave the field out, or write an object'],
  [
    'null for a choice',
    set('partner', { consent: null }),
    `${portal}.consent: is null; leave the field out, or write one of "gateway", "partner"`,
  ],
  [
    'null for a web ACL',
    set('stage', { waf: null }),
    'waf: is null; leave the field out, or write "none" or an object',
  ],
  [
    'null for quirks',
    set('payer', { quirks: null }),
    `${lakeside}.quirks: is null; leave the field out, or write an object`,
  ],
  [
    'null for a limit',
    set('stage', { concurrency: { fetch: null } }),
    'concurrency.fetch: is null; leave the field out, or write a number',
  ],
  ['null for a required field', set('payer', { clientId: null }), `${lakeside}.clientId: is null; write a string`],
  ['null for production', set('stage', { production: null }), 'production: is null; write a boolean'],
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
  ['an entry without its id', drop('payer', 'id'), 'payers[0].id: is missing; write a string'],
];

/** Mistakes that the check always refused, with a sentence that helps. */
export const refused: readonly Mistake[] = [
  [
    'no production field',
    drop('stage', 'production'),
    'production: is missing and has no default; write true if real members will use this stage, otherwise false',
  ],
  ['a string for production', set('stage', { production: 'yes' }), 'production: is a string; write a boolean'],
  ['no stage field', drop('stage', 'stage'), 'stage: is missing; write a string'],
  [
    'a stage in capitals',
    set('stage', { stage: 'Pilot' }),
    'stage: is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
  ],
  [
    'the stage of npm start',
    set('stage', { stage: 'local' }),
    'stage: is "local", whose secrets are public, so only npm start may serve it; deploy a stage of your own',
  ],
  ['an account as a number', set('stage', { account: 444455556666 }), 'account: is a number; write a string'],
  [
    'an account with hyphens',
    set('stage', { account: '4444-5555-6666' }),
    'account: is not an AWS account id; write its 12 digits in quotes, such as "111122223333"',
  ],
  [
    'an availability zone as the region',
    set('stage', { region: 'us-east-1a' }),
    'region: is an availability zone; write its region, "us-east-1"',
  ],
  [
    'a region in capitals',
    set('stage', { region: 'US-EAST-1' }),
    'region: is not an AWS region; write a region code, such as "us-east-1"',
  ],
  ['no payers', set('stage', { payers: [] }), 'payers: is empty; write at least one payer'],
  ['an object for payers', set('stage', { payers: {} }), 'payers: is an object; write an array'],
  ['no partners field', drop('stage', 'partners'), 'partners: is missing; write an array'],
  [
    'a slash at the end of a base',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/' }),
    `${lakeside}.fhirBaseUrl: ends in a slash; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base in capitals',
    set('payer', { fhirBaseUrl: 'https://FHIR.lakeside-plan.net/r4' }),
    `${lakeside}.fhirBaseUrl: is not in normalized form; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base with a query',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4?x=1' }),
    `${lakeside}.fhirBaseUrl: has a query; write the URL without "?" and everything after it`,
  ],
  [
    'a host without a scheme',
    set('payer', { fhirBaseUrl: 'fhir.lakeside-plan.net/r4' }),
    `${lakeside}.fhirBaseUrl: is not a URL; write an absolute one, such as "https://plan.example.org/path"`,
  ],
  [
    'plain http at a payer',
    set('payer', { tokenEndpoint: 'http://id.lakeside-plan.net/token' }),
    `${lakeside}.tokenEndpoint: ${plainHttp}`,
  ],
  [
    'an authorize endpoint with a state',
    set('payer', { authorizationEndpoint: 'https://id.lakeside-plan.net/authorize?state=1' }),
    `${lakeside}.authorizationEndpoint: has "state" in its query, a parameter that the gateway sets itself; remove it`,
  ],
  [
    'an issuer with a query',
    set('keyPayer', { issuer: 'https://id.riverside-plan.net/?x' }),
    `${riverside}.issuer: has a query; write the issuer as the payer publishes it`,
  ],
  [
    'iss without an issuer',
    set('payer', { sendsIss: true }),
    `${lakeside}.issuer: is missing though sendsIss is true; write the issuer that the payer sends as iss`,
  ],
  [
    'a client id with a space',
    set('payer', { clientId: 'gateway ' }),
    `${lakeside}.clientId: is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it`,
  ],
  [
    'an empty client id',
    set('payer', { clientId: '' }),
    `${lakeside}.clientId: is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it`,
  ],
  [
    'an id with an underscore',
    set('payer', { id: 'lake_side' }),
    'payers[0] (lake_side).id: is not a valid id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
  ],
  [
    'an unknown authentication method',
    set('payer', { clientAuthentication: 'client_secret_jwt' }),
    `${lakeside}.clientAuthentication: is not known; write one of "client_secret_basic", "client_secret_post", "private_key_jwt", "none"`,
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
        fhirBaseUrl: 'https://fhir.lakeside-plan.net/east',
        secretOf: 'lakeside',
      });
      set('partner', { payers: ['lakeside', 'riverside', 'east'] })(draft);
    },
    `payers[2] (east).secretOf: is set, but clientAuthentication is "none", which needs no secret; remove one of them`,
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
    'a key without a kid',
    set('keyPayer', { publicKeys: [{ ...keyOf('x'), kid: undefined }] }),
    `${riverside}.publicKeys[0].kid: is missing; write a string`,
  ],
  ['scopes in one string', set('payer', { scopes: 'patient/*.rs' }), `${lakeside}.scopes: is a string; write an array`],
  [
    'two scopes in one',
    set('payer', { scopes: ['patient/*.rs offline_access'] }),
    `${lakeside}.scopes[0]: is not a single scope; write one scope per entry, without spaces`,
  ],
  [
    'a scope that writes',
    set('payer', { scopes: ['patient/*.write'] }),
    `${lakeside}.scopes[0]: ${writes('patient/*.write')}`,
  ],
  [
    'a scope that allows everything',
    set('payer', { scopes: ['patient/*.*'] }),
    `${lakeside}.scopes[0]: ${writes('patient/*.*')}`,
  ],
  [
    'a scope that creates',
    set('payer', { scopes: ['patient/Observation.cruds'] }),
    `${lakeside}.scopes[0]: ${writes('patient/Observation.cruds')}`,
  ],
  [
    'a scope twice',
    set('payer', { scopes: ['patient/*.rs', 'patient/*.rs'] }),
    `${lakeside}.scopes[1]: ${twice('patient/*.rs')}`,
  ],
  [
    'an unknown source of the patient',
    set('payer', { patientFrom: 'fhirUser' }),
    `${lakeside}.patientFrom: is not known; write one of "token", "search", "userinfo", "id_token", "none"`,
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
    'a member that is a secret',
    set('payer', { patientMember: 'access_token' }),
    `${lakeside}.patientMember: is "access_token", which names no patient; write the member that does`,
  ],
  [
    'a member with a blank',
    set('payer', { patientMember: 'patient id' }),
    `${lakeside}.patientMember: is not a member name; write it as the payer spells it, such as "patient"`,
  ],
  [
    'an aud that is not a URL',
    set('payer', { quirks: { aud: 'patientaccess' } }),
    `${lakeside}.quirks.aud: is not an http or https URL; write the one that the payer asks for, or true for the FHIR base URL`,
  ],
  [
    'an aud that is a number',
    set('payer', { quirks: { aud: 1 } }),
    `${lakeside}.quirks.aud: is neither a boolean nor a string; write true, false, or the URL that the payer asks for`,
  ],
  [
    'a media type of XML',
    set('payer', { quirks: { fhirMediaType: 'application/fhir+xml' } }),
    `${lakeside}.quirks.fhirMediaType: is not a JSON media type; write one in lower case without parameters, such as "application/json+fhir"`,
  ],
  [
    'a first byte that API Gateway would not wait for',
    set('payer', { quirks: { timeToFirstByte: 600 } }),
    `${lakeside}.quirks.timeToFirstByte: is longer than allowed; write at most 240 (seconds)`,
  ],
  [
    'a first byte that CloudFront would not wait for',
    (draft: Draft) => {
      set('stage', { edge: true, domain: { name: 'gateway.lakeside-plan.net', certificateArn } })(draft);
      set('payer', { quirks: { timeToFirstByte: 120 } })(draft);
    },
    `${lakeside}.quirks.timeToFirstByte: is longer than edge allows; write at most 90 (seconds), or edge: false`,
  ],
  ...['grant_type', 'code', 'client_id', 'refresh_token', 'scope'].map((name): Mistake => [
    `${name} as an extra parameter of a refresh`,
    set('payer', { quirks: { extraRefreshParameters: { [name]: 'x' } } }),
    `${lakeside}.quirks.extraRefreshParameters.${name}: is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead`,
  ]),
  [
    'a password as an extra parameter of the token call',
    set('payer', { quirks: { extraTokenParameters: { password: 'canary-7' } } }),
    `${lakeside}.quirks.extraTokenParameters.password: would be a secret in the configuration; remove it, and replace the secret if this file was ever committed: Git still has it`,
  ],
  [
    'a consent of minutes',
    set('payer', { consentLifetime: 90 }),
    `${lakeside}.consentLifetime: is too short; write at least 3600 (seconds)`,
  ],
  [
    'lines of business that name none',
    set('payer', { linesOfBusiness: [] }),
    `${lakeside}.linesOfBusiness: is empty; write the kinds of plans, or remove it`,
  ],
  ['a brand without a website', set('payer', { brand: {} }), `${lakeside}.brand.website: is missing; write a string`],
  [
    'a brand’s website without https',
    set('payer', { brand: { website: 'http://lakeside-plan.net' } }),
    `${lakeside}.brand.website: uses plain http; write https:// (http is allowed only for localhost, 127.0.0.1 and [::1])`,
  ],
  [
    'a logo inside the configuration',
    set('payer', { brand: { website: 'https://lakeside-plan.net', logo: 'data:image/png;base64,AAAA' } }),
    `${lakeside}.brand.logo: has the scheme "data:"; write a URL that starts with https://`,
  ],
  [
    'other names that are none',
    set('payer', { brand: { website: 'https://lakeside-plan.net', otherNames: [] } }),
    `${lakeside}.brand.otherNames: is empty; write other names, or remove it`,
  ],
  [
    'a NAIC code of four digits',
    set('payer', { brand: { website: 'https://lakeside-plan.net', identifiers: { naic: ['1234'] } } }),
    `${lakeside}.brand.identifiers.naic[0]: is not an identifier; write its 5 digits`,
  ],
  [
    'a payer id with a space',
    set('payer', { brand: { website: 'https://lakeside-plan.net', identifiers: { payerId: ['60054 '] } } }),
    `${lakeside}.brand.identifiers.payerId[0]: is not a payer id; write its letters, digits and hyphens as claims carry them, such as "60054"`,
  ],
  [
    'an identifier of another kind',
    set('payer', { brand: { website: 'https://lakeside-plan.net', identifiers: { taxId: ['1'] } } }),
    `${lakeside}.brand.identifiers.taxId: is not a known field; check its spelling, or remove it`,
  ],
  [
    'a paging parameter that FHIR has',
    set('payer', { pagingParameters: ['_getpages', 'Patient'] }),
    `${lakeside}.pagingParameters[1]: "Patient" has a meaning of its own in requests; remove it, and list only what the payer's page links have`,
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
  [
    'a search that names a patient',
    set('payer', { wholeRecord: { searches: ['Observation?patient=7'] } }),
    `${lakeside}.wholeRecord.searches[0]: "patient" can name a patient, and the gateway adds the patient itself; remove it`,
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
    'a sign-in origin with a path',
    set('payer', { quirks: { signInOrigins: ['https://id.lakeside-plan.net/login'] } }),
    `${lakeside}.quirks.signInOrigins[0]: is more than an origin; write "https://id.lakeside-plan.net"`,
  ],
  [
    'a reason for no PKCE where PKCE is on',
    set('payer', { quirks: { pkceOffReason: 'x' } }),
    `${lakeside}.quirks.pkceOffReason: explains pkce: false, which is not set; remove it, or write pkce: false`,
  ],
  [
    "the gateway's own parameter",
    set('payer', { quirks: { extraAuthorizeParameters: { scope: 'x' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.scope: is a parameter that the gateway sets itself; remove it, and use the fields and quirks of the payer instead`,
  ],
  [
    'a partner without redirect URIs',
    set('partner', { redirectUris: [] }),
    `${portal}.redirectUris: is empty; write at least one redirect URI`,
  ],
  [
    'a redirect URI with a wildcard',
    set('partner', { redirectUris: ['https://*.lakeside-plan.net/cb'] }),
    `${portal}.redirectUris[0]: has a wildcard; write out each redirect URI, since they are compared exactly`,
  ],
  [
    'a redirect URI with a fragment',
    set('partner', { redirectUris: ['https://members.lakeside-plan.net/#cb'] }),
    `${portal}.redirectUris[0]: has a fragment; write the URL without "#" and everything after it`,
  ],
  [
    'a redirect URI that runs a script',
    set('partner', { redirectUris: ['javascript:alert(1)'] }),
    `${portal}.redirectUris[0]: has the scheme "javascript:"; write https://, or for a native app a scheme with a dot, such as "org.example.app:/callback" (RFC 8252 §7.1)`,
  ],
  [
    'a redirect URI with a code',
    set('partner', { redirectUris: ['https://members.lakeside-plan.net/cb?code=1'] }),
    `${portal}.redirectUris[0]: has "code" in its query, a parameter that the gateway adds itself; remove it`,
  ],
  [
    'an app scheme for a confidential client',
    set('partner', { redirectUris: ['net.lakeside:/cb'] }),
    `${portal}.redirectUris[0]: has a private-use scheme, which only a public client may use; write an https:// URI, or clientAuthentication: ["none"]`,
  ],
  [
    'a home page that is not a URL',
    set('partner', { homePage: 'members' }),
    `${portal}.homePage: is not a URL; write an absolute one, such as "https://plan.example.org/path"`,
  ],
  [
    'a string for clientAuthentication',
    set('partner', { clientAuthentication: 'client_secret_basic' }),
    `${portal}.clientAuthentication: is a string; write an array`,
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
    'a partner scope that writes',
    set('partner', { scopes: ['patient/*.write'] }),
    `${portal}.scopes[0]: "patient/*.write" allows more than reading, but the gateway only reads; write "patient/*.rs"`,
  ],
  [
    'a partner scope for a type that does not exist',
    set('partner', { scopes: ['patient/Foo.rs'] }),
    `${portal}.scopes[0]: ${noScopeType('patient/Foo.rs')}`,
  ],
  [
    'openid for a partner',
    set('partner', { scopes: ['openid', 'patient/*.rs'] }),
    `${portal}.scopes[0]: "openid" is not supported; write launch/patient, offline_access, or patient/{type or *} with .rs or .read`,
  ],
  [
    'scopes that read nothing',
    set('partner', { scopes: ['offline_access'] }),
    `${portal}.scopes: has no scope that reads anything; add one, such as "patient/*.rs"`,
  ],
  [
    'a web origin with a slash',
    set('app', { webOrigins: ['https://care-notebook.net/'] }),
    `${notebook}.webOrigins[0]: is more than an origin; write "https://care-notebook.net"`,
  ],
  [
    'a wildcard for web origins',
    set('app', { webOrigins: ['*'] }),
    `${notebook}.webOrigins[0]: has a wildcard; write each origin out, such as "https://app.example.org"`,
  ],
  [
    'a code that lives for five minutes',
    set('stage', { lifetimes: { code: 300 } }),
    'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)',
  ],
  [
    'a lifetime in milliseconds',
    set('stage', { lifetimes: { accessToken: 3_600_000 } }),
    'lifetimes.accessToken: is longer than allowed; write at most 3600 (seconds)',
  ],
  [
    'a lifetime in quotes',
    set('stage', { lifetimes: { grant: '86400' } }),
    'lifetimes.grant: is a string; write a number',
  ],
  [
    'a number of log days that CloudWatch does not offer',
    set('stage', { retention: { logDays: 100 } }),
    'retention.logDays: is not a retention period of CloudWatch Logs; write 120, or another of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
  ],
  [
    'a name as an alarm address',
    set('stage', { alarmAddresses: ['oncall'] }),
    'alarmAddresses[0]: is not an e-mail address; write one such as "oncall@example.org"',
  ],
  [
    'a string for alarm addresses',
    set('stage', { alarmAddresses: 'oncall@lakeside-plan.net' }),
    'alarmAddresses: is a string; write an array',
  ],
  [
    'an edge without a domain',
    set('stage', { edge: true }),
    'domain: is missing, but edge needs one; write the domain, or edge: false',
  ],
  [
    'a domain with a scheme',
    set('stage', { domain: { name: 'https://gateway.lakeside-plan.net', certificateArn } }),
    'domain.name: is not a plain, lower-case DNS name; write "gateway.lakeside-plan.net"',
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
        hostedZone: { id: 'Z0ABC', name: 'riverside-plan.net' },
      },
    }),
    'domain.hostedZone.name: does not contain "gateway.lakeside-plan.net"; write the zone that does, or leave hostedZone out',
  ],
  [
    'a network without a mask',
    set('stage', vpc('10.0.0.0')),
    'network.cidr: is not an IPv4 block; write one such as "10.20.0.0/20"',
  ],
  [
    'a network that is too small',
    set('stage', vpc('10.0.0.0/28')),
    'network.cidr: is a /28; write a block between /16 and /24, such as "10.20.0.0/20"',
  ],
  ['four zones', set('stage', vpc('10.0.0.0/20', 4)), 'network.availabilityZones: is too big; write at most 3'],
  [
    'the word off for a web ACL',
    set('stage', { waf: 'off' }),
    'waf: is neither "none" nor an object; write "none" or an object',
  ],
  [
    'a limit that AWS WAF does not accept',
    set('stage', { waf: { requestsPer5Minutes: 1 } }),
    'waf.requestsPer5Minutes: is too small; write at least 10',
  ],
  [
    'production without an account',
    set('stage', { ...production, account: undefined }),
    'account: is missing, but production must name its AWS account; write the 12 digits of the account id',
  ],
  [
    'production without a region',
    set('stage', { ...production, region: undefined }),
    'region: is missing, but production must name its region; write one, such as "us-east-1"',
  ],
  [
    'production without an operator',
    set('stage', { ...production, operator: undefined }),
    'operator: is missing, so members could not tell whose pages they see; write the name, privacyPolicy and support of who runs the gateway',
  ],
  [
    'production with the example of an address for help',
    set('stage', {
      ...production,
      operator: { ...operator, support: 'mailto:help@plan.example.org' },
    }),
    `operator.support: ${example('plan.example.org')}`,
  ],
  [
    'production without an alarm address',
    set('stage', { ...production, alarmAddresses: [] }),
    'alarmAddresses: is empty, so no one would receive an alarm; write at least one e-mail address',
  ],
  [
    'production whose data is deleted with the stack',
    set('stage', { ...production, removalPolicy: 'destroy' }),
    'removalPolicy: is "destroy", which would delete grants and the audit together with the stack; write "retain"',
  ],
  [
    'production with a year of audit',
    set('stage', { ...production, retention: { auditDays: 365 } }),
    'retention.auditDays: is under six years (45 CFR 164.316(b)(2)); write at least 2192',
  ],
  [
    'production with an index page',
    set('stage', { ...production, indexPage: { testMembers: [] } }),
    'indexPage: is set, which would show every visitor the clients, and members to test with; remove it',
  ],
  [
    'production without a web ACL',
    set('stage', { ...production, waf: 'none' }),
    'waf: is "none" without a reason; write { requestsPer5Minutes: 20000 }, or say in wafOffReason why there is no web ACL',
  ],
];
