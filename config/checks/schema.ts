/** The shape of a stage with its defaults, and the rules that span several fields. */
import * as z from 'zod';
import {
  assertionAlgorithms,
  clientAuthentications,
  identityTokenAlgorithms,
} from '../../functions/shared/registry/token-endpoint.ts';
import { isAboutPatient, parseScope } from '../../functions/shared/scopes/scopes.ts';
import type { StageConfig } from '../stage.ts';
import { checkDeployment, deployment } from './deployment-schema.ts';
import { checkDistinct, distinct, distinctFields } from './distinct.ts';
import { checkEntries } from './entry-rules.ts';
import { checkUnique, firstProblem, list, listOf, problem, text, type Context } from './fields.ts';
import { checkFinished } from './finished.ts';
import { leftovers } from './leftovers.ts';
import { weaknesses } from './production.ts';
import { contradictions } from './profile-rules.ts';
import { checkSizes } from './registry-sizes.ts';
import * as rules from './rules.ts';

const days = 86_400;

/** The maximum lifetimes, in seconds, which are also the defaults. */
const longestLifetimes = {
  loginAttempt: 1800,
  code: 60,
  accessToken: 3600,
  grant: 180 * days,
  refreshGrace: 60,
  publicRefreshGrace: 10,
} as const;

/** In stage `local`, people paste codes by hand. */
const longestLocalCode = 300;

const json = z.json();

const jwk = z.looseObject({ kty: z.string(), kid: text(rules.givenName) }).superRefine((key, context) => {
  // RFC 7517 §4: a key's members are JSON.
  for (const [name, value] of Object.entries(key)) {
    if (!json.safeParse(value).success) {
      context.addIssue({ code: 'custom', path: [name], message: 'is not JSON; write the key as its JWK has it' });
    }
  }
  const message = rules.publicJwk(key);
  if (message !== undefined) problem(context, [], message);
});
const publicJwk = distinct('key', jwk);

/** A payer's base: two payers with one would get each other's tokens, and their links could not be told apart. */
const baseUrl = distinct('base', text(rules.fhirBaseUrl));
const printedBaseUrl = distinct('base', text(rules.printedBaseUrl));

const publicKeys = z.array(publicJwk).superRefine((keys, context) =>
  checkUnique(
    context,
    [],
    keys.map(({ kid }) => kid),
    'kid',
  ),
);

/** Names and values of extra parameters, each name by this rule. */
const extraParameters = (rule: rules.Rule) =>
  z.record(z.string(), z.string()).superRefine((parameters, context) => {
    for (const name of Object.keys(parameters)) {
      const message = rule(name);
      if (message !== undefined) problem(context, [name], message);
    }
  });

/** Not a union, whose findings would be about one of its kinds. */
const aud = z
  .custom<boolean | string>((value) => value === undefined || typeof value === 'boolean' || typeof value === 'string', {
    error: 'is neither a boolean nor a string; write true, false, or the URL that the payer asks for',
  })
  .superRefine((value, context) => {
    const message = typeof value === 'string' ? rules.audience(value) : undefined;
    if (message !== undefined) problem(context, [], message);
  });

const upTo = (longest: number, shortest = 1) =>
  z
    .int()
    .min(shortest, `is too short; write at least ${shortest} (seconds)`)
    .max(longest, `is longer than allowed; write at most ${longest} (seconds)`);

/** Names of headers do not depend on their case (RFC 9110 §5.1). */
const secretHeaders = list(rules.secretHeader)
  .min(1, 'is empty; write the names of headers, or remove it')
  .superRefine((names, context) => {
    for (const [index, name] of names.entries()) {
      const same = names.slice(0, index).find((other) => other.toLowerCase() === name.toLowerCase());
      if (same !== undefined && same !== name)
        problem(context, [index], `is "${same}" in another case, the same header; write it only once`);
    }
  });

/** API Gateway ends a stream that sends nothing for 300 seconds; a refresh of payer tokens may come first. */
const longestFirstByte = 240;
/** CloudFront waits 120 seconds. */
const longestFirstByteWithEdge = 90;

const quirks = z
  .strictObject({
    responseType: z.boolean().default(true),
    aud: aud.default(true),
    pkce: z.boolean().default(true),
    pkceOffReason: text().optional(),
    redirectUriAtToken: z.boolean().default(true),
    extraAuthorizeParameters: extraParameters(rules.extraParameter).default({}),
    extraTokenParameters: extraParameters(rules.extraTokenParameter).optional(),
    extraRefreshParameters: extraParameters(rules.extraTokenParameter).optional(),
    tokenRequest: z.enum(['form', 'json']).optional(),
    searchMethod: z.literal('POST').optional(),
    secretHeaders: secretHeaders.optional(),
    fhirMediaType: text(rules.jsonMediaType).optional(),
    timeToFirstByte: upTo(longestFirstByte).optional(),
    signInOrigins: list(rules.origin).default([]),
  })
  .superRefine(({ pkce, pkceOffReason }, context) => {
    if (pkce && pkceOffReason !== undefined) {
      problem(context, ['pkceOffReason'], 'explains pkce: false, which is not set; remove it, or write pkce: false');
    }
  });

/** A URL as servers see it, without differences in spelling. */
const sameForServers = (url: string): string => url.replace(/\/+$/, '');

/** Each endpoint does one thing, so the same URL for two of them was pasted twice by mistake. */
const checkEndpoints = (
  endpoints: Pick<StageConfig['payers'][number], 'authorizationEndpoint' | 'tokenEndpoint'> & {
    readonly revocationEndpoint?: string | undefined;
    readonly fhirBaseUrl: string;
  },
  context: Context,
): void => {
  const fields = ['fhirBaseUrl', 'authorizationEndpoint', 'tokenEndpoint', 'revocationEndpoint'] as const;
  for (const [index, field] of fields.entries()) {
    const url = endpoints[field];
    if (url === undefined) continue;
    const same = fields.slice(0, index).find((other) => sameForServers(endpoints[other]!) === sameForServers(url));
    if (same !== undefined) problem(context, [field], `is the same as ${same}; write the payer's own ${field}`);
  }
};

const searchParameters = z.record(z.string(), list(rules.searchParameter)).superRefine((byType, context) => {
  for (const type of Object.keys(byType)) {
    const message = rules.searchedType(type);
    if (message !== undefined) problem(context, [type], message);
  }
});

const operations = z
  .record(z.string(), list(rules.searchedType).min(1, 'is empty; write the types that it returns'))
  .superRefine((byName, context) => {
    for (const name of Object.keys(byName)) {
      const message = rules.operation(name);
      if (message !== undefined) problem(context, [name], message);
    }
  });

/** Requests of a payer in a second: a pause of 100 seconds between two is the longest. */
const pace = z.number().min(0.01).max(100);

const wholeRecord = z
  .strictObject({
    searches: list(rules.notEmpty).min(1, 'is empty; write searches, or remove it').optional(),
    exhaustive: list(rules.notEmpty).min(1, 'is empty; write types, or remove it').optional(),
    substitute: text().optional(),
    pageSize: z.int().min(1).max(1000).optional(),
    requestsPerSecond: pace.optional(),
    totals: z.literal('meaningless').optional(),
    attachments: z.literal(false).optional(),
    attachmentPaths: list(rules.attachmentPath).min(1, 'is empty; write paths, or remove it').optional(),
  })
  .superRefine(({ searches, substitute }, context) => {
    if (searches !== undefined && substitute !== undefined) {
      problem(context, ['substitute'], 'is set together with searches; write only one of them');
    }
  });

const furtherBases = z
  .array(
    z.strictObject({
      fhirBaseUrl: baseUrl,
      types: list(rules.furtherType).min(1, 'is empty; write the types that are read there'),
    }),
  )
  .min(1, 'is empty; write bases, or remove it');

const brand = z.strictObject({
  website: text(rules.webUrl),
  logo: text(rules.webUrl).optional(),
  otherNames: list(rules.givenName).min(1, 'is empty; write other names, or remove it').optional(),
  identifiers: z
    .strictObject({
      payerId: list(rules.payerNumber).optional(),
      naic: list(rules.digits(5)).optional(),
      hios: list(rules.digits(5)).optional(),
      npi: list(rules.npi).optional(),
    })
    .optional(),
});

const longestConsent = 10 * 365 * days;

/** Errors of RFC 6749 §5.2 that are about the gateway, whoever the member is. */
const aboutUs = new Set<unknown>(['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope']);

const answerShape = z.strictObject({
  status: z.int().min(400).max(499),
  members: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .refine((members) => Object.keys(members).length > 0, {
      error: 'is empty, and a status alone says nothing; write members of the answer, such as { status_code: 401 }',
    })
    .refine((members) => Object.keys(members).length > 1 || !aboutUs.has(members['error']), {
      error: 'is how the payer refuses the gateway itself; write what it answers when no single member matches',
    }),
});

const identitySignIn = z.strictObject({
  issuers: list(rules.issuer).min(1, 'is empty; write the issuers whose tokens the payer accepts'),
  assertionAlgorithm: z.enum(assertionAlgorithms),
  tokenEndpoint: text(rules.payerEndpoint).optional(),
  scopes: list(rules.identityScope).min(1, 'is empty; write the scopes that the payer lists for this call'),
  noMatch: z.array(answerShape).min(1, 'is empty; write how the payer says that no single member matches'),
  consentPolicies: list(rules.webUrl).min(1, 'is empty; write the URLs of policies, or remove it').optional(),
  longestAuthAge: upTo(days).optional(),
  consentLifetime: upTo(longestConsent, 3600).optional(),
});

/** The longest ago, in seconds, that a member may have agreed when a partner presents an identity token; also the default. */
const longestConsentAge = 600;

const identityProvider = z.strictObject({
  issuer: text(rules.issuer),
  jwksUri: text(rules.jwksUri),
  algorithms: z
    .array(z.enum(identityTokenAlgorithms))
    .min(1, 'is empty; write the algorithms that it signs with, such as ["RS256"]')
    .superRefine((values, context) => checkUnique(context, [], values)),
});

/** Reports each issuer that is in a list twice. */
const checkIssuers = (entries: readonly { readonly issuer: string }[], context: Context): void =>
  checkUnique(
    context,
    [],
    entries.map(({ issuer }) => issuer),
    'issuer',
  );

const identityAudiences = z
  .array(
    z.strictObject({
      issuer: text(rules.issuer),
      audiences: list(rules.visible).min(1, "is empty; write the partner's client ids there"),
    }),
  )
  .min(1, "is empty; write an issuer and the partner's client ids there, or remove it")
  .superRefine(checkIssuers);

/** What identifies a plan. If two plans shared one, records could be requested from, or for, the wrong plan. */
const planIdentifier = distinct(
  'identifier',
  z.strictObject({ system: text(rules.identifierSystem), value: text(rules.givenName) }),
);

const identifiers = z
  .array(planIdentifier)
  .min(
    1,
    'is empty; write identifiers of the plan, such as { system: "http://hl7.org/fhir/sid/us-npi", value: its NPI }',
  )
  .superRefine((values, context) => {
    for (const [index, identifier] of values.entries()) {
      const message = rules.identifier(identifier);
      if (message !== undefined) problem(context, [index, 'value'], message);
    }
    checkUnique(
      context,
      [],
      values.map(({ system, value }) => JSON.stringify([system, value])),
    );
  });

const payerExchange = z.strictObject({
  clientId: text(rules.visible),
  assertionAlgorithm: z.enum(assertionAlgorithms),
  publicKeys: publicKeys.min(1, 'is empty; write the public JWK with its kid'),
  scopes: list(rules.payerScope)
    .min(1, 'is empty; write the scopes that the payer lists for this client')
    .refine((scopes) => scopes.length === 0 || scopes.some((scope) => !rules.isSignInScope(scope)), {
      error: 'has only scopes of a sign-in; write those that the payer lists for this client, such as "system/*.rs"',
    }),
  identifiers,
  tokenEndpoint: text(rules.payerEndpoint).optional(),
  fhirBaseUrl: baseUrl.optional(),
  matchPath: text(rules.operationPath([])).optional(),
  exportPath: text(rules.operationPath(['{group}'])).optional(),
  exportMethod: z.literal('GET').optional(),
  typeFilter: z.literal(true).optional(),
  fileToken: z.enum(['always', 'never']).optional(),
  statusOrigins: list(rules.origin).min(1, 'is empty; write origins, or remove it').optional(),
  fileOrigins: list(rules.origin).min(1, 'is empty; write origins, or remove it').optional(),
  requestsPerSecond: pace.optional(),
});

/** Ten years. A Group is a list of members, and should not be kept longer than it is used. */
const longestGroupDays = 3653;

const exchanges = z.strictObject({
  // 13 months: a quarterly export finds the Group for a year.
  groupDays: z.int().min(1).max(longestGroupDays).default(396),
  mostRunning: z.int().min(1).max(1000).default(20),
});

const payer = z
  .strictObject({
    id: text(rules.id),
    displayName: distinct('name', text(rules.givenName)),
    fhirBaseUrl: baseUrl,
    fhirBaseUrlAliases: listOf(printedBaseUrl).default([]),
    furtherBases: furtherBases.optional(),
    authorizationEndpoint: text(rules.authorizationEndpoint),
    tokenEndpoint: text(rules.payerEndpoint),
    revocationEndpoint: text(rules.payerEndpoint).optional(),
    issuer: text(rules.issuer).optional(),
    smartConfigurationUrl: text(rules.webUrl).optional(),
    userinfoEndpoint: text(rules.payerEndpoint).optional(),
    jwksUri: text(rules.webUrl).optional(),
    sendsIss: z.boolean().default(false),
    clientId: text(rules.visible),
    clientAuthentication: z.enum(clientAuthentications),
    secretOf: z.string().optional(),
    publicKeys: publicKeys.default([]),
    scopes: list(rules.payerScope),
    grantedScope: z.literal('asRequested').optional(),
    everything: z.boolean().default(true),
    wholeRecord: wholeRecord.optional(),
    patientFrom: z.enum(['token', 'search', 'userinfo', 'id_token', 'none']).default('token'),
    patientMember: text(rules.patientMember).optional(),
    patientNoneReason: text().optional(),
    operations: operations.optional(),
    searchParameters: searchParameters.optional(),
    pagingParameters: list(rules.pagingParameter).optional(),
    consentLifetime: upTo(longestConsent, 3600).optional(),
    identitySignIn: identitySignIn.optional(),
    exchange: payerExchange.optional(),
    linesOfBusiness: list(rules.givenName).min(1, 'is empty; write the kinds of plans, or remove it').optional(),
    brand: brand.optional(),
    quirks: quirks.prefault({}),
  })
  .superRefine((value, context) => {
    checkEndpoints(value, context);
    for (const { path, message } of contradictions(value)) {
      firstProblem(context, path, message);
    }
  });

/** Where a partner presents its members' identities, no page of ours asks them, and a shared secret would prove too little. */
const checkIdentities = (
  {
    clientAuthentication,
    consent,
    consentReason,
  }: Pick<StageConfig['partners'][number], 'clientAuthentication' | 'consent'> & {
    readonly consentReason?: string | undefined;
  },
  context: Context,
): void => {
  if (!clientAuthentication.includes('private_key_jwt')) {
    problem(
      context,
      ['identityAudiences'],
      'is set, but the partner does not authenticate by "private_key_jwt", as this needs; add that method, or remove it',
    );
  }
  if (consent !== 'partner') {
    problem(
      context,
      ['consent'],
      'is "gateway", but with identityAudiences no page of the gateway asks the member; write "partner", or remove identityAudiences',
    );
  } else if (consentReason === undefined) {
    problem(
      context,
      ['consentReason'],
      'is missing though identityAudiences is set; say why this partner asks its members itself',
    );
  }
};

const partner = z
  .strictObject({
    clientId: text(rules.id),
    name: text(rules.givenName),
    homePage: text(rules.webUrl),
    logo: text(rules.image).optional(),
    privacyPolicy: text(rules.webUrl).optional(),
    redirectUris: z.array(z.string()),
    clientAuthentication: z
      .array(z.enum(clientAuthentications))
      .min(1, 'is empty; write ["none"], or the methods by which the partner authenticates'),
    secretHashes: listOf(distinct('secret', text(rules.secretHash)))
      .max(2, 'has more than two hashes; write the current one and, during a rotation, the next')
      .default([]),
    jwks: publicKeys.default([]),
    pkceOptional: z.boolean().default(false),
    pkceOptionalReason: text().optional(),
    scopes: list(rules.partnerScope).refine(
      (scopes) => scopes.length === 0 || scopes.map(parseScope).some(isAboutPatient),
      { error: 'has no scope that reads anything; add one, such as "patient/*.rs"' },
    ),
    payers: z.array(z.string()).min(1, 'is empty; write the ids of the payers that this partner may read from'),
    webOrigins: list(rules.origin).default([]),
    webhook: text(rules.webhook).optional(),
    consent: z.enum(['gateway', 'partner']).default('gateway'),
    consentReason: text().optional(),
    identityAudiences: identityAudiences.optional(),
    exchange: z.strictObject({ identifiers }).optional(),
    rate: z
      .strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) })
      .superRefine(({ perSecond, burst }, context) => {
        if (burst >= perSecond) return;
        const least = Math.ceil(perSecond);
        firstProblem(
          context,
          ['burst'],
          `is below perSecond, so that rate could never be reached; write at least ${least}`,
        );
      })
      .default({ perSecond: 50, burst: 100 }),
  })
  .superRefine((value, context) => {
    const isPublic = value.clientAuthentication.includes('none');
    const usesSecret = value.clientAuthentication.some((method) => method.startsWith('client_secret'));
    const usesKey = value.clientAuthentication.includes('private_key_jwt');
    // A plan's own system that only asks former plans sends no member to a sign-in.
    if (value.exchange === undefined || value.redirectUris.length + value.scopes.length > 0) {
      if (value.redirectUris.length === 0) {
        problem(context, ['redirectUris'], 'is empty; write at least one redirect URI');
      }
      if (value.scopes.length === 0) {
        problem(context, ['scopes'], 'is empty; write the scopes that the partner may request');
      }
    }
    if (value.exchange !== undefined && !usesKey) {
      problem(
        context,
        ['exchange'],
        'is set, but the partner does not authenticate by "private_key_jwt", as this needs; add that method, or remove it',
      );
    }
    checkUnique(context, ['clientAuthentication'], value.clientAuthentication);
    checkUnique(context, ['redirectUris'], value.redirectUris);
    checkUnique(context, ['payers'], value.payers);
    for (const [index, uri] of value.redirectUris.entries()) {
      const message = rules.redirectUri(isPublic)(uri);
      if (message !== undefined) problem(context, ['redirectUris', index], message);
    }
    if (isPublic && value.clientAuthentication.length > 1) {
      // A client that may omit its secret has none.
      problem(
        context,
        ['clientAuthentication'],
        'has "none" together with other methods; write ["none"], or remove "none"',
      );
    }
    if (isPublic && value.pkceOptional) {
      problem(context, ['pkceOptional'], 'is true for a public client, which must use PKCE; write false');
    }
    if (!value.pkceOptional && value.pkceOptionalReason !== undefined) {
      problem(
        context,
        ['pkceOptionalReason'],
        'explains pkceOptional: true, which is not set; remove it, or write pkceOptional: true',
      );
    }
    const showsIdentities = value.identityAudiences !== undefined;
    if (value.consentReason !== undefined && !((isPublic || showsIdentities) && value.consent === 'partner')) {
      problem(
        context,
        ['consentReason'],
        'is only for consent: "partner" of a public client, or beside identityAudiences; remove it',
      );
    }
    if (showsIdentities) checkIdentities(value, context);
    if (usesSecret !== value.secretHashes.length > 0) {
      problem(
        context,
        ['secretHashes'],
        usesSecret
          ? 'is empty, but the partner authenticates with a secret; write the SHA-256 of the secret, in base64url'
          : 'is set, but clientAuthentication has no method that uses a secret; remove it',
      );
    }
    if (usesKey !== value.jwks.length > 0) {
      problem(
        context,
        ['jwks'],
        usesKey
          ? "is empty, but private_key_jwt needs a key; write the partner's public JWKs, each with its kid"
          : 'is set, but clientAuthentication lacks "private_key_jwt"; add that method, or remove the keys',
      );
    }
  });

const lifetimes = z.strictObject({
  loginAttempt: upTo(longestLifetimes.loginAttempt).default(longestLifetimes.loginAttempt),
  code: z.int().min(1, 'is too short; write at least 1 (seconds)').default(longestLifetimes.code),
  accessToken: upTo(longestLifetimes.accessToken).default(longestLifetimes.accessToken),
  grant: upTo(longestLifetimes.grant).default(longestLifetimes.grant),
  refreshGrace: upTo(longestLifetimes.refreshGrace, 0).default(longestLifetimes.refreshGrace),
  publicRefreshGrace: upTo(longestLifetimes.publicRefreshGrace, 0).default(longestLifetimes.publicRefreshGrace),
});

const checkLifetimes = ({ lifetimes: { accessToken, refreshGrace, grant } }: StageConfig, context: Context): void => {
  for (const [name, seconds] of Object.entries({ accessToken, refreshGrace })) {
    if (seconds > grant) {
      problem(
        context,
        ['lifetimes', name],
        `is ${seconds}, longer than the lifetime of the grant; write at most ${grant} (seconds)`,
      );
    }
  }
};

const checkCodeLifetime = ({ stage, production, lifetimes: { code } }: StageConfig, context: Context): void => {
  const isLocal = stage === 'local' && !production;
  const longest = isLocal ? longestLocalCode : longestLifetimes.code;
  if (code <= longest) return;
  const unit = isLocal ? 'seconds' : `seconds; up to ${longestLocalCode} in stage local only`;
  problem(context, ['lifetimes', 'code'], `is longer than allowed; write at most ${longest} (${unit})`);
};

const checkFirstBytes = ({ edge, payers }: StageConfig, context: Context): void => {
  for (const [index, { quirks: quirksOf }] of payers.entries()) {
    if (edge === false || (quirksOf.timeToFirstByte ?? 0) <= longestFirstByteWithEdge) continue;
    problem(
      context,
      ['payers', index, 'quirks', 'timeToFirstByte'],
      `is longer than edge allows; write at most ${longestFirstByteWithEdge} (seconds), or edge: false`,
    );
  }
};

const checkProduction = (config: StageConfig, context: Context): void => {
  if (!config.production) return;
  for (const { path, message } of [...weaknesses(config), ...leftovers(config)]) {
    firstProblem(context, path, message);
  }
};

/** What only one payer or partner may have. */
export const entryFields = { payers: distinctFields(payer), partners: distinctFields(partner) };

/** A whole stage. */
export const stageSchema = z
  .strictObject({
    stage: text(rules.stageName),
    ...deployment,
    identityProviders: z.array(identityProvider).superRefine(checkIssuers).optional(),
    longestConsentAge: upTo(longestConsentAge).default(longestConsentAge),
    exchanges: exchanges.optional(),
    lifetimes: lifetimes.prefault({}),
    payers: z.array(payer).min(1, 'is empty; write at least one payer'),
    partners: z.array(partner),
  })
  .superRefine((config, context) => {
    checkCodeLifetime(config, context);
    checkLifetimes(config, context);
    checkDeployment(config, context);
    checkFirstBytes(config, context);
    checkEntries(config, context);
    checkDistinct(config, context, entryFields);
    checkSizes(config, context);
    checkFinished(config, context);
    checkProduction(config, context);
  });
