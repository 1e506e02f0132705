import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { startApiGateway, type LocalApiGateway, type RequestLogLine } from '../../sandbox/aws/api-gateway.ts';
import { gatewayEdge, noEdge } from '../../sandbox/aws/edge.ts';
import { invokeDirectly, startFunction, type LocalFunction } from '../../sandbox/aws/lambda.ts';
import { unpaced } from '../../sandbox/aws/proxy-response.ts';
import type { GatewayResponseSpec } from '../../sandbox/aws/template-data.ts';
import type { FunctionSpec, RouteSpec } from '../../sandbox/aws/template-functions.ts';
import { eventually } from '../support/eventually.ts';
import { startHold, type Hold } from '../support/hold.ts';
import { writeFunctions } from '../support/write-functions.ts';

/** A buffered function that does what the path says, and a streaming one. */
const bufferedSource = `
const kept = [];
const litter = () => Array.from({ length: 200_000 }, (_none, i) => ({ i }));
exports.handler = async (event, context) => {
  const answer = (more) => ({ statusCode: 200, headers: {}, ...more });
  switch (event.pathParameters && event.pathParameters.what) {
    case 'env': return answer({ body: JSON.stringify(process.env) });
    case 'context': return answer({ body: JSON.stringify({ ...context, left: context.getRemainingTimeInMillis() }) });
    case 'headers': return answer({
      headers: { 'WWW-Authenticate': 'Bearer', 'X-A': 'only here', 'X-B': 'loses' },
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'], 'X-B': ['wins'] }, body: 'ok' });
    case 'malformed': return { hello: 'world' };
    case 'throw': throw new Error('private detail');
    case 'hold': await (await fetch(process.env.HOLD)).text(); return answer({});
    case 'heap': return answer({ body: JSON.stringify(require('node:v8').getHeapStatistics()) });
    case 'exit': process.exit(3);
    case 'litter': litter(); return answer({});
    case 'keep': kept.push(litter(), Buffer.alloc(20_000_000, 1)); return answer({});
    default: return answer({ body: JSON.stringify(event) });
  }
};`;
const streamingSource = `
const { pipeline } = require('node:stream/promises');
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const start = (status = 200) => awslambda.HttpResponseStream.from(stream, { statusCode: status, headers: { 'content-type': 'text/plain', 'WWW-Authenticate': 'Bearer' } });
  const hold = async () => (await fetch(process.env.HOLD)).text();
  const { what, who = 'chunk' } = event.queryStringParameters || {};
  switch (what) {
    case 'empty': { const out = start(204); out.write(''); out.end(); return; }
    case 'nothing': start().end(); return;
    case 'throw': throw new Error('early');
    case 'cut': { const out = start(); out.write('half'); await hold(); throw new Error('late'); }
    case 'late': {
      console.log('waits');
      await hold();
      await pipeline([Buffer.alloc(65536, 'x')], start());
      console.log('late finished');
      return;
    }
    case 'plain': {
      async function* long() { for (let i = 0; i < 100; i++) yield Buffer.alloc(65536, 'x'); }
      await pipeline(long(), stream);
      console.log('plain finished');
      return;
    }
    case 'held': { const out = start(); out.write(''); await hold(); out.end('late'); return; }
    default: {
      const chunk = Buffer.alloc(65536, 'x');
      async function* body() { for (let i = 0; i < 1600; i++) { console.log(who); yield chunk; } }
      try { await pipeline(body(), start()); console.log(who + ' finished'); } catch (error) { console.log('ended: ' + error.message); throw error; }
    }
  }
});`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const route = (path: string, functionName: string, more: Partial<RouteSpec> = {}): RouteSpec => ({
  path,
  method: 'ANY',
  functionName,
  streaming: false,
  timeoutMs: 29_000,
  ...more,
});

/** Gateway responses that a stack may define. */
const gatewayResponses: readonly GatewayResponseSpec[] = [
  {
    type: 'MISSING_AUTHENTICATION_TOKEN',
    status: 404,
    headers: {
      'access-control-allow-origin': "'*'",
      'x-request': 'context.requestId',
      'x-caller': 'method.request.header.X-Caller',
    },
    templates: {
      'application/json':
        '{"text":$context.error.messageString,"type":"$context.error.responseType","path":"$context.path"}',
    },
  },
  { type: 'DEFAULT_4XX', headers: { 'x-class': "'4xx'" }, templates: {} },
  { type: 'DEFAULT_5XX', headers: {}, templates: { 'application/json': '{"type":"$context.error.responseType"}' } },
];

const accessFormat = JSON.stringify({
  requestId: '$context.requestId',
  reference: '$context.extendedRequestId',
  route: '$context.resourcePath',
  status: '$context.status',
  invocation: '$context.integration.requestId',
  errorType: '$context.error.responseType',
  path: '$context.path',
  address: '$context.identity.sourceIp',
});

describe('API Gateway and Lambda on this machine', () => {
  let folder: string;
  let hold: Hold;
  let gateway: LocalApiGateway;
  let remapping: LocalApiGateway;
  let functions: LocalFunction[];
  const requestLog: RequestLogLine[] = [];
  const accessLog = new EventEmitter();
  const functionLog: string[] = [];

  const spec = (name: string, more: Partial<FunctionSpec> = {}): FunctionSpec => ({
    name,
    physicalName: name,
    assetDir: join(folder, name),
    handler: 'index.handler',
    environment: { TABLE: 'grants', HOLD: hold.url },
    timeoutMs: 29_000,
    logGroup: name,
    memoryMb: 128,
    ...more,
  });
  const send = async (
    path: string,
    more: object = {},
    body?: string | Buffer,
    port = gateway.port,
  ): Promise<Answer> => {
    const outgoing = request({ host: 'localhost', port, path, agent: false, ...more });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  };
  const json = async <T = Record<string, string>>(path: string, more: object = {}, body?: string): Promise<T> =>
    JSON.parse((await send(path, more, body)).body.toString()) as T;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-gateway-test-'));
    hold = await startHold();
    await writeFunctions(folder, { buffered: bufferedSource, streaming: streamingSource });
    const start = (of: FunctionSpec) =>
      startFunction(of, {
        socketPath: join(folder, `${of.name}.socket`),
        awsEndpoint: 'http://127.0.0.1:1',
        onLog: (name, line) => functionLog.push(`${name} ${line}`),
      });
    // The template may not set Lambda's own variables.
    const ours = { AWS_REGION: 'eu-west-1', LAMBDA_TASK_ROOT: '/elsewhere', TZ: 'Asia/Tokyo' };
    const { environment } = spec('buffered');
    functions = await Promise.all([
      start(spec('buffered', { environment: { ...environment, ...ours } })),
      start(spec('streaming')),
    ]);
    const api = {
      template: {
        stageName: 'v1',
        accessLog: { logGroup: 'access', format: accessFormat },
        binaryMediaTypes: ['image/*'],
        routes: [
          route('/do/{what}', 'buffered'),
          route('/event/{proxy+}', 'buffered'),
          route('/impatient/{what}', 'buffered', { timeoutMs: 200 }),
          route('/stream', 'streaming', { streaming: true }),
          route('/stream-of-buffered', 'buffered', { streaming: true }),
        ],
      },
      functions: new Map(functions.map((started) => [started.spec.name, started])),
      writeAccessLog: (line: string) => void accessLog.emit('line', line),
    };
    gateway = await startApiGateway({ port: 0, log: (line) => requestLog.push(line), pace: unpaced });
    remapping = await startApiGateway({ port: 0 });
    gateway.serve({ ...api, template: { ...api.template, gatewayResponses: [] }, edge: gatewayEdge });
    remapping.serve({ ...api, template: { ...api.template, gatewayResponses }, edge: noEdge });
  });

  afterAll(async () => {
    await Promise.all([gateway.close(), remapping.close(), ...functions.map((started) => started.close())]);
    await hold.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('an event has the request as it came: path, query, headers and body', async () => {
    const headers = { 'X-Two': ['1', '2'], 'content-type': 'image/png' };
    const path = '/event/Patient/a%20b/?b=x?y&a=%41';
    const event = await json<APIGatewayProxyEvent>(path, { method: 'POST', headers }, 'abc');
    expect(event).toMatchObject({
      path: '/event/Patient/a%20b/',
      resource: '/event/{proxy+}',
      pathParameters: { proxy: 'Patient/a b' },
      multiValueQueryStringParameters: { a: ['A'], b: ['x?y'] },
      multiValueHeaders: { 'X-Two': ['1', '2'] },
      body: 'YWJj',
      isBase64Encoded: true,
      requestContext: {
        httpMethod: 'POST',
        stage: 'v1',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      },
    });
  });

  describe('functions', () => {
    it("see the same environment as in AWS, and nothing of this machine's", async () => {
      process.env['P2P_TEST_CANARY'] = 'leak';
      const env = await json('/do/env');
      expect(env).toMatchObject({
        TABLE: 'grants',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
        AWS_ACCESS_KEY_ID: 'buffered',
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: 'buffered',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        // Lambda's own, and nothing of the developer's.
        TZ: ':UTC',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        LAMBDA_TASK_ROOT: join(folder, 'buffered'),
      });
      expect(env).not.toHaveProperty('P2P_TEST_CANARY');
      expect(env).not.toHaveProperty('NODE_OPTIONS');
      expect(env).not.toHaveProperty('HOME');
      expect(env).not.toHaveProperty('NODE_COMPILE_CACHE');
    });

    it('have a heap no larger than their memory', async () => {
      const { heap_size_limit: limit = 0 } = await json<Record<string, number>>('/do/heap');
      // V8 adds what is young: some 190 MB here.
      expect(limit).toBeLessThan((128 + 256) * 1024 * 1024);
    });

    it('are told how much time is left', async () => {
      const context = await json<{ functionName: string; left: number; awsRequestId: string }>('/do/context');
      expect(context.functionName).toBe('buffered');
      expect(context.left).toBeGreaterThan(15_000);
      expect(context.left).toBeLessThanOrEqual(29_000);
    });

    it('functions that crash are restarted by the next call', async () => {
      const [buffered] = functions;
      const [before] = buffered?.pids() ?? [];
      expect((await send('/do/exit')).status).toBe(502);
      expect((await send('/do/headers')).status).toBe(200);
      expect(buffered?.pids()).toEqual([expect.any(Number)]);
      expect(buffered?.pids()).not.toContain(before);
      expect(functionLog.join('\n')).toContain('The process ended (3)');
    });

    it('functions that crash fail no other call, however soon the next one comes', async () => {
      const [buffered] = functions;
      if (buffered === undefined) throw new Error('There is no function');
      const told = (what: string) => invokeDirectly(buffered, { pathParameters: { what } });

      for (let times = 0; times < 5; times += 1) {
        await expect(told('exit')).rejects.toThrow();
        expect(await told('headers')).toMatchObject({ statusCode: 200 });
      }
    });

    it('report the memory that they hold, without garbage', async () => {
      const buffered = functions.find(({ spec: { name } }) => name === 'buffered');
      const megabytes = async () => ((await buffered?.held())?.[0]?.bytes ?? 0) / 1_000_000;
      await send('/do/litter');
      const before = await megabytes();

      for (let times = 0; times < 5; times += 1) await send('/do/litter');
      expect(Math.abs((await megabytes()) - before)).toBeLessThan(5);

      await send('/do/keep');
      expect((await megabytes()) - before).toBeGreaterThan(20);
      expect((await buffered?.held())?.map(({ pid }) => pid)).toEqual(buffered?.pids());
    });

    it('functions that fail while starting report why', async () => {
      await mkdir(join(folder, 'broken'));
      await writeFile(join(folder, 'broken', 'index.js'), "throw new Error('Environment variable X is missing');");
      const options = { socketPath: join(folder, 'broken.socket'), awsEndpoint: '', onLog: () => {} };
      await expect(startFunction(spec('broken'), options)).rejects.toThrow('Environment variable X is missing');
    });

    it('functions that no route leads to start at their first invocation, and return their result', async () => {
      await mkdir(join(folder, 'scheduled'));
      const source = `exports.handler = async (event, context) => {
        if (event.fail) throw new Error('as told');
        return { got: event.detail, as: context.functionName };
      };`;
      await writeFile(join(folder, 'scheduled', 'index.js'), source);
      const options = { socketPath: join(folder, 'scheduled.socket'), awsEndpoint: '', onLog: () => {}, lazy: true };
      const scheduled = await startFunction(spec('scheduled'), options);
      try {
        expect(scheduled.pids()).toEqual([]);
        expect(await scheduled.held()).toEqual([]);
        expect(await invokeDirectly(scheduled, { detail: 7 })).toEqual({ got: 7, as: 'scheduled' });
        expect(scheduled.pids()).toHaveLength(1);
        await expect(invokeDirectly(scheduled, { fail: true })).rejects.toThrow('as told');
      } finally {
        await scheduled.close();
      }
      await expect(invokeDirectly(scheduled, {})).rejects.toThrow('scheduled was stopped');
    });

    it('functions that are stopped while starting are not waited for', async () => {
      await mkdir(join(folder, 'endless'));
      await writeFile(join(folder, 'endless', 'index.js'), 'for (;;);');
      const options = { socketPath: join(folder, 'endless.socket'), awsEndpoint: '', onLog: () => {}, lazy: true };
      const endless = await startFunction(spec('endless'), options);
      const invoked = expect(invokeDirectly(endless, {})).rejects.toThrow('endless was stopped');
      const [pid = 0] = endless.pids();
      expect(process.kill(pid, 0)).toBe(true);

      await endless.close();

      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      await invoked;
    });

    it('functions that throw give 502 without the reason, which is logged', async () => {
      const answer = await send('/do/throw');
      expect(answer.status).toBe(502);
      expect(answer.body.toString()).toBe('{"message":"Internal server error"}');
      expect(functionLog.join('\n')).toContain('private detail');
    });
  });

  describe('answers', () => {
    it('carry single and repeated headers, and the repeated one wins if both have the same name', async () => {
      const { headers } = await send('/do/headers');
      expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-a': 'only here', 'x-b': 'wins' });
    });

    it('rename WWW-Authenticate unless an edge restores its name', async () => {
      for (const path of ['/do/headers', '/stream?what=empty']) {
        expect((await send(path)).headers['www-authenticate']).toBe('Bearer');
        const { headers } = await send(path, {}, undefined, remapping.port);
        expect(headers['www-authenticate']).toBeUndefined();
        expect(headers['x-amzn-remapped-www-authenticate']).toBe('Bearer');
      }
    });

    it('answers that are not streamed state their length', async () => {
      expect((await send('/do/headers')).headers['content-length']).toBe('2');
    });

    it('answers that are malformed give 502', async () => {
      expect((await send('/do/malformed')).status).toBe(502);
    });

    it("answers that take longer than the integration's timeout give 504", async () => {
      const answer = await send('/impatient/hold');
      await hold.until(1);
      hold.release();
      expect(answer.status).toBe(504);
      expect(answer.body.toString()).toBe('{"message":"Endpoint request timed out"}');
    });
  });

  describe('limits', () => {
    it('refuse an unknown path with 403', async () => {
      const answer = await send('/nowhere');
      expect(answer.status).toBe(403);
      expect(answer.body.toString()).toBe('{"message":"Missing Authentication Token"}');
    });

    it('refuse a broken escape in the path with 400', async () => {
      expect((await send('/do/%zz')).status).toBe(400);
    });

    it('accept request headers of 10,000 bytes and refuse those over 10,240 with 431', async () => {
      expect((await send('/event/x', { headers: { 'x-long': 'a'.repeat(10_000) } })).status).toBe(200);
      expect((await send('/event/x', { headers: { 'x-long': 'a'.repeat(10_240) } })).status).toBe(431);
      const many = Object.fromEntries(Array.from({ length: 60 }, (_none, index) => [`x-${index}`, 'a'.repeat(170)]));
      expect((await send('/event/x', { headers: many })).status).toBe(431);
    });

    it('count the request line and every header up to exactly 10,240 bytes', async () => {
      const statusOf = async (bytes: number): Promise<string> => {
        const before = `GET /event/x HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nConnection: close\r\nX-Long: `;
        const socket = connect(gateway.port, 'localhost');
        socket.write(`${before}${'a'.repeat(bytes - before.length - 2)}\r\n\r\n`);
        const answer = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
        return answer.split(' ')[1] ?? '';
      };
      expect(await statusOf(10_240)).toBe('200');
      expect(await statusOf(10_241)).toBe('431');
    });

    it('refuse a body over 10 MB, or an event over 6 MB, with 413', async () => {
      const post = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      expect((await send('/do/headers', post, Buffer.alloc(10 * 1024 * 1024 + 1, 'x'))).status).toBe(413);
      expect((await send('/do/headers', post, Buffer.alloc(7 * 1024 * 1024, 'x'))).status).toBe(413);
      // An event is its body and a few KB more.
      expect((await send('/do/headers', post, Buffer.alloc(6 * 1024 * 1024, 'x'))).status).toBe(413);
      expect((await send('/do/headers', post, Buffer.alloc(6 * 1024 * 1024 - 8192, 'x'))).status).toBe(200);
    });
  });

  describe('gateway responses', () => {
    const elsewhere = (path: string, more: object = {}) => send(path, more, undefined, remapping.port);

    it('replace the status, headers and body for their type', async () => {
      const { status, headers, body } = await elsewhere('/nowhere?a=1', { headers: { 'x-caller': 'me' } });
      expect(status).toBe(404);
      expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'x-caller': 'me' });
      expect(headers['x-request']).toBe(headers['x-amzn-requestid']);
      expect(JSON.parse(body.toString())).toEqual({
        text: 'Missing Authentication Token',
        type: 'MISSING_AUTHENTICATION_TOKEN',
        path: '/nowhere',
      });
    });

    it("gateway responses of a class apply to types that have none, with the type's own status and, without a template, plain text", async () => {
      const tooLong = await elsewhere('/event/x', { headers: { 'x-long': 'a'.repeat(10_240) } });
      expect(tooLong).toMatchObject({ status: 431, headers: { 'x-class': '4xx' } });
      expect(tooLong.body.toString()).toBe('{"message":"Request Header Fields Too Large"}');
      const timedOut = await elsewhere('/impatient/hold');
      await hold.until(1);
      hold.release();
      expect(timedOut.status).toBe(504);
      expect(timedOut.body.toString()).toBe('{"type":"INTEGRATION_TIMEOUT"}');
      expect((await elsewhere('/do/throw')).status).toBe(502);
    });
  });

  describe('streams', () => {
    it('send status and headers before the first byte of the body', async () => {
      const outgoing = request({
        host: 'localhost',
        port: gateway.port,
        path: '/stream?what=held',
        agent: false,
      }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      await hold.until(1);
      hold.release();
      expect(response.statusCode).toBe(200);
      expect(Buffer.concat((await response.toArray()) as Buffer[]).toString()).toBe('late');
    });

    it('may be empty, if something was written', async () => {
      expect((await send('/stream?what=empty')).status).toBe(204);
      expect((await send('/stream?what=nothing')).status).toBe(502);
    });

    it('slow down for a slow client, and go on to their end when it has left', async () => {
      functionLog.length = 0;
      const chunksOf = (who: string): number => functionLog.filter((line) => line === `streaming ${who}`).length;
      const socket = connect(gateway.port, 'localhost');
      socket.write(`GET /stream?who=slow HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n\r\n`);
      await once(socket, 'readable');
      // Meanwhile another client reads its whole answer.
      const { status, headers, body } = await send('/stream?who=quick');
      expect([status, headers['content-type'], body.length]).toEqual([200, 'text/plain', 1600 * 65_536]);
      await eventually(() => chunksOf('quick') === 1600);
      expect(chunksOf('slow')).toBeGreaterThan(0);
      expect(chunksOf('slow')).toBeLessThan(400);
      socket.destroy();
      await eventually(() => functionLog.includes('streaming slow finished'));
      expect(chunksOf('slow')).toBe(1600);
    });

    it('are cut if the function fails after the first byte, and become 502 before it', async () => {
      expect((await send('/stream?what=throw')).status).toBe(502);
      const outgoing = request({ host: 'localhost', port: gateway.port, path: '/stream?what=cut', agent: false }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      const body = response[Symbol.asyncIterator]();
      expect(String((await body.next()).value)).toBe('half');
      await hold.until(1);
      hold.release();
      await expect(body.next()).rejects.toThrow('aborted');
    });

    it('streams without a prelude give 502, and the function goes on', async () => {
      functionLog.length = 0;
      expect((await send('/stream?what=plain')).status).toBe(502);
      await eventually(() => functionLog.includes('streaming plain finished'));
    });

    it('go on to their end though the client left before the first byte', async () => {
      functionLog.length = 0;
      const outgoing = request({ host: 'localhost', port: gateway.port, path: '/stream?what=late', agent: false });
      outgoing.on('error', () => {}).end();
      const called = functions.find(({ spec: { name } }) => name === 'streaming');
      await eventually(() => functionLog.includes('streaming waits'));
      const pids = called?.pids();
      outgoing.destroy();
      await hold.until(1);
      hold.release();
      await eventually(() => functionLog.includes('streaming late finished'));
      expect(called?.pids()).toEqual(pids);
    });

    it('require a function that streams', async () => {
      expect((await send('/stream-of-buffered')).status).toBe(502);
    });
  });

  it('log the method, path, status and time of a request, but never its query', async () => {
    await send('/event/secret?token=canary', { method: 'PUT' });
    await eventually(() => requestLog.at(-1)?.path === '/event/secret', 60_000);
    expect(requestLog.at(-1)).toEqual({ method: 'PUT', path: '/event/secret', status: 200, ms: expect.any(Number) });
    expect(JSON.stringify(requestLog)).not.toContain('canary');
  });

  describe('the access log', () => {
    const lineOf = async (path: string): Promise<Record<string, string>> => {
      const written = new Promise<string>((resolve) => accessLog.once('line', resolve));
      await send(path);
      return JSON.parse(await written) as Record<string, string>;
    };

    it('has a line for each request, with its own id and the invocation’s', async () => {
      const { requestId, invocation, reference, ...line } = await lineOf('/do/context?token=canary');
      expect(line).toEqual({
        route: '/do/{what}',
        status: '200',
        errorType: '-',
        path: '/do/context',
        address: expect.stringMatching(/^(?:::ffff:127\.0\.0\.1|127\.0\.0\.1|::1)$/) as unknown,
      });
      expect(invocation).toMatch(/^[0-9a-f-]{36}$/);
      expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
      expect(requestId).not.toBe(invocation);
      expect(reference).toMatch(/^[A-Za-z0-9+/]{22}==$/);
    });

    it('calls the invocation what the function itself calls it', async () => {
      const written = new Promise<string>((resolve) => accessLog.once('line', resolve));
      const { body } = await send('/do/context');
      const { awsRequestId } = JSON.parse(String(body)) as { awsRequestId: string };
      expect(JSON.parse(await written)).toMatchObject({ invocation: awsRequestId });
    });

    it('names the gateway response of an answer that API Gateway gave itself', async () => {
      expect(await lineOf('/nowhere')).toMatchObject({
        route: '-',
        status: '403',
        invocation: '-',
        errorType: 'MISSING_AUTHENTICATION_TOKEN',
      });
    });
  });
});
