import { once } from 'node:events';
import { get, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { localStage } from '../../config/local.ts';
import { createHub } from '../../sandbox/live/hub.ts';
import { startLive } from '../../sandbox/live/live.ts';
import { startLiveServer, type LiveServer } from '../../sandbox/live/server.ts';
import { isThisMachine } from '../../sandbox/partner/local-requests.ts';
import { eventually } from '../support/eventually.ts';
import { words } from '../support/words.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startLiveServer({
    port: 0,
    hub: createHub(),
    about: () => ({ payers: [], partners: [], links: [] }),
    routes: [
      {
        title: 'API',
        path: '/api',
        answer: (_request, response, { pathname }) => void response.end(`api ${pathname}`),
      },
    ],
  });
});
afterAll(() => server.close());

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ask = async ({ path = '/', method = 'GET', headers = {} }: Asked) => {
  const outgoing = request({ host: 'localhost', port: server.port, path, method, headers });
  outgoing.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  return { status: response.statusCode, headers: response.headers, text: await text(response) };
};

describe('the live server', () => {
  it('answers to the names of this machine only, so that no page elsewhere can reach it by DNS rebinding', async () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
      expect([host, isThisMachine(`${host}:3005`, 3005)]).toEqual([host, true]);
    }
    const others = [
      ...words('evil.example:3005 localhost localhost:3004 localhost.evil.example:3005'),
      '',
      '0.0.0.0:3005',
    ];
    expect(others.filter((host) => isThisMachine(host, 3005))).toEqual([]);
    expect(isThisMachine(undefined, 3005)).toBe(false);
    // Clients leave out the port of http.
    expect(['localhost', '[::1]:80'].filter((host) => isThisMachine(host, 80))).toEqual(['localhost', '[::1]:80']);
    expect(['evil.example', 'localhost:3005'].filter((host) => isThisMachine(host, 80))).toEqual([]);
    for (const path of ['/', '/events', '/about', '/api/x', '/live.js']) {
      const { status, text: said } = await ask({ path, headers: { host: `evil.example:${server.port}` } });
      expect([path, status]).toEqual([path, 421]);
      expect(said).not.toContain('evil');
    }
  });

  it('refuses what another site asks for, but lets a person follow a link', async () => {
    const crossSite = { 'sec-fetch-site': 'cross-site' };
    expect((await ask({ path: '/events', headers: { ...crossSite, 'sec-fetch-mode': 'cors' } })).status).toBe(403);
    expect((await ask({ path: '/live.js', headers: { ...crossSite, 'sec-fetch-mode': 'no-cors' } })).status).toBe(403);
    expect((await ask({ headers: { ...crossSite, 'sec-fetch-mode': 'navigate' } })).status).toBe(200);
  });

  it('has a policy that allows its own files only, on every answer', async () => {
    for (const path of ['/', '/live.css', '/live.js', '/about', '/nothing', '/../server.ts', '/__proto__']) {
      const { headers } = await ask({ path });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['cross-origin-resource-policy']).toBe('same-origin');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await ask({ path: '/nothing' })).status).toBe(404);
    expect((await ask({ path: '/../server.ts' })).status).toBe(404);
    expect((await ask({ path: '/__proto__' })).status).toBe(404);
  });

  it('can only be read', async () => {
    const { status, headers } = await ask({ path: '/events', method: 'POST' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('gives further routes their path and all below it', async () => {
    expect((await ask({ path: '/api' })).text).toBe('api /api');
    expect((await ask({ path: '/api/openapi.yaml' })).text).toBe('api /api/openapi.yaml');
    expect((await ask({ path: '/apis' })).status).toBe(404);
  });

  it('streams to twenty pages at most, and to a next one once one is closed', async () => {
    const open = async (): Promise<IncomingMessage> => {
      const [response] = (await once(get(`http://localhost:${server.port}/events`, { agent: false }), 'response')) as [
        IncomingMessage,
      ];
      return response;
    };
    const pages = await Promise.all(Array.from({ length: 20 }, open));
    expect(pages.map(({ statusCode }) => statusCode)).toEqual(pages.map(() => 200));
    expect(pages[0]?.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect((await ask({ path: '/events' })).status).toBe(503);
    pages[0]?.destroy();
    await eventually(async () => {
      const page = await open();
      pages.push(page);
      return page.statusCode === 200;
    });
    for (const page of pages) page.destroy();
  });
});

it('the live view names the payers and partners of the stage, and links its own pages before others', async () => {
  const { payers, partners } = localStage();
  const live = await startLive({
    port: 0,
    config: localStage(),
    servers: [],
    origins: [],
    links: [['App', '/app']],
    asRun: String,
  });
  const about = (await (await fetch(`http://localhost:${live.port}/about`)).json()) as { links: unknown[] };
  await live.close();

  expect(about).toMatchObject({
    payers: payers.map(({ id, displayName: name }) => ({ id, name })),
    partners: partners.map(({ clientId: id, name }) => ({ id, name })),
  });
  expect(about.links).toHaveLength(3);
  expect(about.links.at(-1)).toEqual(['App', '/app']);
});
