import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { registryData } from '../../../config/checks/load.ts';
import { localStage } from '../../../config/local.ts';
import { discoveryHandler } from '../../../functions/discovery/handler.ts';
import type { ApiEvent } from '../../../functions/shared/http/api.ts';
import type { PayerHttp } from '../../../functions/shared/payer/http.ts';
import { registryOf } from '../../../functions/shared/registry/registry.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';
import { words } from '../../support/words.ts';

const origin = 'https://gateway.example.org';
const base = `${origin}/r4/northwind`;
const config = localStage();

const routes = {
  smart: '/r4/{payer}/.well-known/smart-configuration',
  oauthAtRoot: '/.well-known/oauth-authorization-server/r4/{payer}',
  oauthAtBase: '/r4/{payer}/.well-known/oauth-authorization-server',
  metadata: '/r4/{payer}/metadata',
  keySet: '/oauth2/jwks/{payer}',
};

const codes = (text: string): object[] => words(text).map((code) => ({ code }));

/** With every interaction of R4 (https://hl7.org/fhir/R4/codesystem-restful-interaction.html). */
const payersStatement = {
  resourceType: 'CapabilityStatement',
  text: { status: 'generated', div: '<div>create, update and delete</div>' },
  status: 'active',
  date: '2025-01-01',
  kind: 'instance',
  fhirVersion: '4.0.1',
  format: ['xml', 'json'],
  patchFormat: ['application/json-patch+json'],
  software: { name: 'Northwind FHIR' },
  implementation: { description: 'Northwind', url: 'http://127.0.0.1:3003/r4' },
  rest: [
    {
      mode: 'server',
      documentation: 'Mind the gap.',
      extension: [{ url: 'http://example.org/websocket', valueUri: 'wss://plan.example.org' }],
      security: {
        service: [{ text: 'ours alone' }],
        extension: [{ url: 'x', valueUri: 'http://127.0.0.1:3003/token' }],
      },
      interaction: codes('transaction batch search-system history-system'),
      searchParam: [{ name: '_lastUpdated', type: 'date' }],
      operation: [{ name: 'import', definition: 'http://example.org/import' }],
      resource: [
        {
          type: 'Patient',
          interaction: codes('read vread update patch delete history-instance history-type create search-type'),
          conditionalCreate: true,
          conditionalDelete: 'single',
          updateCreate: true,
          searchParam: [{ name: '_id', type: 'token' }],
          operation: [
            { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' },
            { name: 'match', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match' },
          ],
        },
        { type: 'Subscription', interaction: [{ code: 'create' }] },
        { type: 'Observation' },
      ],
    },
    { mode: 'client' },
  ],
};

const fhir = (value: unknown, status = 200): Response =>
  new Response(typeof value === 'string' ? value : JSON.stringify(value), { status });

interface Options {
  readonly payerHttp?: PayerHttp;
}

const start = ({ payerHttp = async () => fhir(payersStatement) }: Options = {}) => {
  const time = { ms: 1_800_000_000_000 };
  const lines: string[] = [];
  const http = jest.fn(payerHttp);
  const handler = discoveryHandler({
    clock: { now: () => time.ms, monotonic: () => time.ms },
    randomBytes: (size) => new Uint8Array(size),
    pages: { operator: { name: 'Payer-to-payer gateway' } },
    payerHttp: http,
    registry: registryOf(registryData(config)),
    origin,
    writeLog: (line) => void lines.push(line),
  });
  const ask = async (resource: string, options: { method?: string; payer?: string } = {}) => {
    const event = {
      resource,
      httpMethod: options.method ?? 'GET',
      pathParameters: { payer: options.payer ?? 'northwind' },
      headers: { Origin: 'https://anyone.example' },
      requestContext: { requestId: 'request-1' },
    } as unknown as ApiEvent;
    const response = await call(handler, event);
    const text = response.body;
    return { ...response, value: text === '' ? undefined : (JSON.parse(text) as Record<string, never>) };
  };
  return { ask, http, lines, time };
};

describe('metadata', () => {
  it("is the payer's own, with the facade's URLs and security and only reading left", async () => {
    const { ask, http } = start();
    const { value, headers } = await ask(routes.metadata);
    expect(headers['Content-Type']).toBe('application/fhir+json');
    expect(http).toHaveBeenCalledWith(
      'http://127.0.0.1:3003/r4/metadata',
      expect.objectContaining({ redirect: 'manual', headers: { Accept: 'application/fhir+json' } }),
    );
    expect(value).toEqual({
      resourceType: 'CapabilityStatement',
      status: 'active',
      date: '2025-01-01',
      kind: 'instance',
      instantiates: ['http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'],
      fhirVersion: '4.0.1',
      format: ['application/fhir+json', 'json'],
      software: { name: 'Northwind FHIR' },
      implementation: { description: 'Northwind', url: base },
      rest: [
        {
          mode: 'server',
          documentation: 'Mind the gap.',
          security: expect.objectContaining({ cors: true }),
          interaction: [{ code: 'search-system' }],
          searchParam: [{ name: '_lastUpdated', type: 'date' }],
          resource: [
            {
              type: 'Patient',
              interaction: codes('read vread history-instance history-type search-type'),
              searchParam: [{ name: '_id', type: 'token' }],
              operation: [
                { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' },
                {
                  name: 'export',
                  definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export',
                },
              ],
            },
            { type: 'Observation' },
          ],
        },
      ],
    });
    expect(JSON.stringify(value)).not.toContain('127.0.0.1');
  });

  it('names the facade in oauth-uris, where older clients look', async () => {
    for (const payerHttp of [async () => fhir(payersStatement), async () => fhir('', 401)]) {
      const { value } = await start({ payerHttp }).ask(routes.metadata);
      const [rest] = (value as unknown as { rest: { security: { extension: unknown[] } }[] }).rest;
      expect(rest?.security.extension).toEqual([
        {
          url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
          extension: [
            { url: 'authorize', valueUri: `${origin}/oauth2/authorize/northwind` },
            { url: 'token', valueUri: `${origin}/oauth2/token` },
            { url: 'revoke', valueUri: `${origin}/oauth2/revoke` },
            { url: 'introspect', valueUri: `${origin}/oauth2/introspect` },
          ],
        },
      ]);
    }
  });

  const failures: [string, PayerHttp][] = [
    ['requires a token', async () => fhir({}, 401)],
    ['redirects', async () => Response.redirect('http://169.254.169.254/', 302)],
    ['is down', async () => Promise.reject(new TypeError('fetch failed: secret-canary'))],
    ['answers HTML', async () => fhir('<html>secret-canary')],
  ];
  it.each(failures)('is a small one of our own if the payer %s, and the log says why', async (_title, payerHttp) => {
    const { ask, lines } = start({ payerHttp });
    const { value, statusCode } = await ask(routes.metadata);
    expect(statusCode).toBe(200);
    expect(value).toMatchObject({
      resourceType: 'CapabilityStatement',
      kind: 'instance',
      fhirVersion: '4.0.1',
      implementation: { url: base },
    });
    const [rest] = (value as unknown as { rest: { resource: { type: string; searchParam: { name: string }[] }[] }[] })
      .rest;
    const observation = rest?.resource.find(({ type }) => type === 'Observation');
    expect(observation?.searchParam.map(({ name }) => name)).toContain('patient');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"detail":"metadata: ');
    expect(lines[0]).not.toContain('secret-canary');
  });

  it('does not wait longer than five seconds for a payer that drips bytes', async () => {
    const soon = AbortSignal.timeout(50);
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(soon);
    const dripping = createServer((_req, res) => void res.writeHead(200).write('{"resourceType":'));
    await new Promise<void>((resolve) => void dripping.listen(0, '127.0.0.1', resolve));
    const { port } = dripping.address() as AddressInfo;

    const { ask, lines } = start({ payerHttp: (_url, init) => fetch(`http://127.0.0.1:${port}/`, init) });
    const { value } = await ask(routes.metadata).finally(() => {
      dripping.closeAllConnections();
      dripping.close();
    });

    expect(timeout).toHaveBeenCalledWith(5000);
    expect(value).toMatchObject({ implementation: { url: base } });
    expect(lines[0]).toContain('"detail":"metadata: ');
    timeout.mockRestore();
  });

  it('asks the payer once an hour, or once a minute if it gave nothing', async () => {
    const answers = [fhir('', 503), fhir(payersStatement), fhir(payersStatement)];
    const { ask, http, time } = start({ payerHttp: async () => answers.shift() ?? fhir('', 500) });
    await ask(routes.metadata);
    time.ms += 59_000;
    await ask(routes.metadata);
    expect(http).toHaveBeenCalledTimes(1);
    time.ms += 1_000;
    expect((await ask(routes.metadata)).value).toHaveProperty('software');
    time.ms += 3_599_000;
    await ask(routes.metadata);
    expect(http).toHaveBeenCalledTimes(2);
    time.ms += 1_000;
    await ask(routes.metadata);
    expect(http).toHaveBeenCalledTimes(3);
  });

  it('asks the payer once for concurrent requests', async () => {
    const { ask, http } = start();
    await Promise.all([ask(routes.metadata), ask(routes.metadata), ask(routes.metadata)]);
    expect(http).toHaveBeenCalledTimes(1);
  });
});

describe('every route', () => {
  it.each(Object.values(routes))(
    '%s is open to any page by GET, HEAD and a preflight, and to nothing else',
    async (route) => {
      const { ask, http } = start();
      const open = { 'Access-Control-Allow-Origin': '*' };
      const found = { ...open, 'Cache-Control': 'public, max-age=300', 'X-Content-Type-Options': 'nosniff' };

      expect((await ask(route)).headers).toMatchObject(found);
      expect((await ask(`${route}/`)).statusCode).toBe(200);
      expect(await ask(route, { method: 'HEAD' })).toMatchObject({ statusCode: 200, body: '' });
      http.mockClear();
      const refused = { statusCode: 405, headers: { ...open, Allow: 'GET, HEAD' } };
      expect(await ask(route, { method: 'POST' })).toMatchObject(refused);
      const preflight = await ask(route, { method: 'OPTIONS', payer: 'nobody' });
      expect(preflight).toMatchObject({ statusCode: 204, headers: { ...open, Allow: 'GET, HEAD, OPTIONS' } });
      expect(preflight.headers['Access-Control-Allow-Headers']).toContain('Authorization');
      const { statusCode, value, headers } = await ask(route, { payer: 'nobody' });
      expect([statusCode, headers['Cache-Control']]).toEqual([404, 'no-store']);
      expect(value).toMatchObject(
        route === routes.metadata ? { issue: [{ code: 'not-found' }] } : { error: 'not_found' },
      );
      expect((await ask(route, { payer: 'nobody', method: 'HEAD' })).body).toBe('');
      expect(http).not.toHaveBeenCalled();
    },
  );
});

it.each([
  ['a payer of ours', 'GET', 'northwind', ['step=discovery outcome=ok'], 'northwind'],
  ['a payer that only the path names', 'GET', 'no-such-payer', ['step=discovery outcome=refused'], undefined],
  ['a preflight', 'OPTIONS', 'northwind', [], 'northwind'],
])('%s is counted and logged by what the registry knows', async (_, method, payer, requests, logged) => {
  const { deps, lines } = testDeps();

  await call(
    discoveryHandler(deps),
    apiEvent('/r4/{payer}/.well-known/smart-configuration', { method, path: { payer } }),
  );

  expect(lines).toHaveLength(1);
  expect((JSON.parse(lines[0] ?? '') as { payer?: string }).payer).toBe(logged);
  expect(Object.keys(metric(lines[0] ?? '', 'requests'))).toEqual(requests);
});
