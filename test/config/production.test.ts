import { generateKeyPairSync } from 'node:crypto';
import { checkStage } from '../../config/checks/check-stage.ts';
import demo from '../../config/demo.ts';
import { examplePublicKey, publishedPlanKey, publishedPublicKey } from '../../config/examples.ts';
import local from '../../config/local.ts';
import { blueButton, blueButtonV3, clear, idMe, idMeSandbox } from '../../config/product-presets.ts';
import example from '../../config/production-example.ts';
import type { StageConfig } from '../../config/stage.ts';
import { words } from '../support/words.ts';
import { changed, problems, publicApp, stage, type Values } from './stages.ts';

const operator = {
  name: 'Lakeside',
  privacyPolicy: 'https://lakeside-plan.net/privacy',
  support: 'mailto:help@lakeside-plan.net',
};

/** A production stage in which no value of an example is left. */
const production = (changes: { payer?: object; partner?: object; stage?: object } = {}) =>
  stage({
    payer: {
      fhirBaseUrl: 'https://fhir.northwind-health.net/r4',
      authorizationEndpoint: 'https://id.northwind-health.net/authorize',
      tokenEndpoint: 'https://id.northwind-health.net/token',
      ...changes.payer,
    },
    partner: {
      homePage: 'https://members.lakeside-plan.net/',
      redirectUris: ['https://members.lakeside-plan.net/callback'],
      ...changes.partner,
    },
    stage: {
      production: true,
      account: '444455556666',
      region: 'us-west-2',
      operator,
      alarmAddresses: ['oncall@lakeside-plan.net'],
      retention: { auditDays: 2192 },
      ...changes.stage,
    },
  });

const refusesHttp = 'uses plain http, which production refuses; write https://';
const loopback = 'http://127.0.0.1:8080';

const publicClient = { 'partners[0].clientAuthentication': ['none'], 'partners[0].secretHashes': [] };

/** Plain http, by field. */
const insecure: [field: string, url: unknown, beside?: Values][] = [
  ['origin', 'http://localhost:3000'],
  ['operator.website', 'http://localhost:8080/'],
  ['operator.privacyPolicy', `${loopback}/`],
  ['operator.support', `${loopback}/`],
  ['payers[0].fhirBaseUrl', `${loopback}/r4`],
  ['payers[0].authorizationEndpoint', `${loopback}/a`],
  ['payers[0].tokenEndpoint', `${loopback}/t`],
  ['payers[0].revocationEndpoint', `${loopback}/r`],
  ['payers[0].issuer', loopback],
  ['payers[0].smartConfigurationUrl', `${loopback}/`],
  ['payers[0].userinfoEndpoint', `${loopback}/`, { 'payers[0].patientFrom': 'userinfo' }],
  [
    'payers[0].jwksUri',
    `${loopback}/`,
    {
      'payers[0].patientFrom': 'id_token',
      'payers[0].issuer': 'https://id.northwind-health.net',
      'payers[0].scopes': ['openid'],
    },
  ],
  ['payers[0].quirks.signInOrigins[0]', loopback],
  ['payers[0].brand.website', `${loopback}/`],
  ['payers[0].brand.logo', `${loopback}/`, { 'payers[0].brand.website': 'https://northwind-health.net/' }],
  ['partners[0].homePage', `${loopback}/`],
  ['partners[0].homePage', `${loopback}/`, publicClient],
  ['partners[0].privacyPolicy', `${loopback}/privacy`],
  ['partners[0].redirectUris[1]', `${loopback}/callback`],
  ['partners[0].webhook', `${loopback}/events`],
  ['partners[0].webOrigins[0]', loopback],
];

/** What production refuses, and the rest of the line. */
const weakened: [field: string, value: unknown, message: string, beside?: Values][] = [
  [
    'network.zones',
    undefined,
    "is missing; AWS may list other zones first one day, and an update would replace subnets: write the zones by name (those of the stage's subnets, in their order), in place of availabilityZones",
    { network: { availabilityZones: 2, cidr: '10.20.0.0/20' } },
  ],
  ...insecure.map(([field, url, beside]): [string, unknown, string, Values?] => [field, url, refusesHttp, beside]),
  ...['/callback', ':9000/callback', '', '/?to=http://127.0.0.1/'].map((rest): [string, unknown, string, Values] => [
    'partners[0].redirectUris[0]',
    `http://localhost${rest}`,
    'uses plain http on localhost; write 127.0.0.1 instead (RFC 8252 §8.3), or https://',
    publicClient,
  ]),
  [
    'partners[0].pkceOptional',
    true,
    'is true without a reason; write false, or say in pkceOptionalReason why this partner cannot use PKCE',
  ],
  [
    'payers[0].quirks.pkce',
    false,
    'is false without a reason; write true, or say in pkceOffReason why the gateway does not use PKCE there',
  ],
  [
    'payers[0].patientFrom',
    'none',
    'is "none" without a reason; write "token" or "search", or say in patientNoneReason why its grants are not bound to a patient',
  ],
  [
    'operator',
    undefined,
    'is missing, so members could not tell whose pages they see; write the name, privacyPolicy and support of who runs the gateway',
  ],
  [
    'operator.privacyPolicy',
    undefined,
    'is missing, so members could not read what happens to their data; write the URL of the privacy policy',
  ],
  [
    'operator.support',
    undefined,
    'is missing, so members could get no help; write a URL, or "mailto:" and an e-mail address',
  ],
  ['retention.auditDays', 2191, 'is under six years (45 CFR 164.316(b)(2)); write at least 2192'],
  ['retention.logDays', 60, 'is too short to trace an incident that is found late; write at least 90'],
  [
    'removalPolicy',
    'destroy',
    'is "destroy", which would delete grants and the audit together with the stack; write "retain"',
  ],
  ['alarmAddresses', [], 'is empty, so no one would receive an alarm; write at least one e-mail address'],
  ['account', undefined, 'is missing, but production must name its AWS account; write the 12 digits of the account id'],
  ['region', undefined, 'is missing, but production must name its region; write one, such as "us-east-1"'],
  [
    'waf',
    'none',
    'is "none" without a reason; write { requestsPer5Minutes: 20000 }, or say in wafOffReason why there is no web ACL',
  ],
  [
    'indexPage',
    { testMembers: [] },
    'is set, which would show every visitor the clients, and members to test with; remove it',
  ],
];

/** The lines about sandboxes, for Medicare as the presets have it. */
const sandboxes = (inputs: { environment?: 'production' }): string[] => {
  const identity = inputs.environment === 'production' ? idMe : idMeSandbox;
  const registered = { id: 'medicare', displayName: 'Medicare', clientId: 'gateway', ...inputs };
  const payers = [blueButton(registered), blueButtonV3({ ...registered, publicKeys: [] })];
  return payers
    .flatMap((payer) => problems(production({ payer, stage: { identityProviders: [clear, identity] } })))
    .filter((line) => line.includes('is a sandbox, whose members are made up'))
    .map((line) => line.slice(0, line.indexOf(':')));
};

describe('production', () => {
  it('takes no sandbox of a payer or of an identity provider', () => {
    const urls = 'payers[0].fhirBaseUrl, authorizationEndpoint, tokenEndpoint, revocationEndpoint';
    const identity = 'identityProviders[1].issuer, jwksUri';
    expect(sandboxes({})).toEqual([identity, `${urls}, issuer`, identity, `${urls}, identitySignIn.issuers[1]`]);
    expect(sandboxes({ environment: 'production' })).toEqual([]);
  });

  it('accepts a stage in which nothing is weakened', () => {
    expect(problems(production())).toEqual([]);
  });

  it.each(weakened)('refuses in %s: %j', (field, value, message, beside = {}) => {
    expect(problems(changed({ ...beside, [field]: value }, production()))).toEqual([`${field}: ${message}`]);
  });

  it('reports everything at once, one line for each field', () => {
    const value = production({
      payer: { quirks: { pkce: false } },
      stage: { edge: true, region: undefined, removalPolicy: 'destroy' },
    });
    expect(problems(value).map((line) => line.slice(0, line.indexOf(':')))).toEqual(
      words('region domain removalPolicy payers[0].quirks.pkce'),
    );
  });

  it.each<[string, Parameters<typeof production>[0]]>([
    ['a partner without PKCE', { partner: { pkceOptional: true, pkceOptionalReason: 'Ends in March with its 2.0.' } }],
    ['a payer without PKCE', { payer: { quirks: { pkce: false, pkceOffReason: 'It refuses the parameter.' } } }],
    ['grants without a patient', { payer: { patientFrom: 'none', patientNoneReason: 'Guardians read for several.' } }],
    ['no web ACL', { stage: { waf: 'none', wafOffReason: 'One of the network team stands in front.' } }],
  ])('accepts %s with a reason', (_title, changes) => {
    expect(problems(production(changes))).toEqual([]);
  });

  it.each(
    words(`
    http://127.0.0.1/callback http://127.0.0.1:9000/callback http://[::1]/callback http://127.0.0.1
    net.notebook.app:/x https://members.lakeside-plan.net/callback?to=http://localhost/
  `),
  )("accepts a native app's redirect URI %s (RFC 8252 §7)", (uri) => {
    expect(problems(production({ partner: { ...publicApp, redirectUris: [uri] } }))).toEqual([]);
  });

  it('accepts keys and a domain of its own, with and without a hosted zone', () => {
    const keys = () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      return [{ ...publicKey.export({ format: 'jwk' }), kid: 'own' }];
    };
    const payer = { clientAuthentication: 'private_key_jwt', publicKeys: keys() };
    const partner = { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: keys() };
    const domain = {
      name: 'p2p.lakeside-plan.net',
      certificateArn: 'arn:aws:acm:us-west-2:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    };
    const hostedZone = { id: 'Z0ABC', name: 'lakeside-plan.net' };

    expect(problems(production({ payer, partner, stage: { domain } }))).toEqual([]);
    expect(problems(production({ payer, partner, stage: { domain: { ...domain, hostedZone } } }))).toEqual([]);
  });

  it('accepts http in an alias and in aud, which are compared and never called', () => {
    const http = 'http://internal:8080/fhir';

    expect(problems(production({ payer: { fhirBaseUrlAliases: [http], quirks: { aud: http } } }))).toEqual([]);
  });

  it('refuses what other stages accept', () => {
    for (const [field, value, , beside = {}] of weakened) {
      const other = { ...beside, [field]: value, production: false, stage: 'local' };
      expect([field, problems(changed(other, production()))]).toEqual([field, []]);
    }
  });

  it('refuses a code that lives as long as it may in stage local, whatever its name', () => {
    expect(problems(production({ stage: { stage: 'local', lifetimes: { code: 300 } } }))).toEqual([
      'lifetimes.code: is longer than allowed; write at most 60 (seconds; up to 300 in stage local only)',
    ]);
  });
});

describe('an example in production', () => {
  /** What must still be replaced after the example was copied under another name. */
  const left = (changes: object = {}): string[] => problems({ ...example, stage: 'mine', ...changes });

  it('is refused under another name, with a line for each value', () => {
    const lines = left();
    expect(lines).toEqual(
      expect.arrayContaining([
        "account: is the example's; write your own account's 12 digits",
        "domain.name: is the example's (gateway.plan.example.org is reserved for examples); write your own",
        "domain.hostedZone.id: is the example's; write the id of your own zone",
        "operator.website: is the example's (www.plan.example.org is reserved for examples); write your own",
        "operator.privacyPolicy: is the example's (www.plan.example.org is reserved for examples); write your own",
        "operator.support: is the example's (www.plan.example.org is reserved for examples); write your own",
        "alarmAddresses[0]: is the example's (plan.example.org is reserved for examples); write your own",
        "runbookUrl: is the example's (runbooks.plan.example.org is reserved for examples); write your own",
        "errorsUrl: is the example's (developers.plan.example.org is reserved for examples); write your own",
        "payers[0].authorizationEndpoint, tokenEndpoint: is the example's (auth.lakeside.example.org is reserved for examples); write your own",
        "payers[0].clientId: is the example's; write the client id that the payer gave you",
        "payers[1].brand.website: is the example's (northwind.example.org is reserved for examples); write your own",
        "payers[1].publicKeys[0], exchange.publicKeys[0]: is the example's, and no one has its private key; write your own",
        "payers[1].exchange.clientId: is the example's; write the client id that the payer gave you for exchanges",
        "payers[1].exchange.identifiers[0]: is the example's; write the plan's own",
        "partners[1].jwks[0]: is the example's, and no one has its private key; write your own",
        "partners[1].exchange.identifiers[0]: is the example's; write the plan's own",
        "partners[0].jwks[0]: is the example's, and no one has its private key; write your own",
        "partners[0].secretHashes[0]: is the example's, and no one has its secret; write the hash of the partner's own secret",
        "partners[2].homePage, privacyPolicy, redirectUris[0], webOrigins[0]: is the example's (notebook.example.com is reserved for examples); write your own",
      ]),
    );
    expect(left({ production: false })).toEqual([]);
  });

  it('is refused also under the name of the demo, if it is production', () => {
    expect(left({ stage: 'demo' })).toEqual(left());
    expect(left({ stage: 'demo', production: false })).toEqual([]);
  });

  it('has a value to replace in every payer, in every partner and in the fields of the deployment', () => {
    const places = new Set(left().map((line) => /^[a-zA-Z]+(\[\d\])?/.exec(line)?.[0]));
    expect(places).toEqual(
      new Set(
        words(`
        account domain operator alarmAddresses[0] ticketAddresses[0] runbookUrl errorsUrl identityProviders[0]
        payers[0] payers[1] partners[0] partners[1] partners[2]
      `),
      ),
    );
  });

  it.each([
    ["is the example's, and no one has its private key; write your own", examplePublicKey],
    ["is the demo's, whose private key is public; write your own", publishedPublicKey],
    ["is the demo's, whose private key is public; write your own", publishedPlanKey],
  ])('may not keep a key in a partner that %s', (problem, key) => {
    const partner = { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: [key] };
    expect(problems(production({ partner }))).toEqual([`partners[0].jwks[0]: ${problem}`]);
  });

  it("may not keep the local stage's key", () => {
    const keys = { clientAuthentication: 'private_key_jwt', publicKeys: local.payers[1]?.publicKeys };
    expect(problems(production({ payer: keys }))).toEqual([
      "payers[0].publicKeys[0]: is the example's, and no one has its private key; write your own",
    ]);
  });
});

describe('consent of a public client in production', () => {
  const app = { clientAuthentication: ['none'], secretHashes: [], consent: 'partner' };

  it('is asked for by the gateway, unless a reason is given', () => {
    expect(problems(production({ partner: app }))).toEqual([
      expect.stringMatching(
        /^partners\[0\]\.consent: is "partner" for a public client, which any app can impersonate; write /,
      ),
    ]);
    expect(problems(production({ partner: { ...app, consentReason: "The plan's own app." } }))).toEqual([]);
  });
});

describe('the stages of this folder', () => {
  it.each<[string, StageConfig]>([
    ['local', local],
    ['demo', demo],
    ['production-example', example],
  ])('%s is unchanged by a second check, also after a trip through JSON', (name, config) => {
    expect(config.stage).toBe(name);
    expect(checkStage(config, 'stage.json')).toEqual(config);
    expect(checkStage(JSON.parse(JSON.stringify(config)), 'stage.json')).toEqual(config);
  });

  it('local uses no AWS service that the local stack lacks', () => {
    expect(local).toMatchObject({
      production: false,
      network: 'none',
      waf: 'none',
      edge: false,
      removalPolicy: 'destroy',
      apiGatewayLogRole: false,
    });
  });

  it('demo is small and leaves nothing behind', () => {
    const waf = { requestsPer5Minutes: 20_000 };
    expect(demo).toMatchObject({ production: false, network: 'none', waf, edge: false, removalPolicy: 'destroy' });
  });

  it('production-example is production, and its origin is its domain', () => {
    expect(example).toMatchObject({
      production: true,
      origin: 'https://gateway.plan.example.org',
      edge: true,
      region: 'us-east-1',
      network: { zones: ['us-east-1a', 'us-east-1b'] },
      removalPolicy: 'retain',
    });
  });
});
