import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { startApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { startAws } from '../../sandbox/aws/aws.ts';
import { createHub } from '../../sandbox/live/hub.ts';
import { startLiveServer } from '../../sandbox/live/server.ts';
import { startPartnerApp } from '../../sandbox/partner/server.ts';
import { runPayer } from './payer-fixture.ts';

/** A path of each server, and how it answers a program and a person who follows a link. */
const paths = {
  aws: [['/2015-03-31/functions/deliver/invocations', 400]],
  gateway: [['/oauth2/token', 403]],
  payer: [
    ['/admin', 200],
    ['/admin/changes', 400],
    ['/inbox', 200],
    ['/members', 200],
    ['/interaction/x', 400],
  ],
  partner: [
    ['/', 200],
    ['/logo.svg', 200],
  ],
  live: [['/about', 200]],
} as const;
type Name = keyof typeof paths;

const closers: (() => unknown)[] = [];
const ports = new Map<Name, number>();
const portOf = (url: string): number => Number(new URL(url).port);

beforeAll(async () => {
  const aws = await startAws(0);
  const gateway = await startApiGateway({ port: 0 });
  gateway.serve({
    template: {
      routes: [],
      stageName: 'local',
      binaryMediaTypes: [],
      gatewayResponses: [],
      accessLog: undefined,
    },
    functions: new Map(),
    edge: async (_request, head) => head,
    writeAccessLog: () => {},
  });
  const payer = await runPayer({ preset: 'smart', displayName: 'Plan', clientId: 'gateway', client: { secret: 'x' } });
  const partner = await startPartnerApp({
    port: 0,
    gatewayOrigin: 'http://localhost:9',
    clientId: 'demo-partner',
    clientSecret: 'demo-partner-secret',
    payers: [],
    publicOrigin: 'https://app.example',
  });
  const live = await startLiveServer({ port: 0, hub: createHub(), about: () => ({}) });
  ports.set('aws', portOf(aws.url)).set('gateway', gateway.port).set('live', live.port);
  ports.set('payer', portOf(payer.url)).set('partner', portOf(partner.url));
  closers.push(aws.close, gateway.close, () => payer.close(), partner.close, live.close);
});
afterAll(() => Promise.all(closers.map((close) => close())));

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const ask = async (name: Name, path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}) => {
  const outgoing = request({
    host: name === 'payer' || name === 'aws' ? '127.0.0.1' : 'localhost',
    port: ports.get(name),
    path,
    method,
    headers,
  });
  outgoing.end(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  return { status: response.statusCode, text: await text(response) };
};

const all = Object.entries(paths).flatMap(([name, known]) =>
  known.map(([path, status]) => [name as Name, path, status] as const),
);
/** The gateway answers pages of other origins, since the product has its own rules for them. */
const ownPagesOnly = all.filter(([name]) => name !== 'gateway');

describe('a local server', () => {
  it.each(all)('%s answers programs on this machine at %s', async (name, path, status) => {
    expect((await ask(name, path)).status).toBe(status);
  });

  it.each(all)('%s answers no page whose name was pointed to this machine, at %s', async (name, path) => {
    const own = ports.get(name) ?? 0;
    const hosts = [
      `evil.example:${own}`,
      'evil.example',
      'localhost',
      `localhost:${own + 1}`,
      `localhost.evil.example:${own}`,
    ];

    const answers = await Promise.all(hosts.map((host) => ask(name, path, { headers: { host } })));

    expect(answers.map(({ status }) => status)).toEqual(hosts.map(() => 421));
    expect(answers.map((answer) => answer.text).join()).not.toContain('evil');
  });

  it.each(ownPagesOnly)('%s answers no page of another origin at %s', async (name, path) => {
    const form = { 'content-type': 'text/plain', origin: 'https://evil.example' };
    const sent: Asked[] = [
      { method: 'POST', headers: form, body: '{}' },
      { method: 'POST', headers: { ...form, origin: 'null' }, body: '{}' },
      { method: 'POST', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, body: '{}' },
      { method: 'POST', headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, body: '{}' },
      { headers: { origin: 'http://localhost:9' } },
      { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' } },
      { headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } },
    ];

    const answers = await Promise.all(sent.map((one) => ask(name, path, one)));

    expect(answers.map(({ status }) => status)).toEqual(sent.map(() => 403));
  });

  it.each(ownPagesOnly.filter(([name]) => name !== 'aws'))(
    '%s answers its own pages, and a person who follows a link from elsewhere, at %s',
    async (name, path, status) => {
      const answers = await Promise.all([
        ask(name, path, { headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' } }),
        ask(name, path, { headers: { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' } }),
        ask(name, path, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
      ]);

      expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
    },
  );

  it('the local server of AWS answers no browser at all', async () => {
    for (const site of ['none', 'same-origin']) {
      const { status } = await ask('aws', '/', { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' } });
      expect([site, status]).toEqual([site, 403]);
    }
  });

  it('a local server that others reach by a public origin also answers to its name', async () => {
    expect((await ask('partner', '/', { headers: { host: 'app.example' } })).status).toBe(200);
    expect((await ask('partner', '/', { headers: { host: 'app.example:8080' } })).status).toBe(421);
    const ownForm = { host: 'app.example', origin: 'https://app.example' };
    expect((await ask('partner', '/webhooks', { method: 'POST', headers: ownForm })).status).toBe(401);
  });

  it('the local server of a payer answers other origins at its OAuth and FHIR paths, as a payer does', async () => {
    const { status } = await ask('payer', '/r4/metadata', {
      headers: { origin: 'https://app.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
    });
    expect(status).toBe(200);
  });
});
