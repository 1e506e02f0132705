import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
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

const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;

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
  const begin = (path: string, more: object = {}, body?: string | Buffer): ClientRequest =>
    request({ host: 'localhost', port: gateway.port, path, agent: false, ...more }).end(body);
  const responseOf = async (outgoing: ClientRequest): Promise<IncomingMessage> => {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  };
  const send = async (...asked: Parameters<typeof begin>): Promise<Answer> => {
    const response = await responseOf(begin(...asked));
    const body = Buffer.concat((await response.toArray()) as Buffer[]);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  };
  const statusOf = async (...asked: Parameters<typeof begin>): Promise<number> => (await send(...asked)).status;
  const elsewhere = (path: string, more: object = {}) => send(path, { port: remapping.port, ...more });
  const said = ({ status, body }: Answer): readonly unknown[] => [status, String(body)];
  const message = (text: string): string => JSON.stringify({ message: text });
  /** Ends what waits for it, once it does. */
  const release = async (): Promise<void> => {
    await hold.until(1);
    hold.release();
  };
  /** A function of its own, from the text of its module. */
  const startOwn = async (name: string, source: string, lazy = false): Promise<LocalFunction> => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'index.js'), source);
    const socketPath = join(folder, `${name}.socket`);
    return startFunction(spec(name), { socketPath, awsEndpoint: '', onLog: () => {}, lazy });
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
      requestContext: { httpMethod: 'POST', stage: 'v1', requestId: uuid },
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
      const ours = ['P2P_TEST_CANARY', 'NODE_OPTIONS', 'HOME', 'NODE_COMPILE_CACHE'];
      expect(ours.filter((name) => name in env)).toEqual([]);
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
      expect([await statusOf('/do/exit'), await statusOf('/do/headers')]).toEqual([502, 200]);
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
      const broken = startOwn('broken', "throw new Error('Environment variable X is missing');");
      await expect(broken).rejects.toThrow('Environment variable X is missing');
    });

    it('functions that no route leads to start at their first invocation, and return their result', async () => {
      const source = `exports.handler = async (event, context) => {
        if (event.fail) throw new Error('as told');
        return { got: event.detail, as: context.functionName };
      };`;
      const scheduled = await startOwn('scheduled', source, true);
      try {
        expect([scheduled.pids(), await scheduled.held()]).toEqual([[], []]);
        expect(await invokeDirectly(scheduled, { detail: 7 })).toEqual({ got: 7, as: 'scheduled' });
        expect(scheduled.pids()).toHaveLength(1);
        await expect(invokeDirectly(scheduled, { fail: true })).rejects.toThrow('as told');
      } finally {
        await scheduled.close();
      }
      await expect(invokeDirectly(scheduled, {})).rejects.toThrow('scheduled was stopped');
    });

    it('functions that are stopped while starting are not waited for', async () => {
      const endless = await startOwn('endless', 'for (;;);', true);
      const invoked = expect(invokeDirectly(endless, {})).rejects.toThrow('endless was stopped');
      const [pid = 0] = endless.pids();
      expect(process.kill(pid, 0)).toBe(true);

      await endless.close();

      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      await invoked;
    });

    it('functions that throw give 502 without the reason, which is logged', async () => {
      expect(said(await send('/do/throw'))).toEqual([502, message('Internal server error')]);
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
        const { headers } = await elsewhere(path);
        expect(headers['www-authenticate']).toBeUndefined();
        expect(headers['x-amzn-remapped-www-authenticate']).toBe('Bearer');
      }
    });

    it('answers that are not streamed state their length', async () => {
      expect((await send('/do/headers')).headers['content-length']).toBe('2');
    });

    it('answers that are malformed give 502', async () => {
      expect(await statusOf('/do/malformed')).toBe(502);
    });

    it("answers that take longer than the integration's timeout give 504", async () => {
      const answer = await send('/impatient/hold');
      await release();
      expect(said(answer)).toEqual([504, message('Endpoint request timed out')]);
    });
  });

  describe('limits', () => {
    it('refuse an unknown path with 403', async () => {
      expect(said(await send('/nowhere'))).toEqual([403, message('Missing Authentication Token')]);
    });

    it('refuse a broken escape in the path with 400', async () => {
      expect(await statusOf('/do/%zz')).toBe(400);
    });

    it('accept request headers of 10,000 bytes and refuse those over 10,240 with 431', async () => {
      expect(await statusOf('/event/x', { headers: { 'x-long': 'a'.repeat(10_000) } })).toBe(200);
      expect(await statusOf('/event/x', { headers: { 'x-long': 'a'.repeat(10_240) } })).toBe(431);
      const many = Object.fromEntries(Array.from({ length: 60 }, (_none, index) => [`x-${index}`, 'a'.repeat(170)]));
      expect(await statusOf('/event/x', { headers: many })).toBe(431);
    });

    it('count the request line and every header up to exactly 10,240 bytes', async () => {
      const statusAt = async (bytes: number): Promise<string> => {
        const before = `GET /event/x HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nConnection: close\r\nX-Long: `;
        const socket = connect(gateway.port, 'localhost');
        socket.write(`${before}${'a'.repeat(bytes - before.length - 2)}\r\n\r\n`);
        const answer = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
        return answer.split(' ')[1] ?? '';
      };
      expect(await statusAt(10_240)).toBe('200');
      expect(await statusAt(10_241)).toBe('431');
    });

    it('refuse a body over 10 MB, or an event over 6 MB, with 413', async () => {
      const post = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      const ofBytes = (bytes: number) => statusOf('/do/headers', post, Buffer.alloc(bytes, 'x'));
      const megabyte = 1024 * 1024;
      expect([await ofBytes(10 * megabyte + 1), await ofBytes(7 * megabyte)]).toEqual([413, 413]);
      // An event is its body and a few KB more.
      expect([await ofBytes(6 * megabyte), await ofBytes(6 * megabyte - 8192)]).toEqual([413, 200]);
    });
  });

  describe('gateway responses', () => {
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
      expect(tooLong.headers).toMatchObject({ 'x-class': '4xx' });
      expect(said(tooLong)).toEqual([431, message('Request Header Fields Too Large')]);
      const timedOut = await elsewhere('/impatient/hold');
      await release();
      expect(said(timedOut)).toEqual([504, '{"type":"INTEGRATION_TIMEOUT"}']);
      expect((await elsewhere('/do/throw')).status).toBe(502);
    });
  });

  describe('streams', () => {
    it('send status and headers before the first byte of the body', async () => {
      const response = await responseOf(begin('/stream?what=held'));
      await release();
      expect(response.statusCode).toBe(200);
      expect(Buffer.concat((await response.toArray()) as Buffer[]).toString()).toBe('late');
    });

    it('may be empty, if something was written', async () => {
      expect([await statusOf('/stream?what=empty'), await statusOf('/stream?what=nothing')]).toEqual([204, 502]);
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
      expect(await statusOf('/stream?what=throw')).toBe(502);
      const response = await responseOf(begin('/stream?what=cut'));
      const body = response[Symbol.asyncIterator]();
      expect(String((await body.next()).value)).toBe('half');
      await release();
      await expect(body.next()).rejects.toThrow('aborted');
    });

    it('streams without a prelude give 502, and the function goes on', async () => {
      functionLog.length = 0;
      expect(await statusOf('/stream?what=plain')).toBe(502);
      await eventually(() => functionLog.includes('streaming plain finished'));
    });

    it('go on to their end though the client left before the first byte', async () => {
      functionLog.length = 0;
      const outgoing = begin('/stream?what=late').on('error', () => {});
      const called = functions.find(({ spec: { name } }) => name === 'streaming');
      await eventually(() => functionLog.includes('streaming waits'));
      const pids = called?.pids();
      outgoing.destroy();
      await release();
      await eventually(() => functionLog.includes('streaming late finished'));
      expect(called?.pids()).toEqual(pids);
    });

    it('require a function that streams', async () => {
      expect(await statusOf('/stream-of-buffered')).toBe(502);
    });
  });

  it('log the method, path, status and time of a request, but never its query', async () => {
    await send('/event/secret?token=canary', { method: 'PUT' });
    await eventually(() => requestLog.at(-1)?.path === '/event/secret', 60_000);
    expect(requestLog.at(-1)).toEqual({ method: 'PUT', path: '/event/secret', status: 200, ms: expect.any(Number) });
    expect(JSON.stringify(requestLog)).not.toContain('canary');
  });

  describe('the access log', () => {
    const logged = async (path: string) => {
      const written = once(accessLog, 'line');
      const { body } = await send(path);
      const [line] = (await written) as [string];
      return { body: String(body), line: JSON.parse(line) as Record<string, string> };
    };

    it('has a line for each request, with its own id and the invocation’s', async () => {
      const { line } = await logged('/do/context?token=canary');
      expect(line).toEqual({
        requestId: uuid,
        invocation: uuid,
        reference: expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/) as string,
        route: '/do/{what}',
        status: '200',
        errorType: '-',
        path: '/do/context',
        address: expect.stringMatching(/^(?:::ffff:127\.0\.0\.1|127\.0\.0\.1|::1)$/) as unknown,
      });
      expect(line['requestId']).not.toBe(line['invocation']);
    });

    it('calls the invocation what the function itself calls it', async () => {
      const { body, line } = await logged('/do/context');
      const { awsRequestId } = JSON.parse(body) as { awsRequestId: string };
      expect(line['invocation']).toBe(awsRequestId);
    });

    it('names the gateway response of an answer that API Gateway gave itself', async () => {
      const refused = { route: '-', status: '403', invocation: '-', errorType: 'MISSING_AUTHENTICATION_TOKEN' };
      expect((await logged('/nowhere')).line).toMatchObject(refused);
    });
  });
});
