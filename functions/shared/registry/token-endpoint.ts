/**
 * What the token endpoint accepts. Its handler, what both discovery documents advertise, what a partner's entry may say,
 * and the sentences of errors follow from these lists.
 */

/** The grant types that tokens are requested by (RFC 6749 §4.1.3 and §6). */
export const grantTypes = ['authorization_code', 'refresh_token'] as const;

/** The grant type of a member's identity token (RFC 6749 §4.4), where the stage and the payer take it. */
export const identityGrantType = 'client_credentials';

export type GrantType = (typeof grantTypes)[number] | typeof identityGrantType;

/** How a client authenticates (RFC 6749 §2.3, RFC 7523). Some clients use the first that they find advertised. */
const confidentialMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

/** The same, and a public client's. */
export const clientAuthentications = [...confidentialMethods, 'none'] as const;

export type ClientAuthentication = (typeof clientAuthentications)[number];

/** The client authentication methods that each endpoint accepts. */
export const authenticationAt = {
  token: clientAuthentications,
  revocation: clientAuthentications,
  /** RFC 7662 §2.1: whoever may ask about a token must have authenticated. */
  introspection: confidentialMethods,
} as const;

/** How a client assertion may be signed: the two algorithms that SMART App Launch requires of servers. */
export const assertionAlgorithms = ['RS384', 'ES384'] as const;

export type AssertionAlgorithm = (typeof assertionAlgorithms)[number];

/** How an identity provider may sign: with a key whose public half it publishes, never with a shared secret. */
export const identityTokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;

export type IdentityTokenAlgorithm = (typeof identityTokenAlgorithms)[number];
