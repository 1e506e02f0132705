import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { jest } from '@jest/globals';
import { apiDocuments } from '../../sandbox/api-docs/route.ts';
import { installPackages, sources, type buildSite } from '../../sandbox/documents/build.ts';
import { documents } from '../../sandbox/documents/route.ts';
import { createHub } from '../../sandbox/live/hub.ts';
import { startLiveServer, type LiveServer } from '../../sandbox/live/server.ts';
import { atPorts } from '../../sandbox/ports.ts';
import { words } from '../support/words.ts';

const ports = {
  gateway: 4000,
  demoHealthPlan: 4001,
  partner: 4002,
  northwind: 4003,
  aws: 4004,
  live: 4005,
  identity: 4006,
};
const page =
  '<!doctype html><html><script>document.title = 1</script><script type="module" src="/docs/a.js"></script></html>';

/** A site as it would have been built. */
const writeSite = async (folder: string): Promise<void> => {
  await mkdir(join(folder, 'examples'), { recursive: true });
  for (const name of ['index.html', 'page.html', 'examples/app.html', 'app.js', 'openapi.yaml', '.hidden.html'])
    await writeFile(join(folder, name), name.endsWith('.html') ? page : 'http://127.0.0.1:3003');
  await writeFile(join(folder, 'hashmap.json'), '{}');
  // Later than any document.
  await utimes(join(folder, 'hashmap.json'), 4e9, 4e9);
};

let folder: string;
let server: LiveServer;
let build: jest.Mock<typeof buildSite>;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'documents-')), 'site');
  build = jest.fn(({ folder: where }) => writeSite(where));
  server = await startLiveServer({
    port: 0,
    hub: createHub(),
    about: () => ({}),
    routes: [documents(atPorts(ports), folder, build), apiDocuments(atPorts(ports))],
  });
});
afterEach(async () => {
  await server.close();
  await rm(join(folder, '..'), { recursive: true });
});

/** Asks for a path as it is written, dots included. */
const ask = (
  path: string,
  method = 'GET',
): Promise<{ status: number | undefined; type: string; policy: string; again: string | undefined; body: string }> =>
  new Promise((resolve, reject) => {
    request({ host: 'localhost', port: server.port, path, method }, (response) => {
      const { 'content-type': type = '', 'content-security-policy': policy = '' } = response.headers;
      const again = response.headers['retry-after'];
      void text(response).then((body) =>
        resolve({ status: response.statusCode, type, policy: String(policy), again, body }),
      );
    })
      .once('error', reject)
      .end();
  });

const askUntilBuilt = async (path: string) => {
  for (;;) {
    const answer = await ask(path);
    if (answer.status !== 503) return answer;
  }
};

describe('the documents of the local stack', () => {
  it('are built once, when somebody asks first; until then a page says so and asks again', async () => {
    const first = await ask('/docs/');
    // A browser reloads the page, a program reads the header.
    expect([first.status, first.again]).toEqual([503, '2']);
    expect(first.body).toContain('<meta http-equiv="refresh" content="2" />');
    expect(await askUntilBuilt('/docs/')).toMatchObject({ status: 200, body: page, type: 'text/html; charset=utf-8' });
    await ask('/docs/page.html');
    expect(build).toHaveBeenCalledTimes(1);
  });

  it('are shown as they were while an edit rebuilds them', async () => {
    await askUntilBuilt('/docs/');
    const built = Promise.withResolvers<undefined>();
    build.mockImplementationOnce(() => built.promise);
    await utimes(join(folder, 'hashmap.json'), 1, 1); // Every document is newer.
    for (const path of ['/docs/', '/docs/app.js', '/docs/']) expect((await ask(path)).status).toBe(200);
    expect(build).toHaveBeenCalledTimes(2);
    built.resolve(undefined);
  });

  it('are made of what the site shows, not of what a program wrote beside it', async () => {
    const made = words(`
      README.md docs/partners/errors.md docs/openapi.yaml docs/examples/match.json docs/site/.vitepress/config.ts
      docs/site/.vitepress/theme/style.css
    `);
    expect(sources()).toEqual(expect.arrayContaining(made));
    const written = words(`
      docs/examples/record.ndjson docs/examples/page.json docs/site/.vitepress/local.new/index.html
      docs/site/.vitepress/config.ts.timestamp-1.mjs
    `);
    const root = join(folder, '../root');
    for (const path of [...made, ...written]) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), '{}');
    }
    expect([...sources(root)].sort()).toEqual(made.sort());
  });

  it('say why they cannot be built, and try again', async () => {
    build.mockRejectedValueOnce(new Error('npm: no network'));
    await ask('/docs/');
    expect(await ask('/docs/')).toMatchObject({ status: 500, body: expect.stringContaining('npm: no network') });
    expect((await askUntilBuilt('/docs/')).status).toBe(200);
  });

  it("show npm's reason when the documentation tools cannot be installed", async () => {
    await mkdir(folder);
    const elsewhere = {
      version: '1.0.0',
      resolved: 'http://localhost:9/a.tgz',
      integrity: `sha512-${'A'.repeat(86)}==`,
    };
    const dependencies = { dependencies: { a: '1.0.0' } };
    const lock = { lockfileVersion: 3, packages: { '': dependencies, 'node_modules/a': elsewhere } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(dependencies));
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
    // Nothing listens at this port.
    await expect(installPackages(folder)).rejects.toThrow(
      /^npm cannot install the documentation tools: .*reason: connect ECONNREFUSED \S+:9$/,
    );
    await rm(join(folder, 'package-lock.json'));
    await expect(installPackages(folder)).rejects.toThrow(/existing package-lock\.json/);
  });

  it('run the scripts of the site and the inline ones by their hash, and show programs as text', async () => {
    const { policy } = await askUntilBuilt('/docs/page.html');
    // The digest of the script, by openssl.
    expect(policy).toContain("script-src 'self' 'sha256-Q36D6Uk7W0215wajbK9dq3X/PIE9glH7LT4XQYrvSeY='");
    expect(await ask('/docs/examples/app.html')).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
    expect((await ask('/docs/app.js')).type).toBe('text/javascript; charset=utf-8');
  });

  it.each(
    words('/docs/../package.json /docs/%2e%2e/package.json /docs/..%2fpackage.json /docs/.hidden.html /docs/none'),
  )('do not answer %s', async (path) => {
    await askUntilBuilt('/docs/');
    const { status, body } = await ask(path);
    expect([status, body.includes('payer-to-payer-gateway'), body.includes('doctype')]).toEqual([404, false, false]);
  });

  it.each([
    ['/docs/openapi.yaml', 'http://127.0.0.1:4003'],
    ['/docs/app.js', 'http://127.0.0.1:4003'],
    ['/api/openapi.yaml', 'default: http://localhost:4000\n'],
  ])('name the ports that run: %s has %s', async (path, part) => {
    const { body } = await askUntilBuilt(path);
    expect(body).toContain(part);
    expect(body).not.toMatch(/(?:localhost|127\.0\.0\.1):300\d/);
  });

  it('can only be read', async () => {
    for (const path of ['/docs/', '/api']) expect((await ask(path, 'POST')).status).toBe(405);
    expect((await ask('/docs')).status).toBe(302);
  });
});
