// Gets tokens with a member's identity token, in one call: node present-identity.mjs BASE CLIENT_ID KEY_FILE KEY_ID
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as client from 'openid-client';

const [given, clientId, keyFile, kid] = process.argv.slice(2);
if (kid === undefined) {
  console.error('ID_TOKEN=… node present-identity.mjs BASE CLIENT_ID KEY_FILE KEY_ID');
  process.exit(1);
}
const base = given.replace(/\/+$/, '');
// From your identity provider, as soon as the member has agreed and signed in there.
const idToken = process.env.ID_TOKEN;
if (!idToken) {
  console.error('Set ID_TOKEN to an id token of your identity provider.');
  process.exit(1);
}
const agreedAt = new Date().toISOString();
/** Ends the program with what the gateway says. */
const end = async ({ message, error, error_description, cause, response = cause }) => {
  const isUnread = response instanceof Response && !response.bodyUsed;
  const said = isUnread ? `${response.status} ${await response.text()}` : cause?.message || cause?.code || message;
  console.error(error === undefined ? said : `${error}: ${error_description}`);
  process.exit(1);
};

// RS384 for an RSA key, ES384 for an EC key.
const pem = createPrivateKey(await readFile(keyFile));
const der = pem.export({ type: 'pkcs8', format: 'der' });
const isEc = pem.asymmetricKeyType === 'ec';
const algorithm = isEc ? { name: 'ECDSA', namedCurve: 'P-384' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' };
const key = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);

// The assertion that your key signs says who the member is, and that the member agreed.
const cmsSmart = {
  version: '1',
  purpose_of_use: 'PATRQT',
  id_token: idToken,
  consent_attestation: { user_action: 'approved', user_action_timestamp: agreedAt },
};
const extend = (header, claims) => {
  header.typ = 'JWT';
  claims.extensions = { cms_smart: cmsSmart };
};
const config = await client
  .discovery(
    new URL(base),
    clientId,
    undefined,
    client.PrivateKeyJwt({ key, kid }, { [client.modifyAssertion]: extend }),
    { algorithm: 'oauth2', execute: new URL(base).hostname === 'localhost' ? [client.allowInsecureRequests] : [] },
  )
  .catch(end);

// `resource` says which payer.
const scope = 'launch/patient patient/*.rs offline_access';
const tokens = await client.clientCredentialsGrant(config, { resource: base, scope }).catch(end);
console.log(JSON.stringify(tokens, undefined, 2));
