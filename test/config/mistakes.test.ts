import { catalog } from '../../config/catalog/catalog.ts';
import { checkStage, ConfigError } from '../../config/checks/check-stage.ts';
import { requireDeployable } from '../../config/checks/deployable.ts';
import { unknownField } from '../../config/checks/unknown-fields.ts';
import demo from '../../config/demo.ts';
import local from '../../config/local.ts';
import example from '../../config/production-example.ts';
import { profileOf } from './catalog-document.ts';
import { mistakes, sound, type Draft } from './mistakes.ts';
import { changed, problems } from './stages.ts';

/** Why a stage cannot be deployed: what the check prints, and what only a deployment refuses. */
const linesOf = (value: unknown): string[] => {
  try {
    requireDeployable(checkStage(value, 'config/pilot.ts'), 'config/pilot.ts');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
};

it('the stage that the mistakes are made in has no mistake itself, in production or not', () => {
  expect(linesOf(sound())).toEqual([]);
  expect(linesOf({ ...sound(), production: true, retention: { auditDays: 2192 } })).toEqual([]);
});

it.each([
  [
    'a private address',
    {
      authorizationEndpoint: 'https://10.1.2.3/authorize',
      issuer: 'https://10.1.2.3',
      quirks: { signInOrigins: ['https://10.1.2.3'] },
      brand: { website: 'https://10.1.2.3' },
    },
  ],
  ["the gateway's own host", { brand: { website: 'https://gateway.lakeside-plan.net' } }],
])('%s that only browsers open, or nobody, is no mistake', (_name, fields) => {
  const draft: Draft = { ...sound(), domain: undefined, origin: 'https://gateway.lakeside-plan.net' };
  Object.assign(draft.payers[0] ?? {}, fields);

  expect(linesOf(draft)).toEqual([]);
});

it.each(mistakes)('a mistake in the configuration is reported in one line: %s', (line, make) => {
  const draft: Draft = sound();

  const lines = linesOf(make(draft) ?? draft);

  expect(lines).toEqual([`config/pilot.ts: ${line}`]);
  expect(lines.join()).not.toContain('canary-7');
});

/** The lines that the check prints for these mistakes in one stage. */
const told = (...made: ((draft: Draft) => void)[]): string[] => {
  const draft = sound();
  for (const make of made) make(draft);
  try {
    checkStage(draft, 'pilot.ts');
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replace(/^pilot\.ts: /, ''));
  }
};

const [payer, app] = ['payers[0] (lakeside)', 'partners[1] (notebook)'];
const change =
  (list: 'payers' | 'partners', index: number, changes: object) =>
  (draft: Draft): void => {
    Object.assign(draft[list][index] ?? {}, changes);
  };
const unfinished = (field: string, text: string): string =>
  `${field}: is not finished: it says "${text}"; write the real value`;

it('a stage that contains itself, as one from a .ts file may, is reported like any other mistake', () => {
  const inItself = (draft: Draft): void => void Object.assign(draft, { account: draft });
  const inAList = (draft: Draft): void => void draft.payers.push(draft.payers as never);

  expect(told(inItself)).toEqual([expect.stringMatching(/^account: is an object; write /)]);
  expect(told(inAList)).toEqual([expect.stringMatching(/^payers\[2\]: is an array; write an object$/)]);
});

it('an entry that is named like a member of every object is reported like any other', () => {
  const inPrototype = change('payers', 0, { constructor: { password: 'canary-7' } });

  expect(told(inPrototype)).toEqual([expect.stringMatching(/constructor: is not a known field; /)]);
});

describe('several mistakes in one stage', () => {
  it('are all reported, each on its own line', () => {
    expect(
      told(
        change('payers', 0, { fhirBaseUrl: 'https://id.lakeside-plan.net/token' }),
        change('partners', 0, { payers: ['nowhere'] }),
        change('partners', 1, { name: 'TODO' }),
      ),
    ).toEqual([
      expect.stringMatching(/^payers\[0\] \(lakeside\)\.tokenEndpoint: is the same as fhirBaseUrl; /),
      expect.stringMatching(/^partners\[0\] \(portal\)\.payers\[0\]: "nowhere" is not a payer of this stage; /),
      unfinished(`${app}.name`, 'TODO'),
    ]);
  });

  it('several mistakes in one stage in one field are reported once: as the actual mistake, not also as an unfinished field', () => {
    expect(told(change('payers', 0, { displayName: 'TODO' }), change('payers', 1, { issuer: '<issuer>' }))).toEqual([
      expect.stringMatching(/^payers\[1\] \(riverside\)\.issuer: is not a URL; /),
      unfinished(`${payer}.displayName`, 'TODO'),
    ]);
  });

  it('several mistakes in one stage that come from a misspelled name are one, but the same field missing elsewhere is another', () => {
    expect(
      told(
        change('payers', 0, { clientID: 'gateway-17', clientId: undefined }),
        change('payers', 1, { clientId: undefined }),
      ),
    ).toEqual([
      `${payer}.clientID: is not a known field; write "clientId", or remove it`,
      expect.stringMatching(/^payers\[1\] \(riverside\)\.clientId: is missing; /),
    ]);
  });

  it('several mistakes in one stage that come from a wrong payer id are one: partners that name it are not blamed', () => {
    expect(told(change('payers', 0, { id: 'Lakeside' }))).toEqual([
      expect.stringMatching(/^payers\[0\] \(Lakeside\)\.id: is not a valid id; /),
    ]);
    expect(told(change('payers', 0, { id: 'riverside' }))).toEqual([
      expect.stringMatching(/^payers\[1\] \(riverside\)\.id: "riverside" appears twice; /),
    ]);
  });
});

it('an unfinished text is quoted up to 30 characters', () => {
  const quoted = (length: number): string[] =>
    told(change('payers', 0, { displayName: `<${'a'.repeat(length - 2)}>` }));

  expect(quoted(30)).toEqual([unfinished(`${payer}.displayName`, `<${'a'.repeat(28)}>`)]);
  expect(quoted(31)).toEqual([unfinished(`${payer}.displayName`, `<${'a'.repeat(29)}`)]);
});

/** The only line about the stage with this field; its values are a secret. */
const said = (field: string): string => {
  const [line = '', ...others] = problems(changed({ [field]: 'canary-7' }));
  expect(others).toEqual([]);
  expect(line).not.toContain('canary-7');
  return line;
};

describe('a field that is unknown', () => {
  it.each<[message: string, fields: string]>([
    [
      'is not supported: the gateway fetches no keys of a partner; write the keys themselves into jwks',
      'partners[0].jwks_uri partners[0].jwksUrl',
    ],
    ['is not known; write existing.vpc.id for a VPC of your own, or network for one that the stack makes', 'vpcId'],
    ['is not known here; write it in existing, or network for a VPC that the stack makes', 'vpc'],
    ['is not known; write existing.vpc.subnets, each with id and availabilityZone', 'network.subnetIds'],
    ['is not known here; write it in existing.vpc, each with id and availabilityZone', 'subnets'],
    ['is not known; write existing.vpc.securityGroupId, one id', 'securityGroupIds securityGroups'],
    ['is not known; write existing.vpc.awsEndpoints', 'vpcEndpoints'],
    ['is not known; write permissionsBoundaryArn', 'permissionsBoundary'],
    ['is not known; write bootstrapQualifier', 'qualifier'],
    ['is not known; write existing.webAclArn', 'webAcl'],
    ['is not known here; write it in existing', 'webAclArn alarmTopicArn ticketTopicArn logDestination'],
    ['is not known; write existing.alarmTopicArn', 'topicArn'],
    ['is not supported: each request logs one line, at one level; remove it', 'logLevel'],
    ['is not supported: lib/functions.ts sets it; remove it', 'memorySize memory timeout timeoutSeconds'],
    ['is not supported: only the stack sets environment variables; remove it', 'environment'],
    ['is not supported; write account and region, as fields of the stage', 'env'],
    ['is not supported; write account, and set AWS_PROFILE when you deploy', 'profile'],
    ['is not supported: the stack is named p2p-gateway-{stage}; write stage', 'stackName'],
    [
      'is not known; write existing.keys, an ARN for each purpose, or remove it: the stack makes its keys',
      'kmsKeyArn kmsKeyId',
    ],
    [
      'is not supported: the grant types are always authorization_code and refresh_token; remove it, and for client_credentials write identityAudiences',
      'partners[0].grants partners[0].grant_types',
    ],
    ['is not supported: the response type is always code; remove it', 'partners[0].responseTypes'],
    [
      'is not supported: the gateway does no discovery; write the endpoints, which "npm run payers -- learn URL" reads',
      'payers[0].discoveryUrl payers[0].well-known',
    ],
    ['is not supported: the gateway reads FHIR R4 only; remove it', 'payers[0].fhirVersion'],
    ['is not known; write name for a partner, displayName for a payer', 'partners[0].client_name'],
    ['is not known; write clientAuthentication', 'partners[0].token_endpoint_auth_method payers[0].authMethod'],
    [
      'is not known; write quirks.aud: true, which sends the FHIR base URL, or the URL itself (an audience parameter goes into quirks.extraTokenParameters)',
      'payers[0].audience',
    ],
    ['is not known; write scopes, a list with one scope per entry', 'scope'],
    ['is not known; write redirectUris', 'partners[0].callbackUrls redirectUrls'],
    ['is not known; write redirectUris, a list', 'redirect_uri'],
    ['is not known; write webhook, one URL', 'webhooks'],
    ['is not known; write webhook', 'partners[0].webhookUrl'],
    ['is not known; write webOrigins', 'partners[0].corsOrigins partners[0].allowedOrigins'],
    ['is not known; write fhirBaseUrl', 'payers[0].baseUrl payers[0].fhirUrl'],
    ['is not known; write issuer', 'payers[0].iss'],
    [
      'is not known; write authorizationEndpoint',
      'payers[0].authorizeUrl payers[0].authorizeEndpoint payers[0].authUrl',
    ],
    ['is not known; write tokenEndpoint', 'payers[0].tokenUrl'],
    ['is not known; write revocationEndpoint', 'payers[0].revokeEndpoint'],
    ['is not known; write alarmAddresses', 'alarmEmails'],
    ['is not known; write domain: { name, certificateArn }', 'domainName'],
    ['is not known here; write it in domain', 'certificateArn'],
    ['is not known; write retention.logDays', 'logRetention'],
    ['is not known; write retention.logDays or retention.auditDays', 'retentionDays'],
  ])('%s: of another product, as in %s', (message, fields) => {
    for (const field of fields.split(' ')) {
      const beside = field.startsWith('network') ? { network: { availabilityZones: 1, cidr: '10.0.0.0/20' } } : {};

      expect(problems(changed({ ...beside, [field]: 'x' }))).toEqual([`${field}: ${message}`]);
    }
  });

  it.each([
    ['payers[0].scope', 'scopes'],
    ['partners[0].redirectUri', 'redirectUris'],
    ['removalPolcy', 'removalPolicy'],
    ['payers[0].display_name', 'displayName'],
    ['existing.alarmTopicARN', 'alarmTopicArn'],
    // Two letters of seven may be wrong, and one of five.
    ['ongins', undefined],
    ['orgim', 'origin'],
    ['rxgxoz', undefined],
    ['payers[0].constructor', undefined],
  ])('is probably misspelled if it differs in a letter or two: %s is %s', (field, meant) => {
    expect(said(field)).toBe(
      `${field}: is not a known field; ${meant === undefined ? 'check its spelling' : `write "${meant}"`}, or remove it`,
    );
  });

  it.each(
    'clientSecret client_secret client_secrets partnerSecret payer_secret secret secrets password passwords passphrase credential credentials private_key privateKeys private_key_jwk privateKeyPem pem apiKey api_keys accessToken refresh_token bearerToken auth_token awsSecretAccessKey secret_access_key d'.split(
      ' ',
    ),
  )('is told that secrets belong elsewhere, without its value, if it is called %s', (name) => {
    expect(said(`payers[0].${name}`)).toBe(
      `payers[0].${name}: looks like a secret, and secrets do not belong in the configuration; ${inGit}`,
    );
  });
});

it.each<[field: string, value: unknown]>([
  ...[
    'clientSecret',
    'password',
    'apiKey',
    'client-secret',
    'db-password',
    'dbPassword',
    'DBPassword',
    'dbpassword',
    'webhookSigningSecret',
    'keyPassphrase',
    'stripeApiKey',
    'stripe-api-key',
    'githubAccessToken',
    'jwtPrivateKey',
    'auth token',
    'Private Key',
    'api/key',
  ].map((name): [string, string] => [`tags.${name}`, 'canary-7']),
  ['tags.password', 20481632],
  ['payers[1].identitySignIn.noMatch[0].members.refresh_token', 'canary-7'],
])(
  'a field named like a secret is refused where operators choose the names, and its value is never quoted: %s',
  (field, value) => {
    const signIn = {
      issuers: ['https://csp.lakeside-plan.net'],
      assertionAlgorithm: 'ES384',
      scopes: ['patient/*.rs'],
      noMatch: [{ status: 400, members: { error: 'invalid_grant' } }],
    };
    const provider = { issuer: signIn.issuers[0], jwksUri: `${signIn.issuers[0]}/keys`, algorithms: ['RS256'] };
    const beside = { 'identityProviders[0]': provider, 'payers[1].identitySignIn': signIn };
    const found = problems(changed({ ...(field.startsWith('tags') ? { tags: {} } : beside), [field]: value }));

    expect(found).toEqual([`${field}: looks like a secret, and secrets do not belong in the configuration; ${inGit}`]);
  },
);

it.each([
  ['clientSecret', 20481632],
  ['password', 0],
  ['api_key', 20481632n],
  ['d', Number.NaN],
  ['credentials', ['canary-7']],
  ['accessToken', 4_102_444_800],
  ['refresh_token', 0.5],
  ['quirks.extraTokenParameters.api_key', 20481632],
  ['quirks.extraAuthorizeParameters.password', ['canary-7']],
])('a secret is refused whatever its type, and never quoted: %s', (field, value) => {
  const [found = '', ...more] = problems(changed({ [`payers[0].${field}`]: value }));

  expect(found).toMatch(/secret/);
  expect(found).not.toMatch(/is a|write a string|canary-7|20481632|4102444800/);
  expect(more).toEqual([]);
});

describe('a field that is unknown and named like a secret, but whose value can be none,', () => {
  it.each([
    ['lifetimes.refreshToken', 3600, 'is not known; write lifetimes.grant: a refresh token lasts as long as the grant'],
    ['accessToken', 3600, 'is not known here; write it in lifetimes'],
    ['retention.payerSecrets', 'tool', 'is not known here; write it as a field of the stage'],
    ['refreshTokens', 90, 'is not a known field; check its spelling, or remove it'],
    ['payers[0].clientSecret', true, 'is not a known field; check its spelling, or remove it'],
    ['payers[0].secret', '', 'is not a known field; write "secretOf", or remove it'],
  ])('is told what it is: %s, %j', (field, value, message) => {
    expect(problems(changed({ [field]: value }))).toEqual([`${field}: ${message}`]);
  });

  it('is each field of a stage with the value of an example, wherever it is written', () => {
    const fields = (value: unknown): [string, unknown][] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, inner]) => [[name, inner] as [string, unknown]].concat(fields(inner)))
        : [];
    const all = [local, demo, example, ...catalog.map(profileOf)].flatMap(fields);
    const called = all.filter(([name, value]) => unknownField(name, [], value).startsWith('looks like a secret'));

    expect(called).toEqual([]);
    expect(new Set(all.map(([name]) => name)).size).toBeGreaterThan(100);
  });
});

const inGit =
  "remove it, and if this file was ever committed, have the secret replaced: Git still has it (put a payer's secret into Secrets Manager, and only the hash of a partner's into secretHashes)";

it.each([
  ['-----BEGIN EC PRIVATE KEY-----\ncanary-7', 'contains a private key'],
  ['-----BEGIN PRIVATE KEY-----\ncanary-7', 'contains a private key'],
  ['AKIAIOSFODNN7EXAMPLE canary-7', 'contains an AWS access key id'],
  ['ASIAIOSFODNN7EXAMPLE canary-7', 'contains an AWS access key id'],
  ['eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary-7canary', 'contains a token'],
  ...['ghp', 'gho', 'ghu', 'ghs', 'ghr'].map((kind) => [
    `${kind}_${'a'.repeat(30)} canary-7`,
    'contains an access token',
  ]),
  [`github_pat_${'a'.repeat(30)} canary-7`, 'contains an access token'],
  ...['xoxa', 'xoxb', 'xoxp', 'xoxr', 'xoxs'].map((kind) => [
    `${kind}-0123456789 canary-7`,
    'contains an access token',
  ]),
  [`sk_live_${'a'.repeat(24)} canary-7`, 'contains an API key'],
  [`rk_test_${'a'.repeat(24)} canary-7`, 'contains an API key'],
  [`glpat-${'a'.repeat(20)} canary-7`, 'contains an API key'],
  [`npm_${'a'.repeat(36)} canary-7`, 'contains an API key'],
  [`SG.${'a'.repeat(22)}.${'b'.repeat(43)} canary-7`, 'contains an API key'],
  [`AIza${'a'.repeat(35)} canary-7`, 'contains a key of Google'],
  [`GOCSPX-${'a'.repeat(28)} canary-7`, 'contains a key of Google'],
  [`Zq88Q~${'a'.repeat(34)} canary-7`, 'contains a client secret of Microsoft Entra'],
])('a value that is a secret by its form is refused in any field, and not repeated: %j', (value, what) => {
  for (const field of ['wafOffReason', 'payers[0].displayName', 'partners[0].redirectUris[1]']) {
    expect(problems(changed({ [field]: value }))).toEqual([`${field}: ${what}; ${inGit}`]);
  }
});

it.each([
  ['payers[0].clientId', 'TODO', 'TODO'],
  ['partners[0].name', 'Portal (TODO: ask)', 'TODO'],
  ['partners[0].name', 'Portal FIXME', 'FIXME'],
  ['partners[0].name', 'XXX', 'XXX'],
  ['partners[0].name', 'todo', 'todo'],
  ['partners[0].name', 'dummy', 'dummy'],
  ['partners[0].name', 'foo', 'foo'],
  ['partners[0].name', 'bar', 'bar'],
  ['partners[0].name', 'N/A', 'n/a'],
  ['partners[0].name', 'none yet', 'none yet'],
  ['partners[0].name', '???', '???'],
  ['partners[0].name', '…', '…'],
  ['partners[0].name', 'Lorem ipsum dolor', 'lorem ipsum'],
  ['partners[0].name', '<partner name>', '<partner name>'],
  ['payers[0].clientId', 'changeme', 'changeme'],
  ['payers[0].clientId', 'replace-me', 'replace-me'],
  ['payers[0].clientId', '{{CLIENT_ID}}', '{{CLIENT_ID}}'],
  ['payers[0].clientId', '${CLIENT_ID}', '${CLIENT_ID}'],
  ['payers[0].displayName', 'CHANGE_ME', 'change_me'],
  ['payers[0].displayName', '...', '...'],
  ['payers[0].tokenEndpoint', 'https://changeme.net/token', 'changeme'],
  ['payers[0].tokenEndpoint', 'https://todo.net/token', 'todo'],
  ['payers[0].tokenEndpoint', 'https://placeholder.net/token', 'placeholder'],
  ['payers[0].quirks.extraAuthorizeParameters.prompt', 'placeholder', 'placeholder'],
])('a value that is not finished is refused: %s, %s', (field, value, word) => {
  expect(problems(changed({ [field]: value }))).toEqual([
    `${field}: is not finished: it says "${word}"; write the real value`,
  ]);
});

it.each(['Foo Health', 'Todos Health', 'Barclay', 'N/A Health', 'TODOS'])(
  'a name that only looks unfinished is accepted: %s',
  (name) => {
    expect(problems(changed({ 'partners[0].name': name }))).toEqual([]);
  },
);

it.each([
  ['payers[0].everything', 'leave the field out, or write a boolean'],
  ['payers[0].revocationEndpoint', 'leave the field out, or write a string'],
  ['domain', 'leave the field out, or write an object'],
  ['partners[0].consent', 'leave the field out, or write one of "gateway", "partner"'],
  ['waf', 'leave the field out, or write "none" or an object'],
  ['payers[0].quirks', 'leave the field out, or write an object'],
  ['concurrency.fetch', 'leave the field out, or write a number'],
  ['payers[0].clientId', 'write a string'],
  ['production', 'write a boolean'],
])('null for %s is told to be left out, if the field may be: %s', (field, advice) => {
  expect(problems(changed({ [field]: null }))).toEqual([`${field}: is null; ${advice}`]);
});
