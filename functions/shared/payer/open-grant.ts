import { GatewayError } from '../errors.ts';
import { unsealPayerTokens, type Grant, type PayerTokens } from '../store/grant-item.ts';

/** A grant opened with the key that its bearer carries. */
export interface OpenGrant {
  readonly grant: Grant;
  readonly grantKey: Uint8Array;
  readonly tokens: PayerTokens;
}

export const accessEnded = (detail: string): GatewayError =>
  new GatewayError('invalid_token', 'This access has ended. Ask the member to connect again.', { detail });

/**
 * Opens a grant's payer tokens.
 * @throws GatewayError `invalid_token` if the key is not this grant's, `server_error` if the grant's item was changed
 */
export const openGrant = (grant: Grant, grantKey: Uint8Array): OpenGrant => {
  try {
    return { grant, grantKey, tokens: unsealPayerTokens(grant, grantKey) };
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw accessEnded('the token does not open its grant');
  }
};
