import { createPrivateKey } from 'node:crypto';
import * as openid from 'openid-client';

/** The app's own key at the gateway, for `private_key_jwt`. */
export interface AppKey {
  /** An RSA key, or an EC key of the curve P-384, in PEM. */
  readonly privateKey: string;
  readonly kid: string;
}

/** Where members prove who they are to this app, and the app's key at the gateway. */
export interface IdentitySettings {
  /** The identity provider, such as `https://api.id.me/oidc`. */
  readonly issuer: string;
  /** The app's client id at the identity provider. */
  readonly clientId: string;
  /** The payers that take an identity, by id. */
  readonly payers: readonly string[];
  readonly key: AppKey;
}

/** What an app presents: who its member is, and that the member agreed. */
export interface PresentedIdentity {
  readonly idToken: string;
  /** When the member agreed that this app reads the record, in epoch milliseconds. */
  readonly agreedAtMs: number;
}

const scope = 'launch/patient patient/*.rs offline_access';

/** Whether the URL reaches only this machine, where TLS is not needed. */
const isLoopback = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/**
 * Gets tokens with a member's identity token: one call, without a browser (RFC 6749 §4.4, RFC 7523, RFC 8707).
 * @param base the FHIR base of the payer at the gateway
 */
export const presentIdentity = async (
  base: string,
  clientId: string,
  key: AppKey,
  presented: PresentedIdentity,
): Promise<openid.TokenEndpointResponse> => {
  const server = await discovered(base, clientId, 'oauth2');
  const { token_endpoint: tokenEndpoint = '' } = server.serverMetadata();
  const authentication = openid.PrivateKeyJwt(
    { key: await importKey(key.privateKey), kid: key.kid },
    {
      [openid.modifyAssertion]: (header, claims) => {
        header['typ'] = 'JWT';
        Object.assign(claims, { aud: tokenEndpoint, extensions: { cms_smart: smartOf(presented) } });
      },
    },
  );
  const client = new openid.Configuration(server.serverMetadata(), clientId, undefined, authentication);
  if (isLoopback(new URL(base))) openid.allowInsecureRequests(client);
  return openid.clientCredentialsGrant(client, { resource: base, scope });
};

const smartOf = ({ idToken, agreedAtMs }: PresentedIdentity) => ({
  version: '1',
  purpose_of_use: 'PATRQT',
  id_token: idToken,
  consent_attestation: { user_action: 'approved', user_action_timestamp: new Date(agreedAtMs).toISOString() },
});

const known = new Map<string, openid.Configuration>();

/** A server that was asked for its endpoints: once, unless that failed. */
export const discovered = async (
  server: string,
  clientId: string,
  algorithm: 'oidc' | 'oauth2',
): Promise<openid.Configuration> => {
  const name = `${clientId} ${server}`;
  const found =
    known.get(name) ??
    (await openid.discovery(new URL(server), clientId, undefined, openid.None(), {
      algorithm,
      execute: isLoopback(new URL(server)) ? [openid.allowInsecureRequests] : [],
    }));
  known.set(name, found);
  return found;
};

const importKey = (pem: string): Promise<openid.CryptoKey> => {
  const key = createPrivateKey(pem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const algorithm =
    key.asymmetricKeyType === 'ec'
      ? { name: 'ECDSA', namedCurve: 'P-384' }
      : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' };
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
};
