/**
 * Mistakes that people make in a stage's configuration, each with the line that must come of it. The stage they are made
 * in, `sound`, has one of everything and passes.
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

/** A stage that may be deployed. Its hosts are nobody's known examples. */
export const sound = () => ({
  stage: 'pilot',
  production: false as unknown,
  account: '444455556666' as unknown,
  region: 'us-east-1' as unknown,
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

/** What a mistake is made in. */
export type Draft = ReturnType<typeof sound> & Record<string, unknown>;

/** How it was made, and the line, without the file's name. */
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
  "remove it, and if the file was ever committed, replace the secret at its owner: it is in Git now (a payer's secret goes into Secrets Manager, of a partner's only the hash into secretHashes)";
const plainHttp = 'is plain http; write https:// (http is taken for localhost, 127.0.0.1 and [::1] only)';
const onThisMachine = 'is on this machine, which no function in AWS reaches; write the URL of a server';
const secretField = `looks like a secret, and the configuration holds none; ${inGit}`;
const twice = (value: string): string => `"${value}" is there twice; write each one once`;
const vpc = (cidr: unknown, availabilityZones: unknown = 2) => ({ network: { availabilityZones, cidr } });
const publicRange =
  'is a public range, so that hosts of its owners could not be reached; write a private one, such as "10.20.0.0/20"';
const production = {
  production: true,
  retention: { logDays: 400, auditDays: 2192 },
};
const certificateArn = 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const unfinished = (word: string): string => `is not finished: it says "${word}"; write the value itself`;
const noScopeType = (scope: string): string =>
  `"${scope}" names no resource type of FHIR R4; write one, such as patient/Observation.rs`;
const writes = (scope: string): string =>
  `"${scope}" is more than reading, and the gateway only reads; write a read scope`;
const example = (host: string): string => `is the example's (${host} is reserved for examples); write your own`;

/** Accepted without a word once, and each would have hurt. */
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
    'a stage name over a limit of AWS',
    set('stage', { stage: 'a'.repeat(44) }),
    'stage: has 44 characters, more than AWS leaves for it in the names of resources; write at most 43',
  ],
  [
    'a stage name of 64',
    set('stage', { stage: 'a'.repeat(64) }),
    'stage: has 64 characters, more than AWS leaves for it in the names of resources; write at most 43',
  ],
  [
    'a region by its form only',
    set('stage', { region: 'us-east-9' }),
    'region: is no AWS region; write its code, such as "us-east-1"',
  ],
  [
    'a region that was planned',
    set('stage', { region: 'ap-west-1' }),
    'region: is no AWS region; write its code, such as "us-east-1"',
  ],
  ['a public VPC range', set('stage', vpc('8.8.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 172.16/12', set('stage', vpc('172.32.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 192.168/16', set('stage', vpc('192.169.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range beside 100.64/10', set('stage', vpc('100.128.0.0/20')), `network.cidr: ${publicRange}`],
  ['the loopback range', set('stage', vpc('127.0.0.0/20')), `network.cidr: ${publicRange}`],
  ['link-local addresses', set('stage', vpc('169.254.0.0/20')), `network.cidr: ${publicRange}`],
  ['a range for multicast', set('stage', vpc('224.0.0.0/20')), `network.cidr: ${publicRange}`],
  [
    'more concurrency than there is',
    set('stage', { concurrency: { fetch: 5000 } }),
    'concurrency: reserves 5000, and of 1000 Lambda keeps 100 unreserved; write at most 900 together, or in accountConcurrency what "aws lambda get-account-settings" says',
  ],
  [
    'concurrency that only together is too much',
    set('stage', { concurrency: { fetch: 300, token: 300, authorize: 301 } }),
    'concurrency: reserves 901, and of 1000 Lambda keeps 100 unreserved; write at most 900 together, or in accountConcurrency what "aws lambda get-account-settings" says',
  ],
  [
    'concurrency in a new account',
    set('stage', { accountConcurrency: 10, concurrency: { fetch: 5 } }),
    'concurrency: reserves 5, and of 10 Lambda keeps 100 unreserved; write at most 0 together, or in accountConcurrency what "aws lambda get-account-settings" says',
  ],
  [
    'a burst below the rate',
    set('stage', { throttling: { perSecond: 500, burst: 100 } }),
    'throttling.burst: is below perSecond, which would never be reached; write at least 500',
  ],
  [
    'a rate above the usual burst',
    set('stage', { throttling: { perSecond: 201 } }),
    'throttling.burst: is below perSecond, which would never be reached; write at least 201',
  ],
  [
    "a partner's burst below its rate",
    set('partner', { rate: { perSecond: 50, burst: 5 } }),
    `${portal}.rate.burst: is below perSecond, which would never be reached; write at least 50`,
  ],
  [
    "a partner's burst below half a call",
    set('partner', { rate: { perSecond: 1.5, burst: 1 } }),
    `${portal}.rate.burst: is below perSecond, which would never be reached; write at least 2`,
  ],
  [
    'one secret on two partners',
    set('app', { clientAuthentication: ['client_secret_post'], secretHashes: [hashOf('a')] }),
    `${notebook}.secretHashes[0]: is the secret of partner "portal" too; give each partner its own`,
  ],
  [
    'one secret as the second of another',
    set('app', { clientAuthentication: ['client_secret_post'], secretHashes: [hashOf('b'), hashOf('a')] }),
    `${notebook}.secretHashes[1]: is the secret of partner "portal" too; give each partner its own`,
  ],
  [
    'one key on two partners',
    (draft) => {
      const jwks = [keyOf('shared')];
      for (const at of ['partner', 'app'] as const)
        set(at, { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks })(draft);
    },
    `${notebook}.jwks[0]: is the key of partner "portal" too; give each partner its own`,
  ],
  [
    'the hash of an unset variable',
    set('partner', { secretHashes: [hashOf('')] }),
    `${portal}.secretHashes[0]: is the hash of an empty secret; write the hash of the secret itself`,
  ],
  [
    'token and authorize endpoint alike',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/authorize' }),
    `${lakeside}.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'token and authorize endpoint alike but for a slash',
    set('payer', { tokenEndpoint: 'https://id.lakeside-plan.net/authorize/' }),
    `${lakeside}.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`,
  ],
  [
    'revocation at the token endpoint',
    set('payer', { revocationEndpoint: 'https://id.lakeside-plan.net/token' }),
    `${lakeside}.revocationEndpoint: is the same as tokenEndpoint; write the payer's own revocationEndpoint`,
  ],
  [
    'the token endpoint for a base',
    set('payer', { tokenEndpoint: 'https://fhir.lakeside-plan.net/r4' }),
    `${lakeside}.tokenEndpoint: is the same as fhirBaseUrl; write the payer's own tokenEndpoint`,
  ],
  [
    'two payers with one base',
    set('keyPayer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4' }),
    `${riverside}.fhirBaseUrl: is the base of payer "lakeside" too; write its own`,
  ],
  [
    "another payer's base as an alias",
    set('keyPayer', { fhirBaseUrlAliases: ['http://FHIR.lakeside-plan.net/r4'] }),
    `${riverside}.fhirBaseUrlAliases[0]: is the base of payer "lakeside" too; write its own`,
  ],
  [
    "another payer's base with its port",
    set('keyPayer', { fhirBaseUrlAliases: ['https://fhir.lakeside-plan.net:443/r4'] }),
    `${riverside}.fhirBaseUrlAliases[0]: is the base of payer "lakeside" too; write its own`,
  ],
  [
    'a base that ends in /metadata',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/metadata' }),
    `${lakeside}.fhirBaseUrl: is a URL below the base; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that is its smart-configuration',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/.well-known/smart-configuration' }),
    `${lakeside}.fhirBaseUrl: is a URL below the base; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that is a read',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/Patient/1' }),
    `${lakeside}.fhirBaseUrl: is a URL below the base; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base that is an operation',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4/$export' }),
    `${lakeside}.fhirBaseUrl: is a URL below the base; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a payer that no partner reads from',
    set('partner', { payers: ['riverside'] }),
    `${lakeside}: is in no partner's payers, so that nothing can read from it; add "lakeside" to a partner's payers, or remove the entry`,
  ],
  [
    'a payer that the only partner does not read from',
    (draft) => {
      draft.partners.pop();
      set('partner', { payers: ['riverside'] })(draft);
    },
    `${lakeside}: is in no partner's payers, so that nothing can read from it; add "lakeside" to a partner's payers, or remove the entry`,
  ],
  [
    'a partner at a payer without a client id',
    set('payer', { clientId: 'pending-registration' }),
    `${lakeside}.clientId: is "pending-registration"; write the one that the payer gave, or take "lakeside" out of every partner's payers until then`,
  ],
  ['TODO for a client id', set('payer', { clientId: 'TODO' }), `${lakeside}.clientId: ${unfinished('TODO')}`],
  ['a TODO in a sentence', set('partner', { name: 'Portal (TODO: ask)' }), `${portal}.name: ${unfinished('TODO')}`],
  [
    'changeme for a client id',
    set('payer', { clientId: 'changeme' }),
    `${lakeside}.clientId: ${unfinished('changeme')}`,
  ],
  [
    'CHANGE_ME for a name',
    set('payer', { displayName: 'CHANGE_ME' }),
    `${lakeside}.displayName: ${unfinished('change_me')}`,
  ],
  [
    'a name in angle brackets',
    set('partner', { name: '<partner name>' }),
    `${portal}.name: ${unfinished('<partner name>')}`,
  ],
  [
    'a template that was not filled',
    set('payer', { clientId: '{{CLIENT_ID}}' }),
    `${lakeside}.clientId: ${unfinished('{{CLIENT_ID}}')}`,
  ],
  [
    'a variable that was not replaced',
    set('payer', { clientId: '${CLIENT_ID}' }),
    `${lakeside}.clientId: ${unfinished('${CLIENT_ID}')}`,
  ],
  ['three dots for a text', set('payer', { displayName: '...' }), `${lakeside}.displayName: ${unfinished('...')}`],
  ['TBD for a reason', set('stage', { waf: 'none', wafOffReason: 'TBD' }), `wafOffReason: ${unfinished('TBD')}`],
  [
    'a placeholder for a parameter',
    set('payer', { quirks: { extraAuthorizeParameters: { prompt: 'placeholder' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.prompt: ${unfinished('placeholder')}`,
  ],
  [
    'a host called changeme',
    set('payer', { tokenEndpoint: 'https://changeme.net/token' }),
    `${lakeside}.tokenEndpoint: ${unfinished('changeme')}`,
  ],
  [
    'example.com for a partner',
    set('partner', { homePage: 'https://www.example.com/' }),
    `${portal}.homePage: ${example('www.example.com')}`,
  ],
  [
    'example.org for a payer',
    set('payer', { tokenEndpoint: 'https://id.example.org/token' }),
    `${lakeside}.tokenEndpoint: ${example('id.example.org')}`,
  ],
  [
    'example.net for an alarm',
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
    `${portal}.secretHashes[0]: is of the demo's secret, which is published; write the hash of the partner's own`,
  ],
  [
    "a payer's scope for no type",
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
    "a payer's scope for a user and no type",
    set('payer', { scopes: ['user/All.read'] }),
    `${lakeside}.scopes[0]: ${noScopeType('user/All.read')}`,
  ],
  [
    'consent left to a public client',
    set('app', { consent: 'partner' }),
    `${notebook}.consent: is "partner" for a public client, which anyone can pose as; write "gateway", or in consentReason why this app of your own asks its members itself`,
  ],
  [
    'a reason for consent that the gateway asks',
    set('app', { consentReason: 'Ours.' }),
    `${notebook}.consentReason: explains what is not so; remove it`,
  ],
  [
    'an access token that outlives its grant',
    set('stage', { lifetimes: { grant: 600 } }),
    'lifetimes.accessToken: is 3600, longer than the grant lives; write at most 600 (seconds)',
  ],
  [
    'an access token a second too long',
    set('stage', { lifetimes: { grant: 3599 } }),
    'lifetimes.accessToken: is 3600, longer than the grant lives; write at most 3599 (seconds)',
  ],
  [
    'a grace that outlives its grant',
    set('stage', { lifetimes: { grant: 30, accessToken: 30 } }),
    'lifetimes.refreshGrace: is 60, longer than the grant lives; write at most 30 (seconds)',
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
    'an origin on this machine',
    set('stage', { origin: 'http://localhost:3000' }),
    'origin: is on this machine; write domain, or leave origin out',
  ],
  [
    'a secret as a parameter',
    set('payer', { quirks: { extraAuthorizeParameters: { client_secret: 'x' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.client_secret: would show a secret to every browser; remove it, and replace the secret if the file was committed: it is in Git now`,
  ],
];

/** Refused once with a sentence that did not help. */
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
    `${riverside}.publicKeys[0]: holds the private member "d"; write the public key only, and replace this key pair: it is no longer secret`,
  ],
  [
    'a private key in PEM',
    set('payer', { displayName: '-----BEGIN EC PRIVATE KEY-----\ncanary-7' }),
    `${lakeside}.displayName: holds a private key; ${inGit}`,
  ],
  [
    'an access key of AWS',
    set('stage', { wafOffReason: 'AKIAIOSFODNN7EXAMPLE' }),
    `wafOffReason: holds an AWS access key's id; ${inGit}`,
  ],
  [
    'a token in a client id',
    set('payer', { clientId: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary-7canary' }),
    `${lakeside}.clientId: holds a token; ${inGit}`,
  ],
  [
    'a password in a URL',
    set('payer', { fhirBaseUrl: 'https://gateway:canary-7@fhir.lakeside-plan.net/r4' }),
    `${lakeside}.fhirBaseUrl: holds a user name or password; write the URL without it, and change the password if the file was committed: it is in Git now`,
  ],
  [
    'the secret for its hash',
    set('partner', { secretHashes: ['0'.repeat(64)] }),
    `${portal}.secretHashes[0]: is 64 hexadecimal digits, as "npm run partners" prints a secret; write the SHA-256 in base64url (43 characters), and if this is the secret, make another one: it is in Git now`,
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
    "vpcId: is not supported: the stack makes a VPC of its own; write network, or 'none'",
  ],
  [
    'subnetIds in the network',
    set('stage', { network: { availabilityZones: 1, cidr: '10.0.0.0/20', subnetIds: [] } }),
    "network.subnetIds: is not supported: the stack makes a VPC of its own; write network, or 'none'",
  ],
  [
    'tags in the stage',
    set('stage', { tags: {} }),
    'tags: is not supported: the stack tags all it makes with project and stage; remove it, and give others to "npx cdk deploy --tags"',
  ],
  [
    'logLevel',
    set('stage', { logLevel: 'debug' }),
    'logLevel: is not supported: each request writes one line, at one level; remove it',
  ],
  [
    'memorySize',
    set('stage', { memorySize: 512 }),
    'memorySize: is not supported: lib/functions.ts sets it; remove it',
  ],
  [
    'timeout',
    set('stage', { timeout: 30 }),
    'timeout: is not supported: each function has its own in lib/functions.ts; remove it',
  ],
  ['env of the CDK', set('stage', { env: {} }), 'env: is not supported: write account and region beside stage'],
  [
    'profile',
    set('stage', { profile: 'x' }),
    'profile: is not supported: write account, and set AWS_PROFILE where you deploy',
  ],
  [
    'stackName',
    set('stage', { stackName: 'x' }),
    'stackName: is not supported: the stack is p2p-gateway-{stage}; write stage',
  ],
  ['kmsKeyArn', set('stage', { kmsKeyArn: 'x' }), 'kmsKeyArn: is not supported: the stack makes its keys; remove it'],
  [
    'grant_types',
    set('partner', { grant_types: [] }),
    `${portal}.grant_types: is not supported: authorization_code and refresh_token are what there is; remove it`,
  ],
  [
    'responseTypes',
    set('partner', { responseTypes: [] }),
    `${portal}.responseTypes: is not supported: code is what there is; remove it`,
  ],
  [
    'discoveryUrl',
    set('payer', { discoveryUrl: 'x' }),
    `${lakeside}.discoveryUrl: is not supported: the gateway discovers nothing by itself; write the endpoints, "npm run payers -- check URL" reads them`,
  ],
  [
    'fhirVersion',
    set('payer', { fhirVersion: '4.0.1' }),
    `${lakeside}.fhirVersion: is not supported: the gateway reads R4; remove it`,
  ],
  [
    'token_endpoint_auth_method',
    set('partner', { token_endpoint_auth_method: 'none' }),
    `${portal}.token_endpoint_auth_method: is not known; write clientAuthentication`,
  ],
  [
    'scope for scopes',
    set('payer', { scope: 'x' }),
    `${lakeside}.scope: is no known field; write "scopes", or remove it`,
  ],
  [
    'redirectUri for redirectUris',
    set('partner', { redirectUri: 'x' }),
    `${portal}.redirectUri: is no known field; write "redirectUris", or remove it`,
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
    'certificateArn: is not known here; write it into domain',
  ],
  ['logRetention', set('stage', { logRetention: 30 }), 'logRetention: is not known; write retention.logDays'],
  [
    'a field with a wrong letter',
    set('stage', { removalPolcy: 'retain' }),
    'removalPolcy: is no known field; write "removalPolicy", or remove it',
  ],
  [
    'a field of JSON in snake case',
    set('payer', { display_name: 'x' }),
    `${lakeside}.display_name: is no known field; write "displayName", or remove it`,
  ],
  [
    'a field of a prototype',
    set('payer', { constructor: 1 }),
    `${lakeside}.constructor: is no known field; check its spelling or remove it`,
  ],
  [
    'a needed field with a wrong letter, in one line',
    (draft) => {
      set('payer', { tokenEndpiont: 'https://id.lakeside-plan.net/token' })(draft);
      delete draft.payers[0]?.['tokenEndpoint'];
    },
    `${lakeside}.tokenEndpiont: is no known field; write "tokenEndpoint", or remove it`,
  ],
  [
    'payer for payers, in one line',
    (draft) => {
      const { payers, ...rest } = draft;
      return { ...rest, payer: payers };
    },
    'payer: is no known field; write "payers", or remove it',
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
  ['null for a web ACL', set('stage', { waf: null }), 'waf: is null; leave the field out, or write one of them'],
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
  ['null for a needed field', set('payer', { clientId: null }), `${lakeside}.clientId: is null; write a string`],
  ['null for production', set('stage', { production: null }), 'production: is null; write a boolean'],
  [
    'one host of three URLs, in one line',
    set('payer', {
      fhirBaseUrl: 'https://plan.example.org/r4',
      authorizationEndpoint: 'https://plan.example.org/a',
      tokenEndpoint: 'https://plan.example.org/t',
    }),
    `${lakeside}.fhirBaseUrl, authorizationEndpoint, tokenEndpoint: ${example('plan.example.org')}`,
  ],
  [
    'a payer by another name, in one line',
    set('payer', { id: 'lakeside-health' }),
    `${portal}.payers[0]: "lakeside" is no payer here; write one of: lakeside-health, riverside`,
  ],
  [
    'an entry twice, in one line',
    (draft) => void draft.payers.push({ ...draft.payers[0] }),
    `payers[2] (lakeside).id: ${twice('lakeside')}`,
  ],
  ['an entry without its id', drop('payer', 'id'), 'payers[0].id: is missing; write a string'],
];

/** Always refused, each with a sentence that must stay. */
export const refused: readonly Mistake[] = [
  [
    'no production',
    drop('stage', 'production'),
    'production: is missing, and has no default; write true if real members will use this stage, or false',
  ],
  ['a word for production', set('stage', { production: 'yes' }), 'production: is a string; write a boolean'],
  ['no stage', drop('stage', 'stage'), 'stage: is missing; write a string'],
  [
    'a stage in capitals',
    set('stage', { stage: 'Pilot' }),
    'stage: is no id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
  ],
  [
    'the stage of npm start',
    set('stage', { stage: 'local' }),
    'stage: is "local", whose secrets are published, so that only npm start serves it; deploy a stage of your own',
  ],
  ['an account as a number', set('stage', { account: 444455556666 }), 'account: is a number; write a string'],
  [
    'an account with hyphens',
    set('stage', { account: '4444-5555-6666' }),
    'account: is no AWS account; write its 12 digits in quotes, such as "111122223333"',
  ],
  [
    'a zone for a region',
    set('stage', { region: 'us-east-1a' }),
    'region: is an availability zone; write its region, "us-east-1"',
  ],
  [
    'a region in capitals',
    set('stage', { region: 'US-EAST-1' }),
    'region: is no AWS region; write its code, such as "us-east-1"',
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
    `${lakeside}.fhirBaseUrl: is not how a URL parser reads it; write "https://fhir.lakeside-plan.net/r4"`,
  ],
  [
    'a base with a query',
    set('payer', { fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4?x=1' }),
    `${lakeside}.fhirBaseUrl: has a query; write the URL without "?" and what follows`,
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
    `${lakeside}.authorizationEndpoint: has "state" in its query, which the gateway sets; write the URL without it`,
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
    'a client id with a blank',
    set('payer', { clientId: 'gateway ' }),
    `${lakeside}.clientId: is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it`,
  ],
  [
    'no client id',
    set('payer', { clientId: '' }),
    `${lakeside}.clientId: is empty or has characters that RFC 6749 does not allow; write the client id as the payer gave it`,
  ],
  [
    'an id with an underscore',
    set('payer', { id: 'lake_side' }),
    'payers[0] (lake_side).id: is no id; write 1 to 64 lower-case letters, digits and hyphens, such as "northwind-health"',
  ],
  [
    'an unknown way to authenticate',
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
    `${riverside}.publicKeys: is there, but clientAuthentication is "none"; remove the keys, or write "private_key_jwt"`,
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
    `payers[2] (east).secretOf: is there, but clientAuthentication is "none", which needs no secret; remove one of them`,
  ],
  [
    'its own id in secretOf',
    set('payer', { secretOf: 'lakeside' }),
    `${lakeside}.secretOf: "lakeside" is no other payer here; write one of: riverside`,
  ],
  [
    'the secret of a payer that is not there',
    set('payer', { secretOf: 'seaside' }),
    `${lakeside}.secretOf: "seaside" is no other payer here; write one of: riverside`,
  ],
  [
    'the secret of a client at another server',
    set('payer', { secretOf: 'riverside' }),
    `${lakeside}.secretOf: "riverside" has another tokenEndpoint, so its secret does not fit; write the same, or remove secretOf`,
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
    `${riverside}.publicKeys: is empty, and private_key_jwt needs a key; write the public JWK with its kid`,
  ],
  [
    'a key without a kid',
    set('keyPayer', { publicKeys: [{ ...keyOf('x'), kid: undefined }] }),
    `${riverside}.publicKeys[0].kid: is missing; write a string`,
  ],
  ['scopes in one text', set('payer', { scopes: 'patient/*.rs' }), `${lakeside}.scopes: is a string; write an array`],
  [
    'two scopes in one',
    set('payer', { scopes: ['patient/*.rs offline_access'] }),
    `${lakeside}.scopes[0]: is not one scope; write one scope an entry, without blanks`,
  ],
  [
    'a scope that writes',
    set('payer', { scopes: ['patient/*.write'] }),
    `${lakeside}.scopes[0]: ${writes('patient/*.write')}`,
  ],
  [
    'a scope that does all',
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
    `${lakeside}.userinfoEndpoint: is missing though patientFrom is "userinfo"; write the URL where the payer is asked`,
  ],
  [
    'a userinfo endpoint that is not used',
    set('payer', { userinfoEndpoint: 'https://id.lakeside-plan.net/userinfo' }),
    `${lakeside}.userinfoEndpoint: is there, but patientFrom is not "userinfo"; remove it, or write that`,
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
    `${riverside}.scopes: has no "openid" though patientFrom is "id_token", and the payer would send none; add it`,
  ],
  [
    'keys that sign an id_token that is not used',
    set('payer', { jwksUri: 'https://id.lakeside-plan.net/keys' }),
    `${lakeside}.jwksUri: is there, but patientFrom is not "id_token"; remove it, or write that (the gateway's own keys go into publicKeys)`,
  ],
  [
    'a member that nobody reads',
    set('payer', { patientFrom: 'search', patientMember: 'patient_id' }),
    `${lakeside}.patientMember: is there, but patientFrom is "search", which reads no member; remove it`,
  ],
  [
    'a member that is a secret',
    set('payer', { patientMember: 'access_token' }),
    `${lakeside}.patientMember: is "access_token", which names no patient; write the member that does`,
  ],
  [
    'a member with a blank',
    set('payer', { patientMember: 'patient id' }),
    `${lakeside}.patientMember: is no name of a member; write one as the payer spells it, such as "patient"`,
  ],
  [
    'an aud that is no URL',
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
    `${lakeside}.quirks.fhirMediaType: is no media type of JSON; write one in lower case without parameters, such as "application/json+fhir"`,
  ],
  [
    'a first byte that API Gateway would not wait for',
    set('payer', { quirks: { timeToFirstByte: 600 } }),
    `${lakeside}.quirks.timeToFirstByte: is longer than allowed; write at most 240 (seconds)`,
  ],
  ...['grant_type', 'code', 'client_id', 'refresh_token', 'scope'].map((name): Mistake => [
    `${name} as an extra parameter of a refresh`,
    set('payer', { quirks: { extraRefreshParameters: { [name]: 'x' } } }),
    `${lakeside}.quirks.extraRefreshParameters.${name}: is a parameter that the gateway sets itself; remove it and use the quirks and fields of the payer`,
  ]),
  [
    'a password as an extra parameter of the token call',
    set('payer', { quirks: { extraTokenParameters: { password: 'canary-7' } } }),
    `${lakeside}.quirks.extraTokenParameters.password: would be a secret in the configuration; remove it, and replace the secret if the file was committed: it is in Git now`,
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
  [
    'a paging parameter that FHIR has',
    set('payer', { pagingParameters: ['_getpages', 'Patient'] }),
    `${lakeside}.pagingParameters[1]: "Patient" has a meaning of its own in requests; remove it, and list only what the payer's page links have`,
  ],
  [
    'two ways to read the whole record',
    set('payer', { wholeRecord: { searches: ['Coverage'], substitute: 'Patient?_revinclude=*' } }),
    `${lakeside}.wholeRecord.substitute: is there beside searches; write one of them`,
  ],
  [
    'a type to read that there is not',
    set('payer', { wholeRecord: { searches: ['Coverage', 'Observations'] } }),
    `${lakeside}.wholeRecord.searches[1]: "Observations" is no resource type of FHIR R4; write one, such as Observation`,
  ],
  [
    'a type to read that the scopes do not cover',
    set('payer', { scopes: ['patient/Patient.rs'], wholeRecord: { searches: ['Patient', 'Coverage'] } }),
    `${lakeside}.wholeRecord.searches[1]: needs patient/Coverage.s, which scopes does not cover; add it there, or remove the search`,
  ],
  [
    'a substitute whose includes the scopes do not cover',
    set('payer', {
      scopes: ['patient/ExplanationOfBenefit.rs'],
      wholeRecord: { substitute: 'ExplanationOfBenefit?_include=ExplanationOfBenefit:provider' },
    }),
    `${lakeside}.wholeRecord.substitute: needs patient/Organization.r patient/Practitioner.r patient/PractitionerRole.r, which scopes does not cover; add it there, or remove the search`,
  ],
  [
    'a search that names a patient',
    set('payer', { wholeRecord: { searches: ['Observation?patient=7'] } }),
    `${lakeside}.wholeRecord.searches[0]: "patient" can name a patient, and the gateway adds the patient itself; remove it`,
  ],
  [
    'a search with an unknown parameter',
    set('payer', { wholeRecord: { searches: ['Observation?kategory=laboratory'] } }),
    `${lakeside}.wholeRecord.searches[0]: "kategory" is no parameter of Observation here; write one of R4 or the guides, or add it to searchParameters`,
  ],
  [
    'a reason for grants without a patient where there are none',
    set('payer', { patientNoneReason: 'x' }),
    `${lakeside}.patientNoneReason: explains what is not so; remove it, or write patientFrom: "none"`,
  ],
  [
    'a sign-in origin with a path',
    set('payer', { quirks: { signInOrigins: ['https://id.lakeside-plan.net/login'] } }),
    `${lakeside}.quirks.signInOrigins[0]: is more than an origin; write "https://id.lakeside-plan.net"`,
  ],
  [
    'a reason for PKCE that is on',
    set('payer', { quirks: { pkceOffReason: 'x' } }),
    `${lakeside}.quirks.pkceOffReason: explains what is not so; remove it, or write pkce: false`,
  ],
  [
    "the gateway's own parameter",
    set('payer', { quirks: { extraAuthorizeParameters: { scope: 'x' } } }),
    `${lakeside}.quirks.extraAuthorizeParameters.scope: is a parameter that the gateway sets itself; remove it and use the quirks and fields of the payer`,
  ],
  [
    'a partner without redirect URIs',
    set('partner', { redirectUris: [] }),
    `${portal}.redirectUris: is empty; write at least one redirect URI`,
  ],
  [
    'a redirect URI with a wildcard',
    set('partner', { redirectUris: ['https://*.lakeside-plan.net/cb'] }),
    `${portal}.redirectUris[0]: has a wildcard; write each redirect URI out, they are compared to the letter`,
  ],
  [
    'a redirect URI with a fragment',
    set('partner', { redirectUris: ['https://members.lakeside-plan.net/#cb'] }),
    `${portal}.redirectUris[0]: has a fragment; write the URL without "#" and what follows`,
  ],
  [
    'a redirect URI that runs a script',
    set('partner', { redirectUris: ['javascript:alert(1)'] }),
    `${portal}.redirectUris[0]: has the scheme "javascript:"; write https://, or for a native app a scheme with a dot, such as "org.example.app:/callback" (RFC 8252 §7.1)`,
  ],
  [
    'a redirect URI with a code',
    set('partner', { redirectUris: ['https://members.lakeside-plan.net/cb?code=1'] }),
    `${portal}.redirectUris[0]: has "code" in its query, which the gateway adds; write the URI without it`,
  ],
  [
    'an app scheme for a confidential client',
    set('partner', { redirectUris: ['net.lakeside:/cb'] }),
    `${portal}.redirectUris[0]: has a private-use scheme, which is for public clients; write an https:// URI, or clientAuthentication ["none"]`,
  ],
  [
    'a home page that is no URL',
    set('partner', { homePage: 'members' }),
    `${portal}.homePage: is not a URL; write an absolute one, such as "https://plan.example.org/path"`,
  ],
  [
    'a text for clientAuthentication',
    set('partner', { clientAuthentication: 'client_secret_basic' }),
    `${portal}.clientAuthentication: is a string; write an array`,
  ],
  [
    'none beside others',
    set('partner', { clientAuthentication: ['none', 'client_secret_basic'] }),
    `${portal}.clientAuthentication: has "none" beside others; write ["none"], or leave "none" out`,
  ],
  [
    'a secret that a public client has',
    set('app', { secretHashes: [hashOf('c')] }),
    `${notebook}.secretHashes: is there, but the partner has no secret-based clientAuthentication; remove it`,
  ],
  [
    'no hash of a secret',
    set('partner', { secretHashes: [] }),
    `${portal}.secretHashes: is empty, and the partner authenticates with a secret; write its SHA-256, base64url`,
  ],
  [
    'three secrets',
    set('partner', { secretHashes: ['a', 'b', 'c'].map(hashOf) }),
    `${portal}.secretHashes: has more than two; write the current one and, while it is rotated, the next`,
  ],
  [
    'PKCE optional for a public client',
    set('app', { pkceOptional: true }),
    `${notebook}.pkceOptional: is true for a public client, which must use PKCE; write false`,
  ],
  [
    'a partner scope that writes',
    set('partner', { scopes: ['patient/*.write'] }),
    `${portal}.scopes[0]: "patient/*.write" is more than reading, and the gateway only reads; write "patient/*.rs"`,
  ],
  [
    'a partner scope for no type',
    set('partner', { scopes: ['patient/Foo.rs'] }),
    `${portal}.scopes[0]: ${noScopeType('patient/Foo.rs')}`,
  ],
  [
    'openid for a partner',
    set('partner', { scopes: ['openid', 'patient/*.rs'] }),
    `${portal}.scopes[0]: "openid" is not supported; write launch/patient, offline_access, patient/{type or *}.rs or .read`,
  ],
  [
    'nothing to read',
    set('partner', { scopes: ['offline_access'] }),
    `${portal}.scopes: has nothing to read in it; write a scope such as "patient/*.rs" too`,
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
    'a code that lives for hours',
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
    'log days between CloudWatch’s',
    set('stage', { retention: { logDays: 100 } }),
    'retention.logDays: is no retention of CloudWatch Logs; write 120, or another of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
  ],
  [
    'no alarm address but a name',
    set('stage', { alarmAddresses: ['oncall'] }),
    'alarmAddresses[0]: is no e-mail address; write one such as "oncall@example.org"',
  ],
  [
    'one text for alarm addresses',
    set('stage', { alarmAddresses: 'oncall@lakeside-plan.net' }),
    'alarmAddresses: is a string; write an array',
  ],
  [
    'an edge without a domain',
    set('stage', { edge: true }),
    'domain: is missing, and edge needs one; write the domain, or edge: false',
  ],
  [
    'a domain with a scheme',
    set('stage', { domain: { name: 'https://gateway.lakeside-plan.net', certificateArn } }),
    'domain.name: is more than a lower-case DNS name; write "gateway.lakeside-plan.net"',
  ],
  [
    'a certificate of elsewhere',
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
    "domain.certificateArn: is of account 777788889999; write the ARN of a certificate of 444455556666, the stage's",
  ],
  [
    'a zone that does not hold the domain',
    set('stage', {
      domain: {
        name: 'gateway.lakeside-plan.net',
        certificateArn,
        hostedZone: { id: 'Z0ABC', name: 'riverside-plan.net' },
      },
    }),
    'domain.hostedZone.name: does not hold "gateway.lakeside-plan.net"; write the zone in which that name lies, or leave hostedZone out',
  ],
  [
    'a network without a mask',
    set('stage', vpc('10.0.0.0')),
    'network.cidr: is no IPv4 block; write one such as "10.20.0.0/20"',
  ],
  [
    'a network that is too small',
    set('stage', vpc('10.0.0.0/28')),
    'network.cidr: is a /28; write a block between /16 and /24, such as "10.20.0.0/20"',
  ],
  ['four zones', set('stage', vpc('10.0.0.0/20', 4)), 'network.availabilityZones: is too big; write at most 3'],
  ['off for a web ACL', set('stage', { waf: 'off' }), 'waf: is neither "none" nor an object; write one of them'],
  [
    'a limit that WAF does not take',
    set('stage', { waf: { requestsPer5Minutes: 1 } }),
    'waf.requestsPer5Minutes: is too small; write at least 10',
  ],
  [
    'production without an account',
    set('stage', { ...production, account: undefined }),
    'account: is missing, and production names where it goes; write the 12 digits of the AWS account',
  ],
  [
    'production without a region',
    set('stage', { ...production, region: undefined }),
    'region: is missing, and production names where it goes; write a region, such as "us-east-1"',
  ],
  [
    'production that wakes nobody',
    set('stage', { ...production, alarmAddresses: [] }),
    'alarmAddresses: is empty, so nobody would hear of an alarm; write at least one e-mail address',
  ],
  [
    'production that goes with its stack',
    set('stage', { ...production, removalPolicy: 'destroy' }),
    'removalPolicy: is "destroy", and grants and audit would go with the stack; write "retain"',
  ],
  [
    'production with a year of audit',
    set('stage', { ...production, retention: { auditDays: 365 } }),
    'retention.auditDays: is under six years (45 CFR 164.316(b)(2)); write at least 2192',
  ],
  [
    'production without a web ACL',
    set('stage', { ...production, waf: 'none' }),
    'waf: is "none" without a reason; write { requestsPer5Minutes: 20000 }, or in wafOffReason why there is none',
  ],
];
