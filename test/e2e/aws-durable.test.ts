import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { localDurable } from '../../sandbox/aws/durable/local-durable.ts';
import { durableProcesses, type DurableProcesses } from '../../sandbox/aws/durable/processes.ts';
import { startFunction, type FunctionOptions } from '../../sandbox/aws/lambda.ts';
import type { FunctionSpec } from '../../sandbox/aws/template-functions.ts';
import { eventually } from '../support/eventually.ts';
import { handTimers } from '../support/hand-timers.ts';
import { writeFunctions } from '../support/write-functions.ts';

const sdk = createRequire(import.meta.url).resolve('@aws/durable-execution-sdk-js');

/** A function that writes a line for each step that runs, with its process id and version. */
const source = (release: string): string => `
const { appendFileSync } = require('node:fs');
const { withDurableExecution } = require(${JSON.stringify(sdk)});
const note = (what) => appendFileSync(process.env.NOTES, [what, process.pid, '${release}'].join(' ') + '\\n');
exports.handler = withDurableExecution(async ({ steps, hang, crash }, context) => {
  for (let n = 0; n < steps; n += 1) await context.step('s' + n, async () => note('s' + n));
  if (hang) await context.step('hang', () => new Promise(() => setInterval(() => {}, 1000)));
  if (crash) await context.step('crash', () => { if (process.env.CRASH) process.exit(7); });
  await context.wait('a while', { seconds: 3600 });
  note(context.lambdaContext.invokedFunctionArn);
  return steps;
});`;

let folder: string;
let aws: LocalAws;
let processes: DurableProcesses;
let printed: string[];
const arn = 'arn:aws:lambda:us-east-1:000000000000:function:TheJob';

const specOf = (more: Partial<FunctionSpec> = {}): FunctionSpec => ({
  name: 'job',
  physicalName: 'TheJob',
  assetDir: join(folder, 'first'),
  handler: 'index.handler',
  environment: { NOTES: join(folder, 'notes') },
  timeoutMs: 20_000,
  memoryMb: 128,
  logGroup: 'job',
  durable: { executionTimeoutSeconds: 86_400, retentionDays: 7 },
  ...more,
});

const publish = (more: Partial<FunctionSpec> = {}, options: Pick<FunctionOptions, 'after'> = {}): void => {
  const spec = specOf(more);
  const onLog = (_name: string, line: string): void => void printed.push(line);
  processes = durableProcesses(spec, { ...options, socketPath: join(folder, 'socket'), awsEndpoint: aws.url, onLog });
  aws.lambda.publish(spec, processes);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-durable-'));
  await writeFunctions(folder, { first: source('one'), second: source('two') });
  await writeFile(join(folder, 'notes'), '');
  printed = [];
  aws = await startAws(0);
});
afterEach(async () => {
  await aws.close();
  await rm(folder, { recursive: true });
});

const start = (payload: object, name?: string, version = '1'): string =>
  aws.lambda.engine.start(aws.lambda.versionOf(`${arn}:${version}`), { name, payload: JSON.stringify(payload) });
const notes = async (): Promise<string[][]> =>
  (await readFile(join(folder, 'notes'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '));
const first = () => aws.lambda.engine.executions()[0];
/** Waits for something that takes retries. Their delays are simulated: each look passes a tenth of a second. */
const withRetries = (isSo: () => boolean): Promise<void> =>
  eventually(() => {
    aws.lambda.passTime(100);
    return isSo();
  });
const waiting = () => withRetries(() => first()?.open[0] === 'a while' && processes.pids().length === 0);

it('each invocation has a process of its own, which ends with it', async () => {
  publish();
  const execution = start({ steps: 2 });
  await waiting();
  aws.lambda.passTime(3_600_000);
  await aws.lambda.engine.over(execution);
  const pids = (await notes()).map(([, pid]) => pid);
  expect(pids).toHaveLength(3);
  expect(new Set(pids.slice(0, 2)).size).toBe(1);
  expect(pids[2]).not.toBe(pids[0]);
  expect((await notes())[2]?.[0]).toBe(`${arn}:1`);
  expect(first()).toMatchObject({ status: 'SUCCEEDED', invocations: 2 });
  await eventually(() => processes.pids().length === 0);
});

it('a process killed after each saved step goes on in another one, with the next step', async () => {
  publish();
  aws.lambda.onCheckpoint(({ when, about, kill }) => {
    if (when === 'after' && about.updates.some(({ Action }) => Action === 'SUCCEED')) kill();
    return undefined;
  });
  start({ steps: 4 });
  await waiting();
  const ran = await notes();
  expect(ran.map(([step]) => step)).toEqual(['s0', 's1', 's2', 's3']);
  expect(new Set(ran.map(([, pid]) => pid)).size).toBe(4);
  // The killed invocations, and the one that reached the wait.
  expect(first()).toMatchObject({ invocations: 5, operations: 5, meteredOperations: 10 });
});

it('a process that takes too long is killed, and the next one begins the step again', async () => {
  const { after, fireAll } = handTimers();
  publish({}, { after });
  start({ steps: 1, hang: true });
  await eventually(() => first()?.open.includes('hang') ?? false);
  fireAll();
  await withRetries(() => (first()?.invocations ?? 0) >= 2);
  expect(printed.join('\n')).toContain('Task timed out after 20.00 seconds');
  expect((await notes()).map(([step]) => step)).toEqual(['s0']);
});

it('a process that ends by itself is followed by another', async () => {
  publish({ environment: { NOTES: join(folder, 'notes'), CRASH: '1' } });
  start({ steps: 1, crash: true });
  await withRetries(() => (first()?.invocations ?? 0) >= 3);
  expect(first()?.status).toBe('RUNNING');
  expect((await notes()).map(([step]) => step)).toEqual(['s0']);
});

it('executions above the reserved concurrency are throttled, and all of them end', async () => {
  publish({ reservedConcurrency: 1 });
  const all = ['a', 'b', 'c'].map((name) => start({ steps: 1 }, name));
  await withRetries(() => aws.lambda.engine.executions().every(({ open }) => open[0] === 'a while'));
  aws.lambda.passTime(3_600_000);
  await withRetries(() => all.every((execution) => aws.lambda.engine.find(execution).status !== 'RUNNING'));
  const counted = aws.lambda.engine.executions();
  expect(counted.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  // Throttled calls do not reach the function, so they are not metered.
  expect(counted.map(({ meteredOperations }) => meteredOperations)).toEqual([3, 3, 3]);
});

it('an execution keeps its version, and callers get the new one', async () => {
  publish();
  const caller = await startFunction(
    {
      ...specOf({ name: 'followUp', physicalName: 'FollowUp', assetDir: join(folder, 'caller') }),
      environment: { JOB: `${arn}:1` },
      durable: undefined,
    },
    { socketPath: join(folder, 'caller.socket'), awsEndpoint: aws.url, onLog: () => {}, lazy: true },
  );
  await writeFunctions(folder, { caller: 'exports.handler = async () => process.env.JOB;' });
  const durable = localDurable(aws.lambda, [processes, caller]);
  const { payload } = await caller.invoke('{}', 'r1');
  expect(String(await payload.toArray())).toBe(JSON.stringify(`${arn}:1`));

  start({ steps: 1 }, 'old');
  await waiting();
  expect(await durable.newVersion('job', join(folder, 'second'))).toBe(`${arn}:2`);
  const after = await caller.invoke('{}', 'r2');
  expect(String(await after.payload.toArray())).toBe(JSON.stringify(`${arn}:2`));
  await caller.close();
  start({ steps: 1 }, 'new', '2');
  await eventually(() => aws.lambda.engine.executions()[1]?.open[0] === 'a while');
  durable.passTime(3_600_000);
  await durable.over('old');
  await durable.over('new');
  const releases = (await notes()).map(([what, , release]) => `${what} ${release}`);
  expect(releases.toSorted()).toEqual([`${arn}:1 one`, `${arn}:2 two`, 's0 one', 's0 two'].toSorted());
});
