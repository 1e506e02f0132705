// Serves smart-app.html at its redirect URI: node serve-smart-app.mjs BASE CLIENT_ID REDIRECT_URI
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [given, clientId, redirectUri] = process.argv.slice(2);
if (redirectUri === undefined) {
  console.error('node serve-smart-app.mjs BASE CLIENT_ID REDIRECT_URI');
  process.exit(1);
}
const base = given.replace(/\/+$/, '');
const page = readFileSync(new URL('smart-app.html', import.meta.url), 'utf8')
  .replace('http://localhost:3000/r4/demo-health-plan', base)
  .replace("clientId: 'my-app'", `clientId: '${clientId}'`);
const library = readFileSync(new URL('fhir-client.js', import.meta.resolve('fhirclient/build/')), 'utf8');

const { hostname, port } = new URL(redirectUri);
createServer((request, response) => {
  const isLibrary = request.url === '/fhir-client.js';
  response.setHeader('content-type', isLibrary ? 'text/javascript' : 'text/html; charset=utf-8');
  response.end(isLibrary ? library : page);
}).listen(Number(port), hostname, () => console.log(`Open this in a browser:\n${redirectUri}`));
