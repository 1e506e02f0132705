import type { Payer } from '../shared/registry/types.ts';
import { brandsUrl } from './brands/bundle.ts';
import { brandIdentifier } from './brands/identifiers.ts';
import { commonMetadata, type Facade } from './facade.ts';
import { exportOperation, hasExports } from './whole-record.ts';

/**
 * The document of SMART App Launch 2.2, "Using well-known". Without `issuer` and `jwks_uri`, which are required only
 * with the capability `sso-openid-connect`.
 */
export const smartConfiguration = (origin: string, facade: Facade, payer: Payer) => ({
  ...commonMetadata(facade),
  // The bundle has every payer, so the identifier is required too.
  user_access_brand_bundle: brandsUrl(origin),
  user_access_brand_identifier: brandIdentifier(origin, payer.id),
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
  ],
});
