// Gets a system token, with which a plan's own system asks a former plan for records: node system-token.mjs BASE CLIENT_ID KEY_FILE KEY_ID
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [given, clientId, keyFile, kid] = process.argv.slice(2);
if (kid === undefined) {
  console.error('node system-token.mjs BASE CLIENT_ID KEY_FILE KEY_ID');
  process.exit(1);
}
const base = given.replace(/\/+$/, '');
// One line for what goes wrong, such as a gateway that cannot be reached.
process.on('uncaughtException', ({ message, cause }) => {
  console.error(cause?.message || cause?.code || message);
  process.exit(1);
});
/** The answer, unless it is an error: that ends the program with what the gateway says. */
const ok = async (answer) => {
  if (answer.ok) return answer;
  console.error(`${answer.status} ${await answer.text()}`);
  process.exit(1);
};
const found = await ok(await fetch(`${base}/.well-known/smart-configuration`));
const { token_endpoint: endpoint } = await found.json();

// A client assertion (RFC 7523), signed with the key whose public half is in your registration.
const key = createPrivateKey(readFileSync(keyFile));
const isEc = key.asymmetricKeyType === 'ec';
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const exp = Math.floor(Date.now() / 1000) + 60;
const claims = { iss: clientId, sub: clientId, aud: endpoint, jti: randomUUID(), exp };
const signed = `${encode({ alg: isEc ? 'ES384' : 'RS384', typ: 'JWT', kid })}.${encode(claims)}`;
const signature = sign('sha384', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

// `resource` says which former plan. The token lives for five minutes; ask for another whenever you need one.
const form = new URLSearchParams({
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: `${signed}.${signature}`,
  scope: 'system/*.rs',
  resource: base,
});
const answer = await ok(await fetch(endpoint, { method: 'POST', body: form }));
console.log((await answer.json()).access_token);
