import { assertionAlgorithms, authenticationAt, grantTypes } from '../shared/registry/token-endpoint.ts';
import type { Payer } from '../shared/registry/types.ts';
import { authorizeUrl, facadeBase, tokenUrl } from '../shared/registry/urls.ts';

/** The URLs of a payer's facade, as partner apps see it. */
export interface Facade {
  /** Both FHIR base URL and issuer. */
  readonly base: string;
  readonly authorize: string;
  readonly token: string;
  readonly revoke: string;
  readonly introspect: string;
}

/**
 * @param origin the public origin, without a trailing slash
 */
export const facadeOf = (origin: string, payer: Payer): Facade => ({
  base: facadeBase(origin, payer.id),
  authorize: authorizeUrl(origin, payer.id),
  token: tokenUrl(origin),
  revoke: `${origin}/oauth2/revoke`,
  introspect: `${origin}/oauth2/introspect`,
});

/** What both discovery documents share. Everything in it works, and anything else is refused. */
export const commonMetadata = (facade: Facade) => ({
  authorization_endpoint: facade.authorize,
  token_endpoint: facade.token,
  token_endpoint_auth_methods_supported: authenticationAt.token,
  token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  revocation_endpoint: facade.revoke,
  revocation_endpoint_auth_methods_supported: authenticationAt.revocation,
  revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  introspection_endpoint: facade.introspect,
  introspection_endpoint_auth_methods_supported: authenticationAt.introspection,
  introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
  grant_types_supported: grantTypes,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: [
    'launch/patient',
    'offline_access',
    'patient/*.rs',
    'patient/*.r',
    'patient/*.s',
    'patient/*.read',
  ],
});
