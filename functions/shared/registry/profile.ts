import type { Lifetimes, Partner, Payer } from './types.ts';

/** FHIR's own media type of JSON (https://hl7.org/fhir/R4/http.html#mime-type), which partners always get. */
export const fhirJson = 'application/fhir+json';

/** What a payer's FHIR API is asked for. */
export const fhirMediaType = ({ quirks }: Pick<Payer, 'quirks'>): string => quirks.fhirMediaType ?? fhirJson;

/** A payer's profile for grants by a member's identity token: it has the scopes and the consent lifetime of `identitySignIn`. */
export const identityProfile = (payer: Payer): Payer => {
  if (payer.identitySignIn === undefined) return payer;
  const { scopes, consentLifetime = payer.consentLifetime } = payer.identitySignIn;
  return { ...payer, scopes, ...(consentLifetime === undefined ? {} : { consentLifetime }) };
};

/**
 * The payer whose secret the gateway uses at a payer, by its id; undefined for a public client that needs no secret header
 * either.
 */
export const secretOwnerOf = ({
  id,
  secretOf,
  clientAuthentication,
  quirks,
}: Pick<Payer, 'id' | 'secretOf' | 'clientAuthentication' | 'quirks'>): string | undefined =>
  clientAuthentication === 'none' && quirks.secretHeaders === undefined ? undefined : (secretOf ?? id);

/** The payers for which a stage has a secret each: of sign-ins, and of exchanges. A payer may be among both. */
export const payersWithSecrets = (
  payers: readonly Payer[],
): Readonly<Record<'own' | 'exchange', readonly Payer[]>> => ({
  own: payers.filter((payer) => secretOwnerOf(payer) === payer.id),
  exchange: payers.filter(({ exchange }) => exchange !== undefined),
});

/** The name of payer `x`'s secret is this, followed by `x`. */
export const payerSecretPrefix = (stage: string): string => `p2p/${stage}/payers/`;

/** The name of the secret with the key of exchanges with payer `x` is this, followed by `x`. Nothing but their job may read it. */
export const exchangeSecretPrefix = (stage: string): string => `p2p/${stage}/exchanges/`;

/** Each payer's secrets have names that begin with one of these. */
export const secretPrefixes = (stage: string): readonly string[] => [
  payerSecretPrefix(stage),
  exchangeSecretPrefix(stage),
];

/** What Secrets Manager shows beside it. */
export const exchangeSecretDescription = ({ displayName }: Pick<Payer, 'displayName'>): string =>
  `How the gateway authenticates when it asks ${displayName} as a former plan: {"private_key_jwk"}`;

/** What Secrets Manager shows beside a payer's secret. */
export const payerSecretDescription = ({ displayName }: Pick<Payer, 'displayName'>): string =>
  `How the gateway authenticates at ${displayName}: {"client_secret"} or {"private_key_jwk"}`;

/** How long a grant lives at most, in seconds: the stage's lifetime, or the member's consent at the payer. */
export const grantLifetime = ({ grant }: Lifetimes, { consentLifetime }: Payer): number =>
  Math.min(grant, consentLifetime ?? grant);

/** Whether a partner sends members to a sign-in. A plan's own system that only asks former plans does not. */
export const sendsMembers = ({ redirectUris }: Pick<Partner, 'redirectUris'>): boolean => redirectUris.length > 0;

const payersOf = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Whether a partner may read from a payer. A partner may list thousands, so the list is made a set once. */
export const mayReadFrom = ({ payers }: Pick<Partner, 'payers'>, payerId: string): boolean => {
  const known = payersOf.get(payers) ?? new Set(payers);
  payersOf.set(payers, known);
  return known.has(payerId);
};
