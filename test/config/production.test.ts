import { generateKeyPairSync } from 'node:crypto';
import { checkStage } from '../../config/check.ts';
import demo from '../../config/demo.ts';
import { examplePublicKey } from '../../config/examples.ts';
import local from '../../config/local.ts';
import example from '../../config/production-example.ts';
import type { StageConfig } from '../../config/stage.ts';
import { words } from '../support/words.ts';
import { problems, publicApp, stage } from './stages.ts';

const operator = {
  name: 'Lakeside',
  privacyPolicy: 'https://lakeside-plan.net/privacy',
  support: 'mailto:help@lakeside-plan.net',
};
const { privacyPolicy: _, ...withoutPolicy } = operator;
const { support: __, ...withoutSupport } = operator;

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

/** What is refused, how it is made, and the exact line. */
const weakened: [string, Parameters<typeof production>[0], string][] = [
  [
    'zones by number',
    { stage: { network: { availabilityZones: 2, cidr: '10.20.0.0/20' } } },
    "network.zones: is missing; AWS may list other zones first one day, and an update would replace subnets: write the zones by name (those of the stage's subnets, in their order), in place of availabilityZones",
  ],
  ['an http origin', { stage: { origin: 'http://localhost:3000' } }, `origin: ${refusesHttp}`],
  ['an http FHIR base', { payer: { fhirBaseUrl: `${loopback}/r4` } }, `payers[0].fhirBaseUrl: ${refusesHttp}`],
  [
    'an http authorize endpoint',
    { payer: { authorizationEndpoint: `${loopback}/a` } },
    `payers[0].authorizationEndpoint: ${refusesHttp}`,
  ],
  ['an http token endpoint', { payer: { tokenEndpoint: `${loopback}/t` } }, `payers[0].tokenEndpoint: ${refusesHttp}`],
  [
    'an http revocation endpoint',
    { payer: { revocationEndpoint: `${loopback}/r` } },
    `payers[0].revocationEndpoint: ${refusesHttp}`,
  ],
  ['an http issuer', { payer: { issuer: loopback } }, `payers[0].issuer: ${refusesHttp}`],
  [
    'an http sign-in origin',
    { payer: { quirks: { signInOrigins: [loopback] } } },
    `payers[0].quirks.signInOrigins[0]: ${refusesHttp}`,
  ],
  ['an http home page', { partner: { homePage: `${loopback}/` } }, `partners[0].homePage: ${refusesHttp}`],
  [
    "a confidential partner's http redirect URI",
    { partner: { redirectUris: ['https://members.lakeside-plan.net/callback', `${loopback}/callback`] } },
    `partners[0].redirectUris[1]: ${refusesHttp}`,
  ],
  ...['/callback', ':9000/callback', '', '/?to=http://127.0.0.1/'].map((rest): (typeof weakened)[number] => [
    `a native app's redirect URI http://localhost${rest}`,
    { partner: { ...publicApp, redirectUris: [`http://localhost${rest}`] } },
    'partners[0].redirectUris[0]: uses plain http on localhost; write 127.0.0.1 instead (RFC 8252 §8.3), or https://',
  ]),
  [
    "a public app's http home page",
    { partner: { ...publicApp, homePage: `${loopback}/` } },
    `partners[0].homePage: ${refusesHttp}`,
  ],
  ['an http webhook', { partner: { webhook: `${loopback}/events` } }, `partners[0].webhook: ${refusesHttp}`],
  ['an http web origin', { partner: { webOrigins: [loopback] } }, `partners[0].webOrigins[0]: ${refusesHttp}`],
  [
    'a partner without PKCE',
    { partner: { pkceOptional: true } },
    'partners[0].pkceOptional: is true without a reason; write false, or say in pkceOptionalReason why this partner cannot use PKCE',
  ],
  [
    'a payer without PKCE',
    { payer: { quirks: { pkce: false } } },
    'payers[0].quirks.pkce: is false without a reason; write true, or say in pkceOffReason why the gateway does not use PKCE there',
  ],
  [
    'a payer whose grants are bound to no patient',
    { payer: { patientFrom: 'none' } },
    'payers[0].patientFrom: is "none" without a reason; write "token" or "search", or say in patientNoneReason why its grants are not bound to a patient',
  ],
  [
    'no operator',
    { stage: { operator: undefined } },
    'operator: is missing, so members could not tell whose pages they see; write the name, privacyPolicy and support of who runs the gateway',
  ],
  [
    'an operator without a privacy policy',
    { stage: { operator: withoutPolicy } },
    'operator.privacyPolicy: is missing, so members could not read what happens to their data; write the URL of the privacy policy',
  ],
  [
    'an operator who gives no help',
    { stage: { operator: withoutSupport } },
    'operator.support: is missing, so members could get no help; write a URL, or "mailto:" and an e-mail address',
  ],
  [
    "an operator's http website",
    { stage: { operator: { ...operator, website: 'http://localhost:8080/' } } },
    `operator.website: ${refusesHttp}`,
  ],
  [
    "a partner's http privacy policy",
    { partner: { privacyPolicy: `${loopback}/privacy` } },
    `partners[0].privacyPolicy: ${refusesHttp}`,
  ],
  [
    'an audit under six years',
    { stage: { retention: { auditDays: 2191 } } },
    'retention.auditDays: is under six years (45 CFR 164.316(b)(2)); write at least 2192',
  ],
  [
    'logs under three months',
    { stage: { retention: { auditDays: 2192, logDays: 60 } } },
    'retention.logDays: is too short to trace an incident that is found late; write at least 90',
  ],
  [
    'data that is deleted with the stack',
    { stage: { removalPolicy: 'destroy' } },
    'removalPolicy: is "destroy", which would delete grants and the audit together with the stack; write "retain"',
  ],
  [
    'alarms that reach no one',
    { stage: { alarmAddresses: [] } },
    'alarmAddresses: is empty, so no one would receive an alarm; write at least one e-mail address',
  ],
  [
    'no account',
    { stage: { account: undefined } },
    'account: is missing, but production must name its AWS account; write the 12 digits of the account id',
  ],
  [
    'no region',
    { stage: { region: undefined } },
    'region: is missing, but production must name its region; write one, such as "us-east-1"',
  ],
  [
    'no web ACL',
    { stage: { waf: 'none' } },
    'waf: is "none" without a reason; write { requestsPer5Minutes: 20000 }, or say in wafOffReason why there is no web ACL',
  ],
  [
    'an index page',
    { stage: { indexPage: { testMembers: [] } } },
    'indexPage: is set, which would show every visitor the clients, and members to test with; remove it',
  ],
  ...(
    [
      ['a configuration elsewhere', 'smartConfigurationUrl', {}],
      ['userinfo', 'userinfoEndpoint', { patientFrom: 'userinfo' }],
      [
        'keys of an id_token',
        'jwksUri',
        { patientFrom: 'id_token', issuer: 'https://id.northwind-health.net', scopes: ['openid'] },
      ],
    ] as const
  ).map(([what, field, beside]): (typeof weakened)[number] => [
    `http for ${what}`,
    { payer: { ...beside, [field]: `${loopback}/` } },
    `payers[0].${field}: ${refusesHttp}`,
  ]),
  [
    "an operator's http privacy policy",
    { stage: { operator: { ...operator, privacyPolicy: `${loopback}/` } } },
    `operator.privacyPolicy: ${refusesHttp}`,
  ],
  [
    'an http page for help',
    { stage: { operator: { ...operator, support: `${loopback}/` } } },
    `operator.support: ${refusesHttp}`,
  ],
];

describe('production', () => {
  it('accepts a stage in which nothing is weakened', () => {
    expect(problems(production())).toEqual([]);
  });

  it.each(weakened)('refuses %s', (_title, changes, line) => {
    expect(problems(production(changes))).toEqual([line]);
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
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'own' }];
    const payer = { clientAuthentication: 'private_key_jwt', publicKeys: keys };
    const partner = { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: keys };
    const domain = {
      name: 'p2p.lakeside-plan.net',
      certificateArn: 'arn:aws:acm:us-west-2:444455556666:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    };
    const hostedZone = { id: 'Z0ABC', name: 'lakeside-plan.net' };

    expect(problems(production({ payer, partner, stage: { domain } }))).toEqual([]);
    expect(problems(production({ payer, partner, stage: { domain: { ...domain, hostedZone } } }))).toEqual([]);
  });

  it('accepts http in an alias, which is compared but never called', () => {
    expect(problems(production({ payer: { fhirBaseUrlAliases: ['http://internal:8080/fhir'] } }))).toEqual([]);
  });

  it('refuses what other stages accept', () => {
    for (const [, changes] of weakened) {
      expect(problems({ ...production(changes), production: false, stage: 'local' })).toEqual([]);
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
        "payers[0].authorizationEndpoint, tokenEndpoint: is the example's (auth.lakeside.example.org is reserved for examples); write your own",
        "payers[0].clientId: is the example's; write the client id that the payer gave you",
        "payers[1].publicKeys[0]: is the example's, and no one has its private key; write your own",
        "partners[0].secretHashes[0]: is the example's, and no one has its secret; write the hash of the partner's own secret",
        "partners[1].homePage, privacyPolicy, redirectUris[0], webOrigins[0]: is the example's (notebook.example.com is reserved for examples); write your own",
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
        account domain operator alarmAddresses[0] runbookUrl payers[0] payers[1] partners[0] partners[1]
      `),
      ),
    );
  });

  it("may not keep an example's key in a partner", () => {
    const partner = { clientAuthentication: ['private_key_jwt'], secretHashes: [], jwks: [examplePublicKey] };
    expect(problems(production({ partner }))).toEqual([
      "partners[0].jwks[0]: is the example's, and no one has its private key; write your own",
    ]);
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
