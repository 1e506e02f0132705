// Fetches a member's whole record: ACCESS_TOKEN=… node whole-record.mjs BASE FOLDER
import { mkdir, open, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

// One line for what goes wrong, such as a gateway that cannot be reached.
process.on('uncaughtException', ({ message, cause }) => {
  console.error(cause?.message || cause?.code || message);
  process.exit(1);
});
const [base, folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('ACCESS_TOKEN=… node whole-record.mjs BASE FOLDER');
if (!process.env.ACCESS_TOKEN) throw new Error("Set ACCESS_TOKEN to an access token of the member's grant.");
const accessToken = () => process.env.ACCESS_TOKEN; // In your app: refresh it before it expires.

const call = async (url, method = 'GET', headers = {}) => {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, { method, headers: { authorization: `Bearer ${accessToken()}`, ...headers } });
    if (answer.ok || answer.headers.has('content-location')) return answer; // Or follow the export that runs already.
    if (![429, 502, 503, 504].includes(answer.status) || tries === 20)
      throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    await sleep(1000 * Number(answer.headers.get('retry-after') ?? 30));
  }
};

const save = async ({ url, count, size }) => {
  const [said, what] = size === undefined ? [count, 'lines'] : [size, 'bytes'];
  const file = await open(`${folder}/${url.split('/').at(-1)}`, 'w');
  let found = 0;
  for await (const chunk of (await call(url)).body) {
    found += what === 'bytes' ? chunk.length : chunk.filter((byte) => byte === 10).length;
    await file.appendFile(chunk);
  }
  await file.close();
  if (found !== said) throw new Error(`${url} has ${found} ${what} instead of ${said}.`);
};

await mkdir(folder, { recursive: true });
const started = await call(`${base.replace(/\/+$/, '')}/Patient/$export`, 'GET', { prefer: 'respond-async' });
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
for (const { type, outcome, count, reason } of manifest.extension.outcomes)
  console.log(type, outcome, count, reason ?? '');
