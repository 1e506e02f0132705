/** Receives the gateway's events: WEBHOOK_SECRETS='whsec_… whsec_…' node receive-events.mjs 8080 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

// An empty secret would let anyone sign.
const secrets = process.env.WEBHOOK_SECRETS?.match(/whsec_[A-Za-z0-9+/]{32,}={0,2}/g) ?? [];
if (secrets.length === 0) {
  console.error('Set WEBHOOK_SECRETS to the secret of your webhook, whsec_…');
  process.exit(1);
}
const port = process.argv[2];
if (port === undefined) {
  console.error('Give the port to listen on, such as 8080.');
  process.exit(1);
}
const seen = new Set(); // In your app: use a database, so that it survives a restart.
const underWay = new Set();

/** Hands an event on. In your app: put it into a queue, and throw if the queue does not take it. */
const handOn = async (id, { type, data }) => console.log(id, type, data.export ?? data.grant ?? '');

const isSigned = (headers, body) => {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(time)) <= 300)) return false;
  return secrets.some((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const hash = createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64');
    const expected = Buffer.from(`v1,${hash}`);
    return signatures.split(' ').some((one) => {
      const given = Buffer.from(one);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  });
};

const mostBytes = 64 * 1024; // An event has a few hundred.

const receive = async (request, response) => {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > mostBytes) return response.writeHead(413).end();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString('utf8'); // Unparsed: the signature covers every byte.
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const id = request.headers['webhook-id'];
  if (underWay.has(id)) return response.writeHead(503).end(); // It may still fail: the gateway sends it again.
  if (!seen.has(id)) {
    underWay.add(id);
    try {
      await handOn(id, JSON.parse(body));
      seen.add(id); // Not before: an event that failed here is sent again.
    } finally {
      underWay.delete(id);
    }
  }
  response.writeHead(204).end();
};
const server = createServer((request, response) =>
  receive(request, response).catch((error) => {
    console.error(error.message);
    response.writeHead(503).end(); // The gateway sends it again.
  }),
);
server.listen(Number(port), () => console.log('listening on', server.address().port));
