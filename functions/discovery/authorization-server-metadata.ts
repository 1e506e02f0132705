import { commonMetadata, type Facade } from './facade.ts';

/**
 * RFC 8414 metadata. It has no `jwks_uri`, since the gateway signs nothing for partners. The keys at
 * `/oauth2/jwks/{payer}` are for the payer.
 */
export const authorizationServerMetadata = (facade: Facade) => ({
  issuer: facade.base,
  ...commonMetadata(facade),
  authorization_response_iss_parameter_supported: true,
});
