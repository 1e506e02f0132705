import type { PayerOptions } from './options.ts';
import type { Preset } from './presets.ts';
import { userinfoPath } from './provider.ts';

/** How the gateway authenticates here: the method's name at the token endpoint, and SMART's capability. */
const authenticationOf = ({ client }: Pick<PayerOptions, 'client'>): readonly [method: string, capability: string] => {
  if (client === 'public') return ['none', 'client-public'];
  return 'secret' in client
    ? ['client_secret_post', 'client-confidential-symmetric']
    : ['private_key_jwt', 'client-confidential-asymmetric'];
};

/** What a payer publishes that has OpenID Connect. */
const openIdConnect = (
  preset: Preset,
  origin: string,
  { insists: { patient } = {} }: Pick<PayerOptions, 'insists'>,
): Record<string, unknown> => {
  if (patient?.in === 'userinfo') return { userinfo_endpoint: origin + userinfoPath };
  return patient?.in === 'id_token'
    ? { issuer: origin, jwks_uri: preset.paths.jwks && origin + preset.paths.jwks }
    : {};
};

/** What a former plan takes of other plans' systems. */
const systemScopes = ['http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch', 'system/Group.rs'];

/** SMART App Launch 2.2 §8.2: the server's capabilities. */
export const smartConfiguration = (
  preset: Preset,
  origin: string,
  options: Pick<PayerOptions, 'client' | 'insists' | 'exchange'>,
): Record<string, unknown> => {
  const { paths } = preset;
  const { patient = { in: 'token', member: 'patient' } } = options.insists ?? {};
  const [method, clientCapability] = authenticationOf(options);
  const isFormerPlan = options.exchange !== undefined;
  const methods = [...new Set([method, ...(isFormerPlan ? ['private_key_jwt'] : [])])];
  const scopes = [...preset.scopes, ...(isFormerPlan ? systemScopes : [])];
  const namesPatient = patient.in === 'token' && patient.member === 'patient';
  return {
    ...openIdConnect(preset, origin, options),
    authorization_endpoint: origin + paths.authorize,
    token_endpoint: origin + paths.token,
    revocation_endpoint: paths.revocation && origin + paths.revocation,
    token_endpoint_auth_methods_supported: methods,
    ...(methods.includes('private_key_jwt') && {
      token_endpoint_auth_signing_alg_values_supported: ['ES384', 'RS384'],
    }),
    grant_types_supported: ['authorization_code', 'refresh_token', ...(isFormerPlan ? ['client_credentials'] : [])],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: patient.in === 'token' ? scopes : [...scopes, 'openid'],
    capabilities: [
      'launch-standalone',
      clientCapability,
      ...(namesPatient ? ['context-standalone-patient'] : []),
      ...(patient.in === 'id_token' ? ['sso-openid-connect'] : []),
      'permission-offline',
      'permission-patient',
      'permission-v1',
      'permission-v2',
      'authorize-post',
    ],
  };
};
