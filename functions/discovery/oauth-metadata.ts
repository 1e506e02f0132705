import { mayBeAsked, systemScope } from '../shared/partner/authenticate-system.ts';
import {
  assertionAlgorithms,
  authenticationAt,
  grantTypes,
  identityGrantType,
} from '../shared/registry/token-endpoint.ts';
import type { Payer } from '../shared/registry/types.ts';
import { connectionsUrl } from '../shared/registry/urls.ts';
import { brandsUrl } from './brands/bundle.ts';
import { brandIdentifier } from './brands/identifiers.ts';
import { exportOperation, hasExports } from './export-operation.ts';
import type { Facade } from './facade.ts';
import { groupOperationsOf } from './group-operations.ts';
import { identityCapability } from './identity-capability.ts';

/** Whether a member's identity token makes a grant here. */
const takesIdentities = ({ identitySignIn }: Payer): boolean => identitySignIn !== undefined;

/** What both discovery documents share. Everything in it works, and anything else is refused. */
const commonMetadata = (facade: Facade, payer: Payer) => ({
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
  grant_types_supported: takesIdentities(payer) || mayBeAsked(payer) ? [...grantTypes, identityGrantType] : grantTypes,
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
    ...(mayBeAsked(payer) ? [systemScope] : []),
  ],
});

/**
 * RFC 8414 metadata. It has no `jwks_uri`, since the gateway signs nothing for partners. The keys at
 * `/oauth2/jwks/{payer}` are for the payer.
 */
export const authorizationServerMetadata = (facade: Facade, payer: Payer) => ({
  issuer: facade.base,
  ...commonMetadata(facade, payer),
  authorization_response_iss_parameter_supported: true,
});

/**
 * The document of SMART App Launch 2.2, "Using well-known". Without `issuer` and `jwks_uri`, which are required only
 * with the capability `sso-openid-connect`.
 */
export const smartConfiguration = (origin: string, facade: Facade, payer: Payer) => ({
  ...commonMetadata(facade, payer),
  // The bundle has every payer, so the identifier is required too.
  user_access_brand_bundle: brandsUrl(origin),
  user_access_brand_identifier: brandIdentifier(origin, payer.id),
  // Where grants name no patient, no member can see which are theirs.
  ...(payer.patientFrom === 'none' ? {} : { management_endpoint: connectionsUrl(origin, payer.id) }),
  capabilities: [
    'launch-standalone',
    'authorize-post',
    'client-public',
    'client-confidential-symmetric',
    'client-confidential-asymmetric',
    'context-standalone-patient',
    'permission-offline',
    'permission-patient',
    'permission-v1',
    'permission-v2',
    // SMART asks for full URIs where it defines no name of its own.
    ...(hasExports(payer) ? [exportOperation.definition] : []),
    ...groupOperationsOf(payer).map(({ definition }) => definition),
    ...(takesIdentities(payer) ? [identityCapability(origin)] : []),
  ],
});
