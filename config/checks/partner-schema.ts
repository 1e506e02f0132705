/** A partner's fields, and the rules that span several. */
import * as z from 'zod';
import { clientAuthentications } from '../../functions/shared/registry/token-endpoint.ts';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { isAboutPatient, parseScope } from '../../functions/shared/scopes/scopes.ts';
import { distinct } from './distinct.ts';
import { checkIssuers, identifiers, publicKeys } from './entry-fields.ts';
import {
  checkBurst,
  checkUnique,
  list,
  listOf,
  problem,
  requestedUrl,
  text,
  url,
  type Context,
  type Fields,
} from './fields.ts';
import { shownName } from './names.ts';
import * as rules from './rules.ts';

const identityAudiences = z
  .array(
    z.strictObject({
      issuer: url(rules.issuer, 'nobody'),
      audiences: list(rules.visible).min(1, "is empty; write the partner's client ids there"),
    } satisfies Fields<NonNullable<Partner['identityAudiences']>[number]>),
  )
  .min(1, "is empty; write an issuer and the partner's client ids there, or remove it")
  .superRefine(checkIssuers);

/** Where a partner presents its members' identities, no page of ours asks them, and a shared secret would prove too little. */
const checkIdentities = (
  {
    clientAuthentication,
    consent,
    consentReason,
  }: Pick<Partner, 'clientAuthentication' | 'consent'> & {
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

/** The rate of a partner whose entry has none. */
export const usualRate = { perSecond: 50, burst: 100 } as const;

/** A partner, with its defaults. */
export const partner = z
  .strictObject({
    clientId: text(rules.partnerId),
    name: distinct('name', text(shownName)),
    homePage: url(rules.webUrl, 'browsers'),
    logo: text(rules.image).optional(),
    privacyPolicy: url(rules.webUrl, 'browsers').optional(),
    redirectUris: z.array(requestedUrl(z.string(), 'browsers')),
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
    webOrigins: listOf(url(rules.origin, 'browsers')).default([]),
    webhook: url(rules.webhook).optional(),
    consent: z.enum(['gateway', 'partner']).default('gateway'),
    consentReason: text().optional(),
    identityAudiences: identityAudiences.optional(),
    exchange: z.strictObject({ identifiers }).optional(),
    rate: z
      .strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) })
      .superRefine((rate, context) => checkBurst(context, [], rate))
      .default(usualRate),
  } satisfies Fields<Partner>)
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
    if (value.consentReason !== undefined && !showsIdentities && !(isPublic && value.consent === 'partner')) {
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
