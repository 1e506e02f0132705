import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { apiDocuments } from '../../sandbox/api-docs/route.ts';
import { documents } from '../../sandbox/documents/route.ts';
import { createHub } from '../../sandbox/live/hub.ts';
import { startLiveServer, type LiveServer } from '../../sandbox/live/server.ts';
import { atPorts } from '../../sandbox/ports.ts';
import { words } from '../support/words.ts';

const ports = { gateway: 4000, demoHealthPlan: 4001, partner: 4002, northwind: 4003, aws: 4004, live: 4005 };
let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer({
    port: 0,
    hub: createHub(),
    about: () => ({}),
    routes: [documents(atPorts(ports)), apiDocuments(atPorts(ports))],
  });
});
afterAll(() => server.close());

/** Asks for a path as it is written, dots included. */
const ask = (path: string, method = 'GET'): Promise<{ status: number | undefined; type: string; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: 'localhost', port: server.port, path, method }, (response) => {
      void text(response).then((body) =>
        resolve({ status: response.statusCode, type: response.headers['content-type'] ?? '', body }),
      );
    });
    asked.once('error', reject).end();
  });

describe('the documents of the local stack', () => {
  it('are every page for partner developers, with its heading', async () => {
    for (const name of readdirSync(new URL('../../docs/partners', import.meta.url))) {
      const { status, type, body } = await ask(`/docs/partners/${name}`);
      expect([name, status, type]).toEqual([name, 200, 'text/html; charset=utf-8']);
      expect(body).toMatch(/<h1>[^<]+<\/h1>/);
    }
  });

  it('lead on to each other and to the web, and name what is not served as the file does', async () => {
    const { body } = await ask('/docs/partners/quick-start.md');
    expect(body).toContain('<a href="/docs/partners/tokens.md">tokens</a>');
    expect(body).toContain('<a href="http://localhost:4000">http://localhost:4000</a>');
    expect(body).toContain('[sandbox/partner](../../sandbox/partner)');
    expect((await ask('/docs/partners/README.md')).body).toContain('<a href="/docs/openapi.yaml">openapi.yaml</a>');
  });

  it.each([
    [
      '/docs/partners/quick-start.md',
      'read-record.sh http://localhost:4000/r4/demo-health-plan my-app http://localhost:5210/callback',
    ],
    ['/docs/partners/quick-start.md', 'http://127.0.0.1:4001/admin/changes'],
    ['/docs/postman/northwind.postman_environment.json', '"value": "http://127.0.0.1:4003"'],
    ['/docs/examples/smart-app.html', 'http://localhost:4000/r4/demo-health-plan'],
    ['/api/openapi.yaml', 'default: http://localhost:4000\n'],
  ])('name the ports that run: %s has %s', async (path, part) => {
    const { body } = await ask(path);
    expect(body).toContain(part);
    expect(body).not.toMatch(/(?:localhost|127\.0\.0\.1):300\d/);
  });

  it('have tables that a narrow window can break', async () => {
    const { body } = await ask('/docs/partners/tokens.md');
    expect(body).toMatch(/^\| what \| how long \|\n\| a code \| at most 60 seconds, /m);
  });

  it('show markup as text', async () => {
    const { body } = await ask('/docs/partners/quick-start.md');
    expect(body).toContain('&lt;script src=&quot;/fhir-client.js&quot;&gt;');
    expect(body).not.toContain('<script');
    expect(await ask('/docs/examples/smart-app.html')).toMatchObject({ type: 'text/plain; charset=utf-8' });
  });

  it.each(
    words(`
    /docs/../package.json /docs/%2e%2e/package.json /docs/..%2fpackage.json /docs/.hidden.md /docs/partners/none.md
    /docs/partners
  `),
  )('do not answer %s', async (path) => {
    const { status, body } = await ask(path);
    expect([status, body.includes('payer-to-payer-gateway')]).toEqual([404, false]);
  });

  it('can only be read, and begin with the page for partner developers', async () => {
    expect((await ask('/docs/partners/README.md', 'POST')).status).toBe(405);
    expect((await ask('/docs')).status).toBe(302);
  });
});
