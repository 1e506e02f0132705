/**
 * Mistakes that people make in a stage's configuration, by the line that the check must print. They are made in the
 * stage `sound`, which has one of everything and passes.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { publishedPublicKey } from '../../config/examples.ts';
import { words } from '../support/words.ts';

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

/** The expected line without the file's name, and how the mistake is made. */
export type Mistake = readonly [line: string, make: (draft: Draft) => unknown];

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

/** The stage, its first payer, its second, the first partner, and the public one. */
type Entry = 'stage' | 'payer' | 'keyPayer' | 'partner' | 'app';
type Changes = Readonly<Partial<Record<Entry, object>>>;

/** Writes fields of entries. */
const set =
  (changes: Changes) =>
  (draft: Draft): void => {
    const [payer, keyPayer] = draft.payers;
    const [partner, app] = draft.partners;
    const entries = { stage: draft, payer, keyPayer, partner, app };
    for (const [at, change] of Object.entries(changes)) Object.assign(entries[at as Entry] ?? {}, change);
  };

const lakeside = 'payers[0] (lakeside)';
const riverside = 'payers[1] (riverside)';
const portal = 'partners[0] (portal)';
const notebook = 'partners[1] (notebook)';
const onThisMachine = 'is on this machine, which functions in AWS cannot reach; write the URL of a server';
const twice = (value: string): string => `"${value}" appears twice; write each value only once`;
const production = { production: true, retention: { auditDays: 2192 } };
const certificateArn = 'arn:aws:acm:us-east-1:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const sandbox =
  'is a sandbox, whose members are made up; write the URL for production (a preset may take environment: "production")';
const forAll = 'is for all members of the partner together, each of whom makes a dozen requests';
const domain = { name: 'gateway.lakeside-plan.net', certificateArn };
const cidr = '10.20.0.0/20';
const ifCommitted =
  'which would be a secret in the configuration; remove it, and have it replaced if this file was ever committed';
const example = (host: string): string => `is the example's (${host} is reserved for examples); write your own`;

/** The expected lines, without the entry's name where all are about one entry, and the changes that each cause it. */
type Rows<T = object> = Readonly<Record<string, T | readonly T[]>>;

const ofStage: Rows = {
  'retention.auditDays: is more than ten years, which no one could shorten later; write at most 3653': {
    retention: { auditDays: 3654 },
  },
  'concurrency: reserves 5000 in total, but Lambda keeps 100 of 1000 executions unreserved; reserve at most 900, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows':
    { concurrency: { fetch: 5000 } },
  'concurrency: reserves 901 in total, but Lambda keeps 100 of 1000 executions unreserved; reserve at most 900, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows':
    { concurrency: { fetch: 300, token: 300, authorize: 301 } },
  'concurrency: reserves 5 in total, but Lambda keeps 100 of 10 executions unreserved; reserve at most 0, or write into accountConcurrency the limit that "aws lambda get-account-settings" shows':
    { accountConcurrency: 10, concurrency: { fetch: 5 } },
  'throttling.perSecond: is too big; write at most 1000000': { throttling: { perSecond: 1e9 } },
  'accountConcurrency: is too small; write at least 1': { accountConcurrency: -1000, concurrency: { fetch: 5 } },
  'account: is not an AWS account id; write its 12 digits in quotes, such as "111122223333"': {
    account: '12345678901',
    domain,
    permissionsBoundaryArn: 'arn:aws:iam::444455556666:policy/boundary',
  },
  'region: is not an AWS region; write a region code, such as "us-east-1"': {
    region: 'us-east-9',
    existing: { alarmTopicArn: 'arn:aws:sns:us-east-1:444455556666:t' },
    alarmAddresses: [],
  },
  'lifetimes.grant: is too short; write at least 1 (seconds)': { lifetimes: { grant: 0 } },
  [`alarmAddresses[1]: ${twice('OnCall@Lakeside-plan.net')}`]: {
    alarmAddresses: ['oncall@lakeside-plan.net', 'OnCall@Lakeside-plan.net'],
  },
  [`ticketAddresses[1]: ${twice('A@lakeside-plan.net')}`]: {
    ticketAddresses: ['a@lakeside-plan.net', 'A@lakeside-plan.net'],
  },
  'throttling.burst: is below perSecond, so that rate could never be reached; write at least 500': {
    throttling: { perSecond: 500, burst: 100 },
  },
  'throttling.burst: is below perSecond, so that rate could never be reached; write at least 201': {
    throttling: { perSecond: 201 },
  },
  [`alarmAddresses[0]: ${example('example.net')}`]: { alarmAddresses: ['oncall@example.net'] },
  "account: is the example's; write your own account's 12 digits": { account: '111122223333' },
  'identityProviders[0].jwksUri: is on this machine, which functions in AWS cannot reach; write the URL of a server': {
    identityProviders: [
      { issuer: 'http://127.0.0.1:3005', jwksUri: 'http://127.0.0.1:3005/jwks', algorithms: ['RS256'] },
    ],
  },
  "identityProviders: have 4095 bytes as JSON, more than fit into a function's variables (2500); put some of them into another stage":
    {
      identityProviders: Array.from({ length: 30 }, (_, index) => ({
        issuer: `https://login.provider${index}.com/oauth2`,
        jwksUri: `https://login.provider${index}.com/oauth2/keys`,
        algorithms: ['RS256'],
      })),
    },
  'lifetimes.accessToken: is 3600, longer than the lifetime of the grant; write at most 600 (seconds), or more for lifetimes.grant':
    {
      lifetimes: { grant: 600 },
    },
  'lifetimes.accessToken: is 3600, longer than the lifetime of the grant; write at most 3599 (seconds), or more for lifetimes.grant':
    {
      lifetimes: { grant: 3599 },
    },
  'lifetimes.refreshGrace: is 60, longer than the lifetime of the grant; write at most 30 (seconds), or more for lifetimes.grant':
    {
      lifetimes: { grant: 30, accessToken: 30 },
    },
  'origin: is on this machine; write a domain, or leave origin out': { origin: 'http://localhost:3000' },
  'stage: is "local", whose secrets are public, so only npm start may serve it; deploy a stage of your own': {
    stage: 'local',
  },
  'runbookUrl: is no file of this repository, so alarms lead nowhere; write its path, such as "docs/alarms.md", or a URL':
    { runbookUrl: 'docs/alarm.md' },
  'network.zones: is a string; write an array': { network: { zones: 'us-east-1a,us-east-1b', cidr } },
  'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)': {
    lifetimes: { code: 600 },
  },
  'production: is missing and has no default; write true if real members will use this stage, otherwise false': {
    production: undefined,
  },
  'waf.requestsPer5Minutes: would block the server of a partner, which sends all its requests from one address; write at least 1000, such as 20000':
    { ...production, waf: { requestsPer5Minutes: 999 } },
  'throttling.perSecond: is for all partners and members together; write at least 10, such as 100': {
    ...production,
    throttling: { perSecond: 9 },
  },
  'lifetimes.accessToken: is over before a partner has read anything; write at least 60 (seconds)': {
    ...production,
    lifetimes: { accessToken: 59 },
  },
  'lifetimes.loginAttempt: is shorter than members take to sign in and agree; write at least 300 (seconds)': {
    ...production,
    lifetimes: { loginAttempt: 30 },
  },
  'lifetimes.code: is over before a slow server has redeemed the code; write at least 10 (seconds)': {
    ...production,
    lifetimes: { code: 9 },
  },
  'lifetimes.grant: is over before a partner has read a record; write at least 3600 (seconds)': {
    ...production,
    lifetimes: { grant: 180, accessToken: 180 },
  },
  'longestConsentAge: is over before a partner has presented the token; write at least 60 (seconds)': {
    ...production,
    longestConsentAge: 10,
  },
  'region: is an availability zone; write its region, "us-east-1"': {
    domain,
    region: 'us-east-1a',
    edge: true,
    network: { zones: ['us-east-1a'], cidr },
  },
  'payers: is empty; write at least one payer': { payers: [] },
  'domain: is missing, but edge needs one; write the domain, or edge: false': { edge: true },
  "domain.certificateArn: is in us-west-2; write the ARN of a certificate in us-east-1, the stage's region": {
    domain: { ...domain, certificateArn: certificateArn.replace('us-east-1', 'us-west-2') },
  },
  "domain.certificateArn: is in account 777788889999; write the ARN of a certificate in 444455556666, the stage's account":
    {
      domain: { ...domain, certificateArn: certificateArn.replace('444455556666', '777788889999') },
    },
  'domain.hostedZone.name: does not contain "gateway.lakeside-plan.net"; write the zone that does, or leave hostedZone out':
    {
      domain: { ...domain, hostedZone: { id: 'Z0ABC', name: 'side-plan.net' } },
    },
  'waf: is neither "none" nor an object; write "none" or an object': { waf: 'off' },
  'edge: is neither true, false nor "both"; write true, false or "both"': { edge: 'true' },
  "network.zones[1]: is in another region; write a zone of us-east-1, the stage's region": {
    region: 'us-east-1',
    network: { zones: ['us-east-1a', 'us-west-2a'], cidr },
  },
  'network.zones[1]: "us-east-1a" appears twice; write each value only once': {
    network: { zones: ['us-east-1a', 'us-east-1a'], cidr },
  },
  'network.zones[0]: is the id of a zone; write its name in your account, such as "us-east-1a"': {
    network: { zones: ['use1-az1'], cidr },
  },
  'network.zones: is there beside availabilityZones; write the zones by name, such as ["us-east-1a", "us-east-1b"], and no number':
    { network: { zones: ['us-east-1a'], availabilityZones: 1, cidr } },
  'network.subnetPrefix: is 21, and 10.20.0.0/20 does not hold 3 such subnets; write 22 or more, or leave it out': {
    network: { availabilityZones: 3, cidr, subnetPrefix: 21 },
  },
  'origin: does not match the domain; write "https://gateway.lakeside-plan.net", or leave it out': {
    domain,
    origin: 'https://lakeside-plan.net',
  },
  'region: is missing, but edge works only in us-east-1; write "us-east-1", or edge: false': {
    edge: true,
    region: undefined,
    domain,
  },
  'region: is "us-west-2", but edge works only in us-east-1; write "us-east-1", or edge: false': {
    edge: true,
    region: 'us-west-2',
    domain: { ...domain, certificateArn: certificateArn.replace('us-east-1', 'us-west-2') },
  },
  'wafOffReason: explains waf: "none", which is not set; remove it, or write waf: "none"': {
    wafOffReason: 'There is one in front.',
  },
  'retention.exportFileDays: keeps a copy of the record longer than needed; write at most 30 (days)': {
    retention: { exportFileDays: 31 },
  },
};

/** A payer whose attachments are below this path. */
const withPath = (path: string) => ({
  patientFrom: 'userinfo',
  userinfoEndpoint: 'https://fhir.lakeside-plan.net/oauth2/userinfo',
  wholeRecord: { attachmentPaths: [path] },
});
const furtherBase = (base: string, type: string) => ({
  everything: false,
  furtherBases: [{ fhirBaseUrl: `https://${base}`, types: [type] }],
});

const ofPayer: Rows = {
  "tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint": [
    { tokenEndpoint: 'https://id.lakeside-plan.net/authorize' },
    { tokenEndpoint: 'https://id.lakeside-plan.net/authorize/' },
  ],
  "revocationEndpoint: is the same as tokenEndpoint; write the payer's own revocationEndpoint": {
    revocationEndpoint: 'https://id.lakeside-plan.net/token',
  },
  "tokenEndpoint: is the same as fhirBaseUrl; write the payer's own tokenEndpoint": {
    tokenEndpoint: 'https://fhir.lakeside-plan.net/r4',
  },
  'clientId: is still "pending-registration"; write the client id that the payer gave you, or remove "lakeside" from every partner\'s payers until then':
    { clientId: 'pending-registration' },
  'clientId: is a placeholder; write the client id that the payer gave you, or "pending-registration" until then':
    words(
      'pending_registration Pending-Registration PENDING YOUR_CLIENT_ID your_client_id my-client-id client_id none None null unknown xxx',
    ).map((clientId) => ({ clientId })),
  [`tokenEndpoint: ${example('id.example.org')}`]: { tokenEndpoint: 'https://id.example.org/token' },
  "clientId: is the example's; write the client id that the payer gave you": { clientId: 'your-client-id-at-lakeside' },
  [`fhirBaseUrl: ${onThisMachine}`]: { fhirBaseUrl: 'http://localhost:3001/r4' },
  [`tokenEndpoint: ${onThisMachine}`]: { tokenEndpoint: 'https://127.0.0.2:3001/token' },
  [`fhirBaseUrl, authorizationEndpoint, tokenEndpoint: ${example('plan.example.org')}`]: {
    fhirBaseUrl: 'https://plan.example.org/r4',
    authorizationEndpoint: 'https://plan.example.org/a',
    tokenEndpoint: 'https://plan.example.org/t',
  },
  "tokenEndpoint: has the host 169.254.169.254, where a machine finds its own credentials; write the payer's own URL": {
    tokenEndpoint: 'https://169.254.169.254/latest/api/token',
  },
  [`tokenEndpoint: has "api_key" in its query, ${ifCommitted} (the gateway sends it by quirks.secretHeaders)`]: {
    tokenEndpoint: 'https://id.lakeside-plan.net/token?api_key=4711',
  },
  [`tokenEndpoint: has "code" in its query, ${ifCommitted} (the gateway sends it by quirks.secretHeaders)`]: {
    tokenEndpoint: 'https://id.lakeside-plan.net/token?code=4711',
  },
  'quirks.secretHeaders[1]: is "X-Api-Key" in another case, the same header; write it only once': {
    quirks: { secretHeaders: ['X-Api-Key', 'x-api-key'] },
  },
  'brand.identifiers.npi[0]: is not an NPI: its check digit does not fit; write the ten digits as NPPES has them': {
    brand: { website: 'https://lakeside-plan.net/', identifiers: { npi: ['1234567890'] } },
  },
  'issuer: is missing though sendsIss is true; write the issuer that the payer sends as iss': { sendsIss: true },
  'quirks.pkce: is false for a public client, whose codes only PKCE protects; write true, or a clientAuthentication with a secret':
    { clientAuthentication: 'none', quirks: { pkce: false } },
  'secretOf: "lakeside" is not another payer of this stage; write one of: riverside': { secretOf: 'lakeside' },
  'secretOf: "seaside" is not another payer of this stage; write one of: riverside': { secretOf: 'seaside' },
  'secretOf: "riverside" has a different tokenEndpoint, so its secret does not fit; write the same, or remove secretOf':
    { secretOf: 'riverside' },
  'userinfoEndpoint: is missing though patientFrom is "userinfo"; write the userinfo URL of the payer': {
    patientFrom: 'userinfo',
  },
  'userinfoEndpoint: is set, but patientFrom is not "userinfo"; remove it, or write patientFrom: "userinfo"': {
    userinfoEndpoint: 'https://id.lakeside-plan.net/userinfo',
  },
  'issuer: is missing though patientFrom is "id_token"; write the iss of the payer\'s id_token': {
    patientFrom: 'id_token',
    jwksUri: 'https://id.lakeside-plan.net/keys',
    scopes: ['openid', 'patient/*.rs'],
  },
  'jwksUri: is set, but patientFrom is not "id_token"; remove it, or write patientFrom: "id_token" (the gateway\'s own keys go into publicKeys)':
    { jwksUri: 'https://id.lakeside-plan.net/keys' },
  'patientMember: is set, but patientFrom is "search", which does not use it; remove it': {
    patientFrom: 'search',
    patientMember: 'patient_id',
  },
  'quirks.aud: is neither a boolean nor a string; write true, false, or the URL that the payer asks for': {
    quirks: { aud: 1 },
  },
  'tokenEndpoint: has port 22, which browsers refuse; write the port of its web server': {
    tokenEndpoint: 'https://id.lakeside-plan.net:22/token',
  },
  'ownScopes: is empty; write the words of its answers, or remove it': { ownScopes: [] },
  'ownScopes[0]: "user.all.read" names resources, so it is read as what it says; remove it': {
    ownScopes: ['user.all.read'],
  },
  'linesOfBusiness: is empty; write the kinds of plans, or remove it': { linesOfBusiness: [] },
  'brand.otherNames: is empty; write other names, or remove it': {
    brand: { website: 'https://lakeside-plan.net', otherNames: [] },
  },
  'brand.identifiers.taxId: is not a known field; check its spelling, or remove it': {
    brand: { website: 'https://lakeside-plan.net', identifiers: { taxId: ['1'] } },
  },
  'wholeRecord.substitute: is set together with searches; write only one of them': {
    wholeRecord: { searches: ['Coverage'], substitute: 'Patient?_revinclude=*' },
  },
  'wholeRecord.searches[1]: "Observations" is not a FHIR R4 resource type; write one, such as Observation': {
    wholeRecord: { searches: ['Coverage', 'Observations'] },
  },
  'wholeRecord.searches[1]: needs patient/Coverage.s, which scopes does not cover; add it to scopes, or remove the search':
    { scopes: ['patient/Patient.rs'], wholeRecord: { searches: ['Patient', 'Coverage'] } },
  'wholeRecord.substitute: needs patient/Organization.r patient/Practitioner.r patient/PractitionerRole.r, which scopes does not cover; add it to scopes, or remove the search':
    {
      scopes: ['patient/ExplanationOfBenefit.rs'],
      wholeRecord: { substitute: 'ExplanationOfBenefit?_include=ExplanationOfBenefit:provider' },
    },
  'wholeRecord.attachmentPaths: is set together with attachments: false, which fetches none; write only one of them': {
    wholeRecord: { attachments: false, attachmentPaths: ['/documents/'] },
  },
  'everything: is true, but with furtherBases $everything would bring only what is at fhirBaseUrl; write false': {
    furtherBases: [{ fhirBaseUrl: 'https://b.lakeside-plan.net/r4', types: ['Goal'] }],
  },
  'wholeRecord.substitute: is one search, which furtherBases does not reach; write searches, or remove it': {
    everything: false,
    wholeRecord: { substitute: 'Patient?_revinclude=Goal:patient' },
    furtherBases: [{ fhirBaseUrl: 'https://b.lakeside-plan.net/r4', types: ['Goal'] }],
  },
  'wholeRecord.searches[0]: "patient" can name a patient, and the gateway adds the patient itself; remove it, or write {patient} as its value':
    { wholeRecord: { searches: ['Observation?patient=7'] } },
  'wholeRecord.searches[0]: "kategory" is not a parameter of Observation here; write one of R4 or the guides, or add it to searchParameters':
    { wholeRecord: { searches: ['Observation?kategory=laboratory'] } },
  'patientNoneReason: explains patientFrom: "none", which is not set; remove it, or write patientFrom: "none"': {
    patientNoneReason: 'x',
  },
  'quirks.pkceOffReason: explains pkce: false, which is not set; remove it, or write pkce: false': {
    quirks: { pkceOffReason: 'x' },
  },
  'identitySignIn.noMatch[0].members.error: is neither a string, a number, true nor false; write a string, a number, true or false':
    { identitySignIn: { ...identitySignIn, noMatch: [{ status: 400, members: { error: {} } }] } },
  [`quirks.aud: has "api-key" in its query, ${ifCommitted}`]: {
    quirks: { aud: 'https://fhir.lakeside-plan.net/r4?api-key=1' },
  },
  'quirks.aud: contains a user name or password; remove it, and change the password if this file was ever committed: Git still has it':
    { quirks: { aud: 'https://a:b@fhir.lakeside-plan.net/r4' } },
  'fhirBaseUrl: is in a private network, which functions in AWS cannot reach without existing.vpc; write a public URL, or that VPC':
    words('10.1.2.3 192.168.7.7 [fd00::7] fhir.lakeside.internal fhir.lakeside.local fhir').map((host) => ({
      fhirBaseUrl: `https://${host}/r4`,
    })),
  'wholeRecord.exhaustive[0]: is not searched with parameters that limit it; write a type whose every search in searches has some, or remove it':
    ['Observation', 'Goal', 'Vitals'].map((type) => ({
      wholeRecord: { searches: ['Goal', 'Goal?lifecycle-status=active'], exhaustive: [type] },
    })),
  'wholeRecord.attachmentPaths[0]: covers fhirBaseUrl, or is below it; write a path that has documents only': [
    '/R4/documents/',
    '/r4',
  ].map(withPath),
  'wholeRecord.attachmentPaths[0]: covers userinfoEndpoint, or is below it; write a path that has documents only':
    withPath('/oauth2/'),
  'wholeRecord.attachmentPaths[0]: is not a plain path; write one such as "/documents/", without escapes, dots at a segment’s start, a query or a host':
    words('/ documents/ /a/../b/ /.a /a%2fb /a;b /a//b /a?b https://a.example/').map(withPath),
  'furtherBases[0].fhirBaseUrl: is the same as another base of this payer, or lies above or below one; write the base of its own':
    [furtherBase('fhir.lakeside-plan.net/r4', 'Goal'), furtherBase('fhir.lakeside-plan.net/r4/b', 'Goal')],
  'furtherBases[0].types[0]: is Patient, which is read at the fhirBaseUrl of the payer; remove it': furtherBase(
    'b.lakeside-plan.net/r4',
    'Patient',
  ),
  'furtherBases[0].types[0]: "Goals" is not a FHIR R4 resource type; write one, such as Observation': furtherBase(
    'b.lakeside-plan.net/r4',
    'Goals',
  ),
  'wholeRecord.searches: is empty; write searches, or remove it': { wholeRecord: { searches: [] } },
};

/** A payer with another name. */
const called = (name: string) => ({ brand: { website: 'https://lakeside-plan.net/', otherNames: [name] } });

/** Names that members cannot tell from Lakeside. */
const alike = ['LakeSide ', 'Lákesidë', 'lakes1de', 'LAKESlDE', 'Lake-Side', 'Lakeside™'];

const ofKeyPayer: Rows = {
  'displayName: reads like the name of payer "lakeside"; write this payer\'s own': alike.map((displayName) => ({
    displayName,
  })),
  'fhirBaseUrl: is also the base URL of payer "lakeside"; write this payer\'s own': {
    fhirBaseUrl: 'https://fhir.lakeside-plan.net/r4',
  },
  'fhirBaseUrlAliases[0]: is also the base URL of payer "lakeside"; write this payer\'s own': [
    { fhirBaseUrlAliases: ['http://FHIR.lakeside-plan.net/r4'] },
    { fhirBaseUrlAliases: ['https://fhir.lakeside-plan.net:443/r4'] },
  ],
  'publicKeys: is set, but clientAuthentication is "none"; remove the keys, or write "private_key_jwt"': {
    clientAuthentication: 'none',
  },
  'publicKeys: is empty, but private_key_jwt needs a key; write the public JWK with its kid': { publicKeys: [] },
  'jwksUri: is missing though patientFrom is "id_token"; write the URL of the keys that sign it (jwks_uri)': {
    patientFrom: 'id_token',
    scopes: ['openid', 'patient/*.rs'],
  },
  'scopes: has no "openid", without which the payer would send no id_token; add it': {
    patientFrom: 'id_token',
    jwksUri: 'https://id.riverside-plan.net/keys',
  },
  'scopes: does not cover the search of Patient that patientFrom: "search" makes at each sign-in; add patient/Patient.rs':
    { patientFrom: 'search', scopes: ['patient/Coverage.rs'] },
};

const ofPartner: Rows = {
  'rate.burst: is below perSecond, so that rate could never be reached; write at least 50': {
    rate: { perSecond: 50, burst: 5 },
  },
  'rate.burst: is below perSecond, so that rate could never be reached; write at least 2': {
    rate: { perSecond: 1.5, burst: 1 },
  },
  [`homePage: ${example('www.example.com')}`]: { homePage: 'https://www.example.com/' },
  "secretHashes[0]: is the hash of the demo's secret, which is public; write the hash of the partner's own secret": {
    secretHashes: [hashOf('demo-partner-secret')],
  },
  "jwks[0]: is the demo's, whose private key is public; write your own": {
    clientAuthentication: ['private_key_jwt'],
    secretHashes: [],
    jwks: [publishedPublicKey],
  },
  [`webhook: ${onThisMachine}`]: { webhook: 'https://127.0.0.1/events' },
  [`webhook: has "token" in its query, ${ifCommitted} (each event is signed: the server checks its signature)`]: {
    webhook: 'https://members.lakeside-plan.net/events?token=4711',
  },
  [`homePage: has "token" in its query, ${ifCommitted}`]: { homePage: 'https://members.lakeside-plan.net/?token=4711' },
  'redirectUris: is empty; write at least one redirect URI': { redirectUris: [] },
  'clientAuthentication: has "none" together with other methods; write ["none"], or remove "none"': {
    clientAuthentication: ['none', 'client_secret_basic'],
  },
  'secretHashes: is empty, but the partner authenticates with a secret; write the SHA-256 of the secret, in base64url':
    { secretHashes: [] },
  'secretHashes: has more than two hashes; write the current one and, during a rotation, the next': {
    secretHashes: ['a', 'b', 'c'].map(hashOf),
  },
  'scopes: has no scope that reads anything; add one, such as "patient/*.rs"': { scopes: ['offline_access'] },
  "name: contains a token or code of the gateway; remove it, and if this file was ever committed, have the secret replaced: Git still has it (put a payer's secret into Secrets Manager, and only the hash of a partner's into secretHashes)":
    { name: `p2pr_${'a'.repeat(40)}` },
  'pkceOptionalReason: explains pkceOptional: true, which is not set; remove it, or write pkceOptional: true': {
    pkceOptionalReason: 'Its library is older than PKCE.',
  },
  "jwks: is empty, but private_key_jwt needs a key; write the partner's public JWKs, each with its kid": {
    clientAuthentication: ['private_key_jwt'],
    secretHashes: [],
  },
  'jwks: is set, but clientAuthentication lacks "private_key_jwt"; add that method, or remove the keys': {
    jwks: [keyOf('portal-1')],
  },
  'jwks[0].iat: is not JSON; write the key as its JWK has it': {
    clientAuthentication: ['private_key_jwt'],
    secretHashes: [],
    jwks: [{ ...keyOf('portal-1'), iat: 1n }],
  },
};

const ofApp: Rows = {
  'secretHashes[0]: is also the secret of partner "portal"; give each partner its own': {
    clientAuthentication: ['client_secret_post'],
    secretHashes: [hashOf('a')],
  },
  'secretHashes[1]: is also the secret of partner "portal"; give each partner its own': {
    clientAuthentication: ['client_secret_post'],
    secretHashes: [hashOf('b'), hashOf('a')],
  },
  'consent: is "partner" for a public client, which any app can impersonate; write "gateway", or, for an app of your own, say in consentReason why it asks its members itself':
    { consent: 'partner' },
  'consentReason: is only for consent: "partner" of a public client, or beside identityAudiences; remove it': {
    consentReason: 'Ours.',
  },
  'name: reads like the name of payer "lakeside"; write another, or the payer\'s letter for letter if this is its own app':
    { name: 'LakeSide' },
  'secretHashes: is set, but clientAuthentication has no method that uses a secret; remove it': {
    secretHashes: [hashOf('c')],
  },
  'pkceOptional: is true for a public client, which must use PKCE; write false': { pkceOptional: true },
  'clientAuthentication: is empty; write ["none"], or the methods by which the partner authenticates': {
    clientAuthentication: [],
  },
  'scopes: is empty; write the scopes that the partner may request': { scopes: [] },
  'payers: is empty; write the ids of the payers that this partner may read from': { payers: [] },
};

/** Mistakes in several entries, or whose line is about another entry than they are in. */
const ofSeveral: Rows<Changes> = {
  // The rate of the other partner is the usual one, whose burst is above 85 too.
  [`${portal}.rate.perSecond: is above throttling.perSecond, which limits all partners together and wins; write at most 60, or raise throttling.perSecond`]:
    {
      stage: { ...production, throttling: { perSecond: 60, burst: 85 } },
      partner: { rate: { perSecond: 61, burst: 85 } },
    },
  [`${portal}.rate.burst: is above throttling.burst, which limits all partners together and wins; write at most 85, or raise throttling.burst`]:
    {
      stage: { ...production, throttling: { perSecond: 60, burst: 85 } },
      partner: { rate: { perSecond: 60, burst: 86 } },
    },
  [`${lakeside}: is in no partner's payers, so no one can read from it; add "lakeside" to a partner's payers, or remove the entry`]:
    { partner: { payers: ['riverside'] } },
  [`${lakeside}.clientId: is still "pending-registration"; write the client id that the payer gave you, or remove "lakeside" from every partner's payers until then (partners without redirectUris may keep it)`]:
    { stage: { exchanges: {} }, payer: { clientId: 'pending-registration', exchange } },
  [`${lakeside}.exchange.typeFilter: is not known; write true, or leave the field out`]: {
    stage: { exchanges: {} },
    payer: { exchange: { ...exchange, typeFilter: false } },
  },
  [`${lakeside}.exchange.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`]: {
    stage: { exchanges: {} },
    payer: { exchange: { ...exchange, tokenEndpoint: 'https://id.lakeside-plan.net/authorize' } },
  },
  [`${riverside}.identitySignIn.tokenEndpoint: is the same as authorizationEndpoint; write the payer's own tokenEndpoint`]:
    {
      stage: {
        identityProviders: [
          { issuer: identitySignIn.issuers[0], jwksUri: 'https://csp.lakeside-plan.net/keys', algorithms: ['RS256'] },
        ],
      },
      keyPayer: { identitySignIn: { ...identitySignIn, tokenEndpoint: 'https://id.riverside-plan.net/authorize' } },
    },
  [`${riverside}.fhirBaseUrl: is also the base URL of payer "lakeside"; write this payer's own`]: {
    payer: furtherBase('fhir.riverside-plan.net/r4', 'Goal'),
  },
  [`${portal}.payers[0]: "lakeside" is not a payer of this stage; write one of: lakeside-health, riverside`]: {
    payer: { id: 'lakeside-health' },
  },
  'partners[0] (unknown).clientId: is reserved for records that the audit cannot read; write another id': {
    partner: { clientId: 'unknown' },
  },
  [`${lakeside}.tokenEndpiont: is not a known field; write "tokenEndpoint", or remove it`]: {
    payer: { tokenEndpiont: 'https://id.lakeside-plan.net/token', tokenEndpoint: undefined },
  },
  [`${lakeside}.fhirBaseUrl: is this gateway itself; write the payer's own URL`]: {
    stage: { domain: undefined, origin: 'https://gateway.lakeside-plan.net' },
    payer: { fhirBaseUrl: 'https://gateway.lakeside-plan.net/r4/riverside' },
  },
  [`${portal}.webhook: is this gateway itself; write the partner's own URL`]: {
    stage: { domain },
    partner: { webhook: 'https://gateway.lakeside-plan.net/oauth2/token' },
  },
  [`${portal}.redirectUris[0]: is this gateway itself; write the partner's own URL`]: {
    stage: { domain },
    partner: { redirectUris: ['https://gateway.lakeside-plan.net/oauth2/token'] },
  },
  [`${lakeside}.quirks.timeToFirstByte: is longer than edge allows; write at most 90 (seconds), or edge: false`]: {
    stage: { edge: true, domain },
    payer: { quirks: { timeToFirstByte: 120 } },
  },
  [`${lakeside}.quirks.timeToFirstByte: is less than a payer takes when it is busy; write at least 10 (seconds), or leave it out for 60`]:
    { stage: production, payer: { quirks: { timeToFirstByte: 9 } } },
  [`${lakeside}.fhirBaseUrl: ${sandbox}`]: {
    stage: production,
    payer: { fhirBaseUrl: 'https://fhir-sandbox.lakeside-plan.net/r4' },
  },
  [`${lakeside}.authorizationEndpoint: is in a private network, which browsers elsewhere cannot reach; write a public URL`]:
    { stage: production, payer: { authorizationEndpoint: 'https://id.lakeside.internal/authorize' } },
  [`${portal}.rate.burst: ${forAll}; write at least 10`]: {
    stage: production,
    partner: { rate: { perSecond: 1, burst: 9 } },
  },
  [`${portal}.rate.perSecond: ${forAll}; write at least 1`]: {
    stage: production,
    partner: { rate: { perSecond: 0.9, burst: 10 } },
  },
  [`${notebook}.name: reads like the name of partner "portal"; give each app its own, and all clients of one app one name and one homePage`]:
    alike.map((name) => ({ partner: { name: 'My Lakeside' }, app: { name: `My ${name}` } })),
  [`${riverside}.displayName: reads like the name of payer "lakeside"; write this payer's own`]: [
    { payer: { displayName: 'Modern Health' }, keyPayer: { displayName: 'Modem Health' } },
    { payer: { displayName: 'Vvell Care' }, keyPayer: { displayName: 'Well Care' } },
    { payer: { displayName: 'Plan 10' }, keyPayer: { displayName: 'Plan lO' } },
    // Members search other names too.
    { payer: called('Riverside'), keyPayer: { displayName: 'Rivers1de' } },
  ],
  [`${riverside}.brand.otherNames[0]: reads like the name of payer "lakeside"; write this payer's own`]: [
    { keyPayer: called('Lakes1de') },
    { payer: called('Former Plan'), keyPayer: called('Forrner plan') },
  ],
  [`${portal}.name: reads like the name of payer "lakeside"; write another, or the payer's letter for letter if this is its own app`]:
    { payer: called('Former Plan'), partner: { name: 'Former-Plan' } },
};

/** Another payer at Lakeside, with the secret of one. */
const brand = (draft: Draft, id: string, secretOf: string) => ({
  ...draft.payers[0],
  id,
  displayName: id,
  fhirBaseUrl: `https://fhir.lakeside-plan.net/${id}`,
  secretOf,
});

/** Mistakes for which an entry is added, removed or shared. */
const byHand: readonly Mistake[] = [
  [
    `${notebook}.jwks[0]: is also the key of partner "portal"; give each partner its own`,
    (draft) => {
      const byKey = { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: [keyOf('shared')] };
      set({ partner: byKey, app: byKey })(draft);
    },
  ],
  [
    `${lakeside}: is in no partner's payers, so no one can read from it; add "lakeside" to a partner's payers, or remove the entry`,
    (draft) => {
      draft.partners.pop();
      set({ partner: { payers: ['riverside'] } })(draft);
    },
  ],
  [
    'payer: is not a known field; write "payers", or remove it',
    ({ payers, ...draft }) => ({ ...draft, payer: payers }),
  ],
  [`payers[2] (lakeside).id: ${twice('lakeside')}`, (draft) => void draft.payers.push({ ...draft.payers[0] })],
  [
    `payers[2] (east).secretOf: is set, but clientAuthentication is "none", which needs no secret without quirks.secretHeaders; remove one of them`,
    (draft) => {
      set({ payer: { clientAuthentication: 'none' }, partner: { payers: ['lakeside', 'riverside', 'east'] } })(draft);
      draft.payers.push(brand(draft, 'east', 'lakeside'));
    },
  ],
  [
    'payers[3] (west).secretOf: "east" has no secret of its own; write "lakeside"',
    (draft) => {
      set({ partner: { payers: ['lakeside', 'riverside', 'east', 'west'] } })(draft);
      draft.payers.push(brand(draft, 'east', 'lakeside'), brand(draft, 'west', 'east'));
    },
  ],
];

const rowsOf = <T extends object>(rows: Rows<T>, makeOf: (changes: T) => Changes, name = ''): readonly Mistake[] =>
  Object.entries(rows).flatMap(([line, changes]) =>
    [changes].flat().map((one): Mistake => [`${name}${line}`, set(makeOf(one as T))]),
  );

export const mistakes: readonly Mistake[] = [
  ...rowsOf(ofStage, (stage) => ({ stage })),
  ...rowsOf(ofPayer, (payer) => ({ payer }), `${lakeside}.`),
  ...rowsOf(ofKeyPayer, (keyPayer) => ({ keyPayer }), `${riverside}.`),
  ...rowsOf(ofPartner, (partner) => ({ partner }), `${portal}.`),
  ...rowsOf(ofApp, (app) => ({ app }), `${notebook}.`),
  ...rowsOf(ofSeveral, (changes) => changes),
  ...byHand,
];
