/** The fields of a payer, with their defaults. What spans several is in `profile-rules.ts`. */
import * as z from 'zod';
import { assertionAlgorithms, clientAuthentications } from '../../functions/shared/registry/token-endpoint.ts';
import type {
  Brand,
  IdentitySignIn,
  Payer,
  PayerExchange,
  PayerQuirks,
} from '../../functions/shared/registry/types.ts';
import { distinct } from './distinct.ts';
import { identifiers, publicKeys, upTo } from './entry-fields.ts';
import { list, listOf, problem, requestedUrl, text, url, type Fields } from './fields.ts';
import { shownName } from './names.ts';
import * as rules from './rules.ts';
import { ownNames } from './unknown-fields.ts';

const days = 86_400;

/** A payer's base: two payers with one would get each other's tokens, and their links could not be told apart. */
const baseUrl = distinct('base', url(rules.fhirBaseUrl));
const printedBaseUrl = distinct('base', url(rules.printedBaseUrl, 'printed'));

/** Names and values of extra parameters. A name comes first: a secret must not become a string, but go. */
const extraParameters = (name: rules.Rule) => ownNames(z.record(text(name), z.string()));

/** Not a union, whose findings would be about one of its kinds. */
const aud = z
  .custom<boolean | string>((value) => value === undefined || typeof value === 'boolean' || typeof value === 'string', {
    error: 'is neither a boolean nor a string; write true, false, or the URL that the payer asks for',
  })
  .superRefine((value, context) => {
    const message = typeof value === 'string' ? rules.audience(value) : undefined;
    if (message !== undefined) problem(context, [], message);
  });

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

const quirks = z
  .strictObject({
    responseType: z.boolean().default(true),
    aud: requestedUrl(aud, 'printed').default(true),
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
    signInOrigins: listOf(url(rules.origin, 'browsers')).default([]),
  } satisfies Fields<PayerQuirks>)
  .superRefine(({ pkce, pkceOffReason }, context) => {
    if (pkce && pkceOffReason !== undefined) {
      problem(context, ['pkceOffReason'], 'explains pkce: false, which is not set; remove it, or write pkce: false');
    }
  });

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
  } satisfies Fields<NonNullable<Payer['wholeRecord']>>)
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
    } satisfies Fields<NonNullable<Payer['furtherBases']>[number]>),
  )
  .min(1, 'is empty; write bases, or remove it');

const brand = z.strictObject({
  website: url(rules.webUrl, 'browsers'),
  logo: url(rules.webUrl, 'browsers').optional(),
  otherNames: listOf(distinct('name', text(shownName)))
    .min(1, 'is empty; write other names, or remove it')
    .optional(),
  identifiers: z
    .strictObject({
      payerId: list(rules.payerNumber).optional(),
      naic: list(rules.digits(5)).optional(),
      hios: list(rules.digits(5)).optional(),
      npi: list(rules.npi).optional(),
    } satisfies Fields<NonNullable<Brand['identifiers']>>)
    .optional(),
} satisfies Fields<Brand>);

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
} satisfies Fields<IdentitySignIn['noMatch'][number]>);

const identitySignIn = z.strictObject({
  issuers: listOf(url(rules.issuer, 'nobody')).min(1, 'is empty; write the issuers whose tokens the payer accepts'),
  assertionAlgorithm: z.enum(assertionAlgorithms),
  tokenEndpoint: url(rules.payerEndpoint).optional(),
  scopes: list(rules.identityScope).min(1, 'is empty; write the scopes that the payer lists for this call'),
  noMatch: z.array(answerShape).min(1, 'is empty; write how the payer says that no single member matches'),
  consentPolicies: listOf(url(rules.webUrl, 'nobody'))
    .min(1, 'is empty; write the URLs of policies, or remove it')
    .optional(),
  longestAuthAge: upTo(days).optional(),
  consentLifetime: upTo(longestConsent, 3600).optional(),
} satisfies Fields<IdentitySignIn>);

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
  tokenEndpoint: url(rules.payerEndpoint).optional(),
  fhirBaseUrl: baseUrl.optional(),
  matchPath: text(rules.operationPath([])).optional(),
  exportPath: text(rules.operationPath(['{group}'])).optional(),
  exportMethod: z.literal('GET').optional(),
  typeFilter: z.literal(true).optional(),
  fileToken: z.enum(['always', 'never']).optional(),
  statusOrigins: listOf(url(rules.origin)).min(1, 'is empty; write origins, or remove it').optional(),
  fileOrigins: listOf(url(rules.origin)).min(1, 'is empty; write origins, or remove it').optional(),
  requestsPerSecond: pace.optional(),
} satisfies Fields<PayerExchange>);

export const payerFields = {
  id: text(rules.id),
  displayName: distinct('name', text(shownName)),
  fhirBaseUrl: baseUrl,
  fhirBaseUrlAliases: listOf(printedBaseUrl).default([]),
  furtherBases: furtherBases.optional(),
  // Browsers open it, and functions look at its certificate.
  authorizationEndpoint: url(rules.authorizationEndpoint, 'both'),
  tokenEndpoint: url(rules.payerEndpoint),
  revocationEndpoint: url(rules.payerEndpoint).optional(),
  issuer: url(rules.issuer, 'canary').optional(),
  smartConfigurationUrl: url(rules.webUrl).optional(),
  userinfoEndpoint: url(rules.payerEndpoint).optional(),
  jwksUri: url(rules.webUrl).optional(),
  sendsIss: z.boolean().default(false),
  clientId: text(rules.visible),
  clientAuthentication: z.enum(clientAuthentications),
  secretOf: z.string().optional(),
  publicKeys: publicKeys.default([]),
  scopes: list(rules.payerScope),
  grantedScope: z.literal('asRequested').optional(),
  ownScopes: list(rules.ownScope).min(1, 'is empty; write the words of its answers, or remove it').optional(),
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
  linesOfBusiness: list(shownName).min(1, 'is empty; write the kinds of plans, or remove it').optional(),
  brand: brand.optional(),
  quirks: quirks.prefault({}),
} satisfies Fields<Payer>;
