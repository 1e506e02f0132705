import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { startApiGateway } from '../../sandbox/aws/api-gateway.ts';
import { noEdge } from '../../sandbox/aws/edge.ts';
import {
  invokeDirectly,
  startFunction,
  ThrottledError,
  type FunctionOptions,
  type LocalFunction,
} from '../../sandbox/aws/lambda.ts';
import type { GatewayResponseSpec } from '../../sandbox/aws/template-data.ts';
import type { FunctionSpec } from '../../sandbox/aws/template-functions.ts';
import { eventually, turns } from '../support/eventually.ts';
import { handTimers } from '../support/hand-timers.ts';
import { startHold, type Hold } from '../support/hold.ts';
import { writeFunctions } from '../support/write-functions.ts';

/** A function that reports its process and how many calls that process has had, and waits if told to. */
const bufferedSource = `
require('node:fs').accessSync('../healthy');
let calls = 0;
exports.handler = async (event) => {
  calls += 1;
  const does = event.pathParameters ? event.pathParameters.does : event.does;
  if (event.hold) await (await fetch(event.hold)).text();
  if (does === 'exit') process.exit(1);
  if (does === 'nothing') return;
  if (does === 'start') setTimeout(() => console.log('went on'), 200);
  if (does === 'block') for (;;);
  if (does === 'wait') await new Promise(() => setInterval(() => undefined, 1000));
  const said = { pid: process.pid, calls };
  return event.pathParameters ? { statusCode: 200, body: JSON.stringify(said) } : said;
};`;
const streamingSource = `
let calls = 0;
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  calls += 1;
  const out = awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: {} });
  out.write(JSON.stringify({ pid: process.pid, calls }));
  if (event.holdBody) await (await fetch(event.holdBody)).text();
  out.end();
  if (event.holdReturn) await (await fetch(event.holdReturn)).text();
  console.log('returned');
});`;

interface Said {
  readonly pid: number;
  /** Of this process so far. */
  readonly calls: number;
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Calls until the call is not refused; the test's own limit ends it. */
const onceFree = async <T>(make: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof ThrottledError)) throw error;
      await delay(5);
    }
  }
};

describe('a function on this machine runs as in Lambda', () => {
  let folder: string;
  let hold: Hold;
  const functions: LocalFunction[] = [];
  let sockets = 0;
  const log: string[] = [];

  const start = async (
    name: 'buffered' | 'streaming',
    more: Partial<FunctionSpec> = {},
    options: Partial<FunctionOptions> = {},
  ): Promise<LocalFunction> => {
    const spec: FunctionSpec = {
      name,
      physicalName: name,
      assetDir: join(folder, name),
      handler: 'index.handler',
      environment: {},
      timeoutMs: 29_000,
      memoryMb: 128,
      logGroup: 'none',
      ...more,
    };
    const started = await startFunction(spec, {
      socketPath: join(folder, `socket-${(sockets += 1)}`),
      awsEndpoint: 'http://127.0.0.1:1',
      onLog: (_name, line) => log.push(line),
      ...options,
    });
    functions.push(started);
    return started;
  };
  const call = (target: LocalFunction, event: object = {}): Promise<Said> =>
    invokeDirectly(target, event) as Promise<Said>;
  /** Makes this many calls that wait. */
  const holdCalls = async (target: LocalFunction, count: number): Promise<Promise<Said>[]> => {
    const calls = Array.from({ length: count }, () => call(target, { hold: hold.url }));
    await hold.until(count);
    return calls;
  };
  const releaseAll = async (calls: readonly Promise<Said>[]): Promise<Said[]> => {
    for (const _one of calls) hold.release();
    return Promise.all(calls);
  };
  const stream = async (target: LocalFunction, event: object = {}) =>
    (await target.invoke(JSON.stringify(event), 'stream')).payload;
  /** The prelude does not matter here. */
  const saidIn = (answer: string): Said => JSON.parse(answer.slice(answer.lastIndexOf('\0') + 1)) as Said;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'p2p-lambda-test-'));
    await writeFile(join(folder, 'healthy'), '');
    await writeFunctions(folder, { buffered: bufferedSource, streaming: streamingSource });
  });
  beforeEach(async () => {
    hold = await startHold();
    log.length = 0;
  });
  afterEach(async () => {
    await Promise.all(functions.splice(0).map((one) => one.close()));
    await hold.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe('one call at a time', () => {
    it('uses the same process for calls that follow one another', async () => {
      const target = await start('buffered');
      const said = [await call(target), await call(target), await call(target)];
      expect(said.map(({ calls }) => calls)).toEqual([1, 2, 3]);
      expect(new Set(said.map(({ pid }) => pid))).toEqual(new Set(target.pids()));
    });

    it('uses one process each for overlapping calls, which share no module state', async () => {
      const target = await start('buffered');
      const said = await releaseAll(await holdCalls(target, 3));
      expect(new Set(said.map(({ pid }) => pid)).size).toBe(3);
      expect(said.map(({ calls }) => calls)).toEqual([1, 1, 1]);
    });

    it('starts one for each call that comes at once, to 32, and ends all but one when they are idle', async () => {
      const { after, fireAll } = handTimers();
      const target = await start('buffered', {}, { after });
      const held = await holdCalls(target, 32);
      await expect(call(target)).rejects.toThrow('has 32 environments');
      expect(new Set((await releaseAll(held)).map(({ pid }) => pid)).size).toBe(32);
      await turns();
      fireAll();
      await eventually(() => target.pids().length === 1);
      expect([(await call(target)).calls, target.pids()]).toEqual([2, [expect.any(Number)]]);
    });

    it('gives a call that waits for a new process one that is free earlier', async () => {
      const target = await start('buffered');
      const said = await Promise.all(
        Array.from({ length: 40 }, (_none, index) => (index < 32 ? call(target) : call(target).catch(() => undefined))),
      );
      expect(said.filter(Boolean)).toHaveLength(32);
      expect(target.pids().length).toBeLessThan(32);
    });

    it('keeps the processes, and uses the most recently freed one', async () => {
      const target = await start('buffered');
      const [first, second] = await holdCalls(target, 2);
      hold.release();
      const early = await Promise.race([first, second]);
      hold.release();
      const late = (await Promise.all([first, second])).find((said) => said?.pid !== early?.pid);

      expect((await call(target)).pid).toBe(late?.pid);
      expect(target.pids()).toHaveLength(2);
      expect(target.pids()).toContain(early?.pid);
    });

    it('uses the same process for streams that are read one after the other', async () => {
      const target = await start('streaming', {}, { environments: 1 });
      const said: Said[] = [];
      for (let times = 0; times < 3; times += 1) said.push(saidIn(await text(await onceFree(() => stream(target)))));
      expect(said.map(({ calls }) => calls)).toEqual([1, 2, 3]);
    });
  });

  it('stands still after a call, and goes on with the next', async () => {
    const target = await start('buffered');
    const { pid } = await call(target, { does: 'start' });
    await delay(500);
    expect(log).not.toContain('went on');
    expect((await call(target)).pid).toBe(pid);
    await eventually(() => log.includes('went on'));
  });

  it('gives null where its handler gives nothing', async () => {
    expect(await invokeDirectly(await start('buffered'), { does: 'nothing' })).toBeNull();
  });

  describe('a throttle', () => {
    it('refuses the fifth overlapping call of four, without side effects, until one of them has ended', async () => {
      const target = await start('buffered', {}, { environments: 4 });
      const held = await holdCalls(target, 4);
      const pids = target.pids();

      await expect(call(target)).rejects.toThrow(ThrottledError);

      expect(target.pids()).toEqual(pids);
      expect(log).toEqual([]);
      hold.release();
      await Promise.race(held);
      expect((await call(target)).calls).toBe(2);
      const said = await releaseAll(held.slice(1)).then(() => Promise.all(held));
      expect(said.map(({ calls }) => calls)).toEqual([1, 1, 1, 1]);
    });

    it.each([
      ['what it is told', 2, undefined, 2],
      ["the template's reserved concurrency if that is lower", 3, 1, 1],
      ['what it is told if the reserved concurrency is higher', 1, 3, 1],
    ])('happens at %s', async (_name, environments, reservedConcurrency, limit) => {
      const target = await start('buffered', { reservedConcurrency }, { environments });
      const held = await holdCalls(target, limit);
      await expect(call(target)).rejects.toThrow(`has ${limit} environments`);
      await releaseAll(held);
    });

    it('refuses every call of a function whose reserved concurrency is 0, and starts no process', async () => {
      const target = await start('buffered', { reservedConcurrency: 0 });
      await expect(call(target)).rejects.toThrow(ThrottledError);
      expect(target.pids()).toEqual([]);
    });

    const unavailable: GatewayResponseSpec = {
      type: 'INTEGRATION_FAILURE',
      status: 503,
      headers: { 'access-control-allow-origin': "'*'", 'retry-after': "'5'" },
      templates: { 'application/json': '{"error":"temporarily_unavailable","error_description":"Away."}' },
    };
    const said =
      /^\{"error":"temporarily_unavailable","error_description":"Away\. On this machine: all 1 environments .*"\}$/;
    it.each([
      ["API Gateway's own 500", [], 500, /^\{"message":"Internal server error"\}$/, null],
      ["the stack's gateway response, which says what it is", [unavailable], 503, said, '*'],
    ])(
      'reaches the caller as %s, since API Gateway does not pass on Lambda’s 429',
      async (_name, gatewayResponses, status, body, origin) => {
        const target = await start('buffered', { reservedConcurrency: 1 });
        const route = { path: '/{does}', method: 'ANY', functionName: 'buffered', streaming: false, timeoutMs: 29_000 };
        const gateway = await startApiGateway({ port: 0 });
        const template = {
          stageName: 'v1',
          binaryMediaTypes: [],
          routes: [route],
          gatewayResponses,
          accessLog: undefined,
        };
        gateway.serve({
          template,
          functions: new Map([['buffered', target]]),
          edge: noEdge,
          writeAccessLog: () => undefined,
        });
        const held = await holdCalls(target, 1);

        const answer = await fetch(`http://localhost:${gateway.port}/anything`);

        expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(body)]);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        await releaseAll(held);
        expect((await fetch(`http://localhost:${gateway.port}/anything`)).status).toBe(200);
        await gateway.close();
      },
    );
  });

  describe('a stream holds its process', () => {
    it('until its body has been read', async () => {
      const target = await start('streaming', {}, { environments: 1 });
      const payload = await stream(target, { holdBody: hold.url });
      await expect(stream(target)).rejects.toThrow(ThrottledError);

      await hold.until(1);
      hold.release();
      await eventually(() => log.includes('returned'));
      // The handler has returned, and its last bytes have no reader yet.
      await expect(stream(target)).rejects.toThrow(ThrottledError);

      expect(saidIn(await text(payload)).calls).toBe(1);
      expect(saidIn(await text(await onceFree(() => stream(target)))).calls).toBe(2);
    });

    it('until its handler has returned, even if its body ended earlier', async () => {
      const target = await start('streaming', {}, { environments: 1 });
      await text(await stream(target, { holdReturn: hold.url }));
      await expect(stream(target)).rejects.toThrow(ThrottledError);

      await hold.until(1);
      hold.release();
      expect(saidIn(await text(await onceFree(() => stream(target)))).calls).toBe(2);
    });
  });

  describe('a time-out', () => {
    it.each(['wait', 'block'])('ends the process of a handler that would %s forever', async (does) => {
      const target = await start('buffered', { timeoutMs: 200 });
      const [before = 0] = target.pids();

      await expect(call(target, { does })).rejects.toThrow();

      await eventually(() => !isRunning(before));
      expect(log.join('\n')).toMatch(/Task timed out after 0\.20 seconds/);
    });

    it('gives the next call a new process', async () => {
      const { after, fireAll } = handTimers();
      const target = await start('buffered', {}, { after });
      const [late] = await holdCalls(target, 1);
      const [before = 0] = target.pids();
      fireAll();
      await expect(late).rejects.toThrow();

      const next = await call(target);

      expect([next.calls, next.pid === before]).toEqual([1, false]);
    });

    it('cuts a stream after its first byte', async () => {
      const { after, fireAll } = handTimers();
      const target = await start('streaming', {}, { after });
      const [before = 0] = target.pids();
      const payload = await stream(target, { holdBody: hold.url });
      fireAll();
      await expect(text(payload)).rejects.toThrow('aborted');
      await eventually(() => !isRunning(before));
    });

    it('counts the time that a handler takes after its body has ended', async () => {
      const { after, fireAll } = handTimers();
      const target = await start('streaming', {}, { after });
      const [before = 0] = target.pids();
      await text(await stream(target, { holdReturn: hold.url }));
      fireAll();
      await eventually(() => !isRunning(before));
      expect(log.join('\n')).toContain('Task timed out');
    });

    it('does not run while a process has no call', async () => {
      const { after, running } = handTimers();
      const target = await start('buffered', {}, { after });
      const held = await holdCalls(target, 1);
      expect(running()).toBe(1);
      await releaseAll(held);
      await eventually(() => running() === 0);
    });
  });

  it('is not caused by Ctrl-C, which reaches the process as well as the stack', async () => {
    const target = await start('buffered');
    const { pid } = await call(target);
    process.kill(pid, 'SIGINT');
    expect(await call(target)).toEqual({ pid, calls: 2 });
  });

  describe('a crash', () => {
    it('fails its own call, and none in other processes', async () => {
      const target = await start('buffered');
      const held = await holdCalls(target, 2);
      await expect(call(target, { does: 'exit' })).rejects.toThrow();
      expect((await releaseAll(held)).map(({ calls }) => calls)).toEqual([1, 1]);
    });

    it('of an idle process fails no call, even if only one process is allowed', async () => {
      const target = await start('buffered', {}, { environments: 1 });
      for (let times = 0; times < 3; times += 1) {
        for (const pid of target.pids()) process.kill(pid, 'SIGKILL');
        expect((await call(target)).calls).toBe(1);
      }
    });

    it('during start fails that call, and a later call tries again', async () => {
      const target = await start('buffered');
      const held = await holdCalls(target, 1);
      await rm(join(folder, 'healthy'));
      try {
        await expect(call(target)).rejects.toThrow('ended while it started');
      } finally {
        await writeFile(join(folder, 'healthy'), '');
      }
      expect((await call(target)).calls).toBe(1);
      await releaseAll(held);
    });
  });

  it('a closed function leaves no process, even with calls in progress', async () => {
    const target = await start('buffered');
    const held = await holdCalls(target, 2);
    const pids = target.pids();
    const outcomes = Promise.allSettled(held);
    await target.close();
    expect(pids.filter(isRunning)).toEqual([]);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(call(target)).rejects.toThrow('was stopped');
  });
});
