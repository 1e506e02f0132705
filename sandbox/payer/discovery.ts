import type { Preset } from './presets.ts';

/** SMART App Launch 2.2 §8.2: the server's capabilities. */
export const smartConfiguration = (preset: Preset, origin: string): Record<string, unknown> => {
  const { paths } = preset;
  return {
    authorization_endpoint: origin + paths.authorize,
    token_endpoint: origin + paths.token,
    revocation_endpoint: paths.revocation && origin + paths.revocation,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS384'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: preset.scopes,
    capabilities: [
      'launch-standalone',
      'client-confidential-asymmetric',
      'context-standalone-patient',
      'permission-offline',
      'permission-patient',
      'permission-v1',
      'permission-v2',
      'authorize-post',
    ],
  };
};
