import { commonMetadata, type Facade } from './facade.ts';

/**
 * The document of SMART App Launch 2.2, "Using well-known". Without `issuer` and `jwks_uri`, which are required only
 * with the capability `sso-openid-connect`.
 */
export const smartConfiguration = (facade: Facade) => ({
  ...commonMetadata(facade),
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
  ],
});
