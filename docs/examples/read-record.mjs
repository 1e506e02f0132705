// Signs a member in and reads the record: node read-record.mjs BASE CLIENT_ID REDIRECT_URI
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const [base, clientId, redirectUri] = process.argv.slice(2);
const secret = process.env.CLIENT_SECRET;

// Discovery finds the endpoints, and PKCE and state are made for this one sign-in.
const config = await client.discovery(
  new URL(base),
  clientId,
  undefined,
  secret === undefined ? client.None() : client.ClientSecretPost(secret),
  { algorithm: 'oauth2', execute: new URL(base).hostname === 'localhost' ? [client.allowInsecureRequests] : [] },
);
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

// The member signs in, and the browser brings the code to the redirect URI.
const { hostname, port } = new URL(redirectUri);
const server = createServer().listen(Number(port), hostname);
console.log(`Open this in a browser:\n${authorize.href}`);
const [request, response] = await once(server, 'request');
response.end('You can close this page.');
server.close();

// The code becomes tokens. A wrong state or issuer throws here.
const tokens = await client.authorizationCodeGrant(config, new URL(request.url, redirectUri), {
  pkceCodeVerifier: verifier,
  expectedState: state,
});

// The record comes in pages.
const { patient } = tokens;
if (typeof patient !== 'string') throw new Error('This sign-in names no member.');
const resources = [];
let next = `${base}/Patient/${patient}/$everything`;
while (next !== undefined) {
  const answer = await client.fetchProtectedResource(config, tokens.access_token, new URL(next), 'GET');
  const bundle = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status} ${bundle.issue?.[0]?.diagnostics}`);
  resources.push(...(bundle.entry ?? []).map(({ resource }) => resource));
  next = bundle.link?.find(({ relation }) => relation === 'next')?.url;
  // The payer writes links; the token is for the gateway only.
  if (next !== undefined && !next.startsWith(base)) throw new Error(`The next page is elsewhere: ${next}`);
}
await writeFile('record.ndjson', resources.map((resource) => `${JSON.stringify(resource)}\n`).join(''));
console.log(`record.ndjson has ${resources.length} resources.`);
