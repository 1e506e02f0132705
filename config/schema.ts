/** The shape of a stage with its defaults, and the rules that look at more than one field. */
import * as z from 'zod';
import * as rules from './rules.ts';

const days = 86_400;

/** The longest lifetimes there are, in seconds; they are the defaults too. */
const longestLifetimes = {
  loginAttempt: 1800,
  code: 60,
  accessToken: 3600,
  grant: 180 * days,
  refreshGrace: 60,
  publicRefreshGrace: 10,
} as const;

/** In stage `local` a person pastes codes by hand. */
const longestLocalCode = 300;

type Context = z.core.$RefinementCtx;

const problem = (context: Context, path: PropertyKey[], message: string): void => {
  context.addIssue({ code: 'custom', path, message });
};

const text = (rule: rules.Rule = rules.notEmpty) =>
  z.string().superRefine((value, context) => {
    const message = rule(value);
    if (message !== undefined) problem(context, [], message);
  });

const checkUnique = (context: Context, path: PropertyKey[], values: readonly string[], name?: string): void => {
  for (const [index, value] of values.entries()) {
    if (values.indexOf(value) < index) {
      const at = name === undefined ? [...path, index] : [...path, index, name];
      problem(context, at, `"${value}" is there twice; write each one once`);
    }
  }
};

const list = (rule: rules.Rule) =>
  z.array(text(rule)).superRefine((values, context) => checkUnique(context, [], values));

const publicJwk = z.looseObject({ kty: z.string(), kid: text() }).superRefine((jwk, context) => {
  const message = rules.publicJwk(jwk);
  if (message !== undefined) problem(context, [], message);
});

const publicKeys = z.array(publicJwk).superRefine((keys, context) =>
  checkUnique(
    context,
    [],
    keys.map(({ kid }) => kid),
    'kid',
  ),
);

const quirks = z.strictObject({
  responseType: z.boolean().default(true),
  aud: z.boolean().default(true),
  pkce: z.boolean().default(true),
  redirectUriAtToken: z.boolean().default(true),
  extraAuthorizeParameters: z
    .record(z.string(), z.string())
    .superRefine((parameters, context) => {
      for (const name of Object.keys(parameters)) {
        const message = rules.extraParameter(name);
        if (message !== undefined) problem(context, [name], message);
      }
    })
    .default({}),
  signInOrigins: list(rules.origin).default([]),
});

const payer = z
  .strictObject({
    id: text(rules.id),
    displayName: text(),
    fhirBaseUrl: text(rules.baseUrl),
    fhirBaseUrlAliases: list(rules.printedBaseUrl).default([]),
    authorizationEndpoint: text(rules.authorizationEndpoint),
    tokenEndpoint: text(rules.webUrl),
    revocationEndpoint: text(rules.webUrl).optional(),
    issuer: text(rules.issuer).optional(),
    sendsIss: z.boolean().default(false),
    clientId: text(rules.visible),
    clientAuthentication: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
    publicKeys: publicKeys.default([]),
    scopes: list(rules.payerScope),
    everything: z.boolean().default(true),
    patientFrom: z.enum(['token', 'search']).default('token'),
    quirks: quirks.prefault({}),
  })
  .superRefine((value, context) => {
    if (value.sendsIss && value.issuer === undefined) {
      problem(context, ['issuer'], 'is missing though sendsIss is true; write the issuer that the payer sends as iss');
    }
    if (value.clientAuthentication === 'private_key_jwt' && value.publicKeys.length === 0) {
      problem(context, ['publicKeys'], 'is empty, and private_key_jwt needs a key; write the public JWK with its kid');
    }
  });

const authentication = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']);

const partner = z
  .strictObject({
    clientId: text(rules.id),
    name: text(),
    homePage: text(rules.webUrl),
    redirectUris: z.array(z.string()).min(1, 'is empty; write at least one redirect URI'),
    clientAuthentication: z.array(authentication).min(1, 'is empty; write ["none"] or how the partner authenticates'),
    secretHashes: list(rules.secretHash)
      .max(2, 'has more than two; write the current one and, while it is rotated, the next')
      .default([]),
    jwks: publicKeys.default([]),
    pkceOptional: z.boolean().default(false),
    scopes: list(rules.partnerScope).min(1, 'is empty; write what the partner may ask for'),
    payers: z.array(z.string()).min(1, 'is empty; write the ids of the payers that this partner may read from'),
    webOrigins: list(rules.origin).default([]),
    consent: z.enum(['gateway', 'partner']).default('gateway'),
    rate: z
      .strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) })
      .default({ perSecond: 50, burst: 100 }),
  })
  .superRefine((value, context) => {
    const isPublic = value.clientAuthentication.includes('none');
    const usesSecret = value.clientAuthentication.some((method) => method.startsWith('client_secret'));
    const usesKey = value.clientAuthentication.includes('private_key_jwt');
    checkUnique(context, ['clientAuthentication'], value.clientAuthentication);
    checkUnique(context, ['redirectUris'], value.redirectUris);
    checkUnique(context, ['payers'], value.payers);
    for (const [index, uri] of value.redirectUris.entries()) {
      const message = rules.redirectUri(isPublic)(uri);
      if (message !== undefined) problem(context, ['redirectUris', index], message);
    }
    if (isPublic && value.clientAuthentication.length > 1) {
      // A client that may leave its secret out has none.
      problem(context, ['clientAuthentication'], 'has "none" beside others; write ["none"], or leave "none" out');
    }
    if (isPublic && value.pkceOptional) {
      problem(context, ['pkceOptional'], 'is true for a public client, which must use PKCE; write false');
    }
    if (usesSecret !== value.secretHashes.length > 0) {
      problem(
        context,
        ['secretHashes'],
        usesSecret
          ? 'is empty, and the partner authenticates with a secret; write its SHA-256, base64url'
          : 'is there, but the partner has no secret-based clientAuthentication; remove it',
      );
    }
    if (usesKey !== value.jwks.length > 0) {
      problem(
        context,
        ['jwks'],
        usesKey
          ? "is empty, and private_key_jwt needs a key; write the partner's public JWKs, each with its kid"
          : 'is there, but clientAuthentication lacks "private_key_jwt"; add that or remove the keys',
      );
    }
  });

const upTo = (longest: number, shortest = 1) =>
  z
    .int()
    .min(shortest, `is too short; write at least ${shortest} (seconds)`)
    .max(longest, `is longer than allowed; write at most ${longest} (seconds)`);

const lifetimes = z.strictObject({
  loginAttempt: upTo(longestLifetimes.loginAttempt).default(longestLifetimes.loginAttempt),
  code: upTo(longestLocalCode).default(longestLifetimes.code),
  accessToken: upTo(longestLifetimes.accessToken).default(longestLifetimes.accessToken),
  grant: upTo(longestLifetimes.grant).default(longestLifetimes.grant),
  refreshGrace: upTo(longestLifetimes.refreshGrace, 0).default(longestLifetimes.refreshGrace),
  publicRefreshGrace: upTo(longestLifetimes.publicRefreshGrace, 0).default(longestLifetimes.publicRefreshGrace),
});

const domain = z.strictObject({
  name: text(),
  certificateArn: text(),
  hostedZone: z.strictObject({ id: text(), name: text() }).optional(),
});

const deployment = {
  production: z.boolean().default(false),
  account: text().optional(),
  region: text().optional(),
  domain: domain.optional(),
  alarmAddresses: list(rules.notEmpty).default([]),
  runbookUrl: text().default('docs/operate.md'),
  network: z
    .union([z.literal('none'), z.strictObject({ availabilityZones: z.int().min(1), cidr: text() })])
    .default('none'),
  waf: z
    .union([z.literal('none'), z.strictObject({ requestsPer5Minutes: z.int().min(10) })])
    .default({ requestsPer5Minutes: 2000 }),
  edge: z.boolean().default(false),
  removalPolicy: z.enum(['retain', 'destroy']).default('retain'),
  retention: z.strictObject({ logDays: z.int().default(90), auditDays: z.int().min(1).default(1) }).prefault({}),
  throttling: z
    .strictObject({ perSecond: z.int().min(1).default(100), burst: z.int().min(1).default(200) })
    .prefault({}),
  concurrency: z
    .strictObject({
      authorize: z.int().min(1).optional(),
      callback: z.int().min(1).optional(),
      token: z.int().min(1).optional(),
      fetch: z.int().min(1).optional(),
      discovery: z.int().min(1).optional(),
    })
    .prefault({}),
  apiGatewayLogRole: z.boolean().default(true),
};

/** A whole stage. */
export const stageSchema = z
  .strictObject({
    stage: text(rules.id),
    origin: text(rules.origin).optional(),
    ...deployment,
    lifetimes: lifetimes.prefault({}),
    payers: z.array(payer).min(1, 'is empty; write at least one payer'),
    partners: z.array(partner),
  })
  .superRefine((value, context) => {
    if (value.stage !== 'local' && value.lifetimes.code > longestLifetimes.code) {
      problem(
        context,
        ['lifetimes', 'code'],
        `is longer than allowed; write at most ${longestLifetimes.code} (seconds; up to ${longestLocalCode} in stage local only)`,
      );
    }
    const payerIds = value.payers.map((entry) => entry.id);
    const clientIds = value.partners.map((entry) => entry.clientId);
    checkUnique(context, ['payers'], payerIds, 'id');
    checkUnique(context, ['partners'], clientIds, 'clientId');
    for (const [index, entry] of value.partners.entries()) {
      for (const [at, payerId] of entry.payers.entries()) {
        if (!payerIds.includes(payerId)) {
          const known = payerIds.slice(0, 10).join(', ');
          problem(context, ['partners', index, 'payers', at], `"${payerId}" is no payer here; write one of: ${known}`);
        }
      }
    }
  });
