// Fetches a member's whole record: ACCESS_TOKEN=… node whole-record.mjs BASE FOLDER
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const [given, folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('ACCESS_TOKEN=… node whole-record.mjs BASE FOLDER');
  process.exit(1);
}
const base = given.replace(/\/+$/, '');
const accessToken = () => process.env.ACCESS_TOKEN; // In your app: refresh it before it expires.
const end = (why) => {
  console.error(why);
  process.exit(1);
};

// One line for what goes wrong, such as a gateway that cannot be reached.
process.on('uncaughtException', ({ message, cause }) => end(cause?.message || cause?.code || message));

const mostTries = 20;
const call = async (url, method = 'GET', headers = {}) => {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, { method, headers: { authorization: `Bearer ${accessToken()}`, ...headers } });
    if (answer.ok || answer.headers.has('content-location')) return answer; // Or follow the export that runs already.
    if (![429, 502, 503, 504].includes(answer.status) || tries === mostTries)
      end(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    await sleep(1000 * Number(answer.headers.get('retry-after') ?? 30));
  }
};

const save = async ({ url, count, size }) => {
  const found = { lines: 0, bytes: 0 };
  const counted = async function* (chunks) {
    for await (const chunk of chunks) {
      found.bytes += chunk.length;
      for (const byte of chunk) if (byte === 10) found.lines += 1;
      yield chunk;
    }
  };
  await pipeline((await call(url)).body, counted, createWriteStream(`${folder}/${url.split('/').at(-1)}`));
  const [is, of, what] = size === undefined ? [found.lines, count, 'lines'] : [found.bytes, size, 'bytes'];
  if (is !== of) end(`${url} has ${is} ${what} instead of ${of}.`);
};

await mkdir(folder, { recursive: true });
const started = await call(`${base}/Patient/$export`, 'GET', { prefer: 'respond-async' });
const status = started.headers.get('content-location');
let answer = await call(status);
for (; answer.status === 202; answer = await call(status)) {
  console.log(answer.headers.get('x-progress'));
  await sleep(1000 * Number(answer.headers.get('retry-after')));
}
const manifest = await answer.json();
for (const file of [...manifest.output, ...manifest.error, ...manifest.extension.attachments]) await save(file);
await writeFile(`${folder}/manifest.json`, JSON.stringify(manifest, undefined, 2));
await call(status, 'DELETE');
for (const { type, outcome, count, reason = '' } of manifest.extension.outcomes)
  console.log(type, outcome, count, reason);
