// Signs a member in and reads the record: node read-record.mjs BASE CLIENT_ID REDIRECT_URI
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const [given, clientId, redirectUri] = process.argv.slice(2);
if (redirectUri === undefined) {
  console.error('node read-record.mjs BASE CLIENT_ID REDIRECT_URI');
  process.exit(1);
}
const base = given.replace(/\/+$/, '');
const secret = process.env.CLIENT_SECRET;
/** Ends the program with what the gateway says. */
const end = async ({ message, error, error_description, cause, response = cause }) => {
  const isUnread = response instanceof Response && !response.bodyUsed;
  const said = isUnread ? `${response.status} ${await response.text()}` : cause?.message || cause?.code || message;
  console.error(error === undefined ? said : `${error}: ${error_description}`);
  process.exit(1);
};

// Discovery finds the endpoints, and PKCE and state are made for this one sign-in.
const config = await client
  .discovery(
    new URL(base),
    clientId,
    undefined,
    secret === undefined ? client.None() : client.ClientSecretPost(secret),
    { algorithm: 'oauth2', execute: new URL(base).hostname === 'localhost' ? [client.allowInsecureRequests] : [] },
  )
  .catch(end);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const authorize = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: 'launch/patient patient/*.rs offline_access',
  state,
  aud: base,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
});

// The member signs in, and the browser brings the code to the redirect URI. It may ask for other paths, too.
const { hostname, port, pathname } = new URL(redirectUri);
const server = createServer().listen(Number(port), hostname);
console.log(`Open this in a browser:\n${authorize.href}`);
const back = await new Promise((resolve) => {
  server.on('request', ({ url }, response) => {
    const asked = new URL(url, redirectUri);
    if (asked.pathname !== pathname) return response.writeHead(404).end();
    response.end('You can close this page.', () => resolve(asked));
  });
});
server.close();
server.closeAllConnections();

// The code becomes tokens. A wrong state or issuer ends here, and so does an error.
const tokens = await client
  .authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
  .catch(end);

// The record comes in pages.
const { patient } = tokens;
if (typeof patient !== 'string') await end({ message: 'This sign-in names no member.' });
const resources = [];
let next = `${base}/Patient/${patient}/$everything`;
for (let pages = 1; next !== undefined; pages += 1) {
  if (pages > 10_000) await end({ message: 'There are over 10,000 pages.' });
  const answer = await client.fetchProtectedResource(config, tokens.access_token, new URL(next), 'GET').catch(end);
  if (!answer.ok) await end({ response: answer });
  const bundle = await answer.json();
  resources.push(...(bundle.entry ?? []).map(({ resource }) => resource));
  next = bundle.link?.find(({ relation }) => relation === 'next')?.url;
  // The payer writes links; the token is for the gateway only.
  const isOwn = next === undefined || next.startsWith(`${base}?`) || next.startsWith(`${base}/`);
  if (!isOwn) await end({ message: `The next page is elsewhere: ${next}` });
}
await writeFile('record.ndjson', resources.map((resource) => `${JSON.stringify(resource)}\n`).join(''));
console.log(`record.ndjson has ${resources.length} resources.`);
