import {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  GetDurableExecutionStateCommand,
  InvokeCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  paginateListDurableExecutionsByFunction,
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
  StopDurableExecutionCommand,
  type InvokeCommandInput,
} from '@aws-sdk/client-lambda';
import {
  withDurableExecution,
  type DurableExecutionClient,
  type DurableExecutionHandler,
  type DurableExecutionInvocationInput,
} from '@aws/durable-execution-sdk-js';
import type { Context } from 'aws-lambda';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { LambdaError } from '../../sandbox/aws/durable/errors.ts';
import type { DurableProcesses } from '../../sandbox/aws/durable/processes.ts';
import type { FunctionSpec } from '../../sandbox/aws/template-functions.ts';
import { eventually } from '../support/eventually.ts';

const account = 'arn:aws:lambda:us-east-1:000000000000:function';
const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/exports';
const day = 86_400_000;
let aws: LocalAws;
let lambda: LambdaClient;
/** Events as the function gets them. */
let events: DurableExecutionInvocationInput[];

const spec: FunctionSpec = {
  name: 'job',
  physicalName: 'TheJob',
  assetDir: '/nowhere',
  handler: 'index.handler',
  environment: {},
  timeoutMs: 1000,
  memoryMb: 128,
  logGroup: 'job',
  durable: { executionTimeoutSeconds: 7 * 86_400, retentionDays: 7, keyArn },
};

/** Runs handlers in this process, with the unmodified SDK over HTTP. */
const processesOf = (handler: DurableExecutionHandler<never, unknown>): DurableProcesses =>
  ({
    spec,
    run: async (_version, event) => {
      // Lambda passes events as JSON.
      const passed = JSON.parse(JSON.stringify(event)) as DurableExecutionInvocationInput;
      events.push(passed);
      // Calls Lambda like the SDK's own client, but does not log.
      const durableExecutionClient: DurableExecutionClient = {
        checkpoint: (request) => lambda.send(new CheckpointDurableExecutionCommand(request)),
        getExecutionState: (request) => lambda.send(new GetDurableExecutionStateCommand(request)),
      };
      const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 } as Context;
      return withDurableExecution(handler, { durableExecutionClient })(passed, context);
    },
    kill: () => {},
    close: async () => {},
  }) as Partial<DurableProcesses> as DurableProcesses;

let callbackId: string;

const handler: DurableExecutionHandler<never, unknown> = async (
  { does, seconds }: { does?: string; seconds?: number },
  context,
) => {
  if (does === 'callback') {
    const [answer, id] = await context.createCallback('answer', { timeout: { days: 1 } });
    await context.step('tell', async () => void (callbackId = id));
    return answer;
  }
  if (does === 'many') {
    for (let n = 0; n < 1200; n += 1) await context.runInChildContext(`c${n}`, async () => n);
    await context.wait('then', { seconds: 1 });
    return 'many';
  }
  if (does === 'step') return context.step('a result', async () => 'sealed at rest');
  if (does === 'fail') throw new RangeError('too far');
  await context.wait('a while', { seconds: seconds ?? 3600 });
  return 'done';
};

beforeEach(async () => {
  events = [];
  aws = await startAws(0);
  aws.kms.createKey(keyArn);
  aws.lambda.publish(spec, processesOf(handler));
  lambda = new LambdaClient({
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'followUp', secretAccessKey: 'local' },
  });
});
afterEach(async () => {
  lambda.destroy();
  await aws.close();
});

const invoke = (payload: object, more: Partial<InvokeCommandInput> = {}) =>
  lambda.send(
    new InvokeCommand({
      FunctionName: `${account}:TheJob:1`,
      InvocationType: 'Event',
      Payload: Buffer.from(JSON.stringify(payload)),
      ...more,
    }),
  );
const namedOne = { DurableExecutionName: 'one' };
const paused = () => eventually(() => aws.lambda.engine.all()[0]?.isRunning === false);
/** The newest execution, and the same after its end. */
const newest = () => aws.lambda.engine.executions()[0]!;
const over = async () => {
  await aws.lambda.engine.over(newest().arn);
  return newest();
};
const executionAt = (DurableExecutionArn: string | undefined, more: { IncludeExecutionData?: boolean } = {}) =>
  lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn, ...more }));
/** An error of the service, as its clients get it. */
const error = (name: string, httpStatusCode?: number, message: unknown = expect.any(String)) => ({
  name,
  message,
  ...(httpStatusCode === undefined ? {} : { $metadata: { httpStatusCode } }),
});

describe('Invoke', () => {
  it('answers 202 and the ARN of the execution, which names function, version and name', async () => {
    const { StatusCode, DurableExecutionArn, ExecutedVersion } = await invoke({}, namedOne);
    expect({ StatusCode, ExecutedVersion }).toEqual({ StatusCode: 202, ExecutedVersion: '1' });
    expect(DurableExecutionArn).toMatch(/^arn:aws:lambda:[^:]+:\d+:function:TheJob:1\/durable-execution\/one\/[^/]+$/);
  });

  it.each([
    ['the ARN of a version', { FunctionName: `${account}:TheJob:1` }],
    ['a name and a qualifier', { FunctionName: 'TheJob', Qualifier: '1' }],
    ['a partial ARN', { FunctionName: '000000000000:function:TheJob:1' }],
  ])('takes %s', async (_what, more) => {
    expect((await invoke({}, more)).StatusCode).toBe(202);
  });

  it('needs a version', async () => {
    const unqualified = error('InvalidParameterValueException', 400, expect.stringContaining('unqualified'));
    await expect(invoke({}, { FunctionName: 'TheJob' })).rejects.toMatchObject(unqualified);
  });

  it.each([`${account}:TheJob:2`, `${account}:Nothing:1`, `${account}:Nothing`])('does not find %s', async (name) => {
    const missing = error('ResourceNotFoundException', 404);
    await expect(invoke({}, { FunctionName: name })).rejects.toMatchObject(missing);
  });

  it('starts one execution for a name, and refuses the name for another payload', async () => {
    const [first, again] = [await invoke({ n: 1 }, namedOne), await invoke({ n: 1 }, namedOne)];
    expect(again.DurableExecutionArn).toBe(first.DurableExecutionArn);
    const started = error('DurableExecutionAlreadyStartedException', 409);
    await expect(invoke({ n: 2 }, namedOne)).rejects.toMatchObject(started);
  });

  it('refuses input that is not JSON or exceeds a megabyte', async () => {
    const text = { Payload: Buffer.from('not JSON') };
    await expect(invoke({}, text)).rejects.toMatchObject(error('InvalidRequestContentException'));
    const large = invoke({ text: 'x'.repeat(1024 * 1024) });
    await expect(large).rejects.toMatchObject(error('RequestTooLargeException', 413));
  });

  it('waits for the result if it is asked to', async () => {
    const resultOf = async (payload: object) => {
      const { Payload, FunctionError } = await invoke(payload, { InvocationType: 'RequestResponse' });
      return [FunctionError, JSON.parse(Buffer.from(Payload ?? []).toString())] as unknown;
    };
    expect(await resultOf({ seconds: 1 })).toEqual([undefined, 'done']);
    const tooFar = { errorType: 'RangeError', errorMessage: 'too far' };
    expect(await resultOf({ does: 'fail' })).toEqual(['Unhandled', tooFar]);
  });

  it('fails if the key is disabled', async () => {
    aws.kms.disable(keyArn);
    await expect(invoke({})).rejects.toMatchObject(error('KMSDisabledException', 502));
  });
});

describe("the function's event", () => {
  it('has the input, then what happened, with times in ISO 8601', async () => {
    await invoke({ seconds: 60 }, namedOne);
    await paused();
    aws.lambda.passTime(60_000);
    await over();
    const [first, second] = events;
    expect(first?.InitialExecutionState).toMatchObject({
      Operations: [{ Type: 'EXECUTION', Status: 'STARTED', ExecutionDetails: { InputPayload: '{"seconds":60}' } }],
    });
    expect(first?.UpdatedOperationIds).toBeUndefined();
    const [root, wait] = second?.InitialExecutionState.Operations ?? [];
    expect(root?.Type).toBe('EXECUTION');
    expect(wait).toMatchObject({
      Type: 'WAIT',
      Name: 'a while',
      Status: 'SUCCEEDED',
      WaitDetails: { ScheduledEndTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
    });
    expect(second?.UpdatedOperationIds).toEqual([wait?.Id]);
    expect(second?.CheckpointToken).not.toBe(first?.CheckpointToken);
  });

  it('has a thousand operations at most, and the SDK reads the rest', async () => {
    await invoke({ does: 'many' });
    await paused();
    aws.lambda.passTime(1000);
    expect(await over()).toMatchObject({ status: 'SUCCEEDED', operations: 1201 });
    expect(events[1]?.InitialExecutionState.Operations).toHaveLength(1000);
    expect(aws.log.calls().filter(({ action }) => action === 'lambda:GetDurableExecutionState')).toHaveLength(1);
  });
});

describe('call-backs', () => {
  beforeEach(async () => {
    await invoke({ does: 'callback' }, namedOne);
    await paused();
  });
  const timedOut = error('CallbackTimeoutException');
  const succeed = (more: object = {}) =>
    lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackId, ...more }));
  const beat = () => lambda.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: callbackId }));

  it('succeed with a payload', async () => {
    const here = { Result: Buffer.from('here') };
    await succeed(here);
    expect((await executionAt((await over()).arn)).Result).toBe('"here"');
    await expect(succeed(here)).rejects.toMatchObject(timedOut);
  });

  it('succeed without one', async () => {
    await succeed();
    const { arn, status } = await over();
    expect([status, (await executionAt(arn)).Result]).toEqual(['SUCCEEDED', undefined]);
  });

  it('fail with an error', async () => {
    const Error = { ErrorMessage: 'refused', ErrorType: 'Refusal' };
    await lambda.send(new SendDurableExecutionCallbackFailureCommand({ CallbackId: callbackId, Error }));
    expect(await over()).toMatchObject({ status: 'FAILED', error: { ErrorMessage: 'refused' } });
  });

  it('take heartbeats while they are open', async () => {
    await beat();
    aws.lambda.passTime(day);
    await over();
    await expect(beat()).rejects.toMatchObject(timedOut);
  });

  it('that Lambda never made are refused', async () => {
    const unknown = succeed({ CallbackId: Buffer.from('nothing').toString('base64') });
    await expect(unknown).rejects.toMatchObject(error('InvalidParameterValueException'));
  });
});

describe('executions', () => {
  const all = async (more: object = {}): Promise<readonly (string | undefined)[]> => {
    const request = new ListDurableExecutionsByFunctionCommand({ FunctionName: 'TheJob', ...more });
    return ((await lambda.send(request)).DurableExecutions ?? []).map((one) => one.DurableExecutionName);
  };

  it('are listed newest first, by name, status, version and time, in pages', async () => {
    for (const name of ['a', 'b', 'c']) {
      aws.lambda.passTime(60_000);
      await invoke({ does: name === 'b' ? 'fail' : 'wait' }, { DurableExecutionName: name });
    }
    await eventually(async () => (await all({ Statuses: ['FAILED'] })).length === 1);
    expect(await all()).toEqual(['c', 'b', 'a']);
    expect(await all({ ReverseOrder: true })).toEqual(['a', 'b', 'c']);
    expect(await all({ Statuses: ['RUNNING', 'STOPPED'] })).toEqual(['c', 'a']);
    expect(await all({ DurableExecutionName: 'a' })).toEqual(['a']);
    expect(await all({ Qualifier: '2' })).toEqual([]);
    const { StartTimestamp: StartedAfter } = await executionAt(aws.lambda.engine.executions()[1]?.arn);
    expect(await all({ StartedAfter })).toEqual(['c']);
    expect(await all({ StartedBefore: StartedAfter })).toEqual(['a']);
    const pages: (number | undefined)[] = [];
    const paging = { client: lambda, pageSize: 2 };
    for await (const page of paginateListDurableExecutionsByFunction(paging, { FunctionName: 'TheJob' })) {
      pages.push(page.DurableExecutions?.length);
    }
    expect(pages).toEqual([2, 1]);
  });

  it('show their input, and their error when they were stopped', async () => {
    const { DurableExecutionArn } = await invoke({ n: 1 }, namedOne);
    const stop = { DurableExecutionArn, Error: { ErrorMessage: 'not wanted' } };
    const { StopTimestamp } = await lambda.send(new StopDurableExecutionCommand(stop));
    expect(StopTimestamp).toBeInstanceOf(Date);
    expect(await executionAt(DurableExecutionArn)).toMatchObject({
      DurableExecutionName: 'one',
      FunctionArn: `${account}:TheJob:1`,
      InputPayload: '{"n":1}',
      Status: 'STOPPED',
      Error: { ErrorMessage: 'not wanted' },
      EndTimestamp: StopTimestamp,
      DurableConfig: { KMSKeyArn: keyArn, RetentionPeriodInDays: 7 },
    });
    const without = await executionAt(DurableExecutionArn, { IncludeExecutionData: false });
    expect(without.InputPayload).toBeUndefined();
  });

  it('are unknown after their retention', async () => {
    const { DurableExecutionArn } = await invoke({});
    await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    aws.lambda.passTime(7 * day);
    await expect(executionAt(DurableExecutionArn)).rejects.toMatchObject(error('ResourceNotFoundException'));
    expect(await all()).toEqual([]);
  });

  it('keep the version that they began with', async () => {
    await invoke({ seconds: 60 }, { DurableExecutionName: 'old' });
    await paused();
    const versions: string[] = [];
    const seen: DurableProcesses = { ...processesOf(handler), run: async () => versions.push('2') };
    expect(aws.lambda.publish(spec, seen)).toBe(`${account}:TheJob:2`);
    aws.lambda.passTime(60_000);
    expect(await over()).toMatchObject({ status: 'SUCCEEDED', version: '1' });
    expect(versions).toEqual([]);
    await invoke({}, { FunctionName: `${account}:TheJob:2` });
    await eventually(() => versions.length === 1);
  });
});

describe('checkpoints over HTTP', () => {
  it('that are repeated with the same client token are answered the same, and applied once', async () => {
    const { DurableExecutionArn } = await invoke({}, namedOne);
    await paused();
    const { token: CheckpointToken } = aws.lambda.engine.find(DurableExecutionArn ?? '');
    const checkpoint = (ClientToken: string) =>
      lambda.send(
        new CheckpointDurableExecutionCommand({ DurableExecutionArn, CheckpointToken, ClientToken, Updates: [] }),
      );
    const [first, again] = [await checkpoint('same'), await checkpoint('same')];
    expect(again.CheckpointToken).toBe(first.CheckpointToken);
    const invalid = error('InvalidParameterValueException', 400, 'Invalid checkpoint token');
    await expect(checkpoint('other')).rejects.toMatchObject(invalid);
  });

  it('can be refused by a test, which fails the execution', async () => {
    const tooLarge = new LambdaError('InvalidParameterValueException', 400, 'Too large, says the test');
    aws.lambda.onCheckpoint(({ when }) => (when === 'before' ? tooLarge : undefined));
    await invoke({});
    const ErrorMessage = expect.stringContaining('Too large, says the test') as string;
    expect(await over()).toMatchObject({ status: 'FAILED', error: { ErrorMessage } });
  });

  it('fail the execution when the key was disabled in the meantime', async () => {
    aws.lambda.onCheckpoint(({ when }) => {
      if (when === 'before') aws.kms.disable(keyArn);
      return undefined;
    });
    await invoke({ does: 'step' });
    expect(await over()).toMatchObject({ status: 'FAILED', invocations: 1 });
  });
});

it('what is not supported says so', async () => {
  const { DurableExecutionArn } = await invoke({});
  const history = new GetDurableExecutionHistoryCommand({ DurableExecutionArn });
  await expect(lambda.send(history)).rejects.toThrow('does not support');
});

it('records each call with the ARN that its right is about', async () => {
  aws.log.clear();
  const { DurableExecutionArn = '' } = await invoke({ does: 'callback' });
  await paused();
  await lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackId }));
  await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
  await executionAt(DurableExecutionArn);
  await lambda.send(new ListDurableExecutionsByFunctionCommand({ FunctionName: 'TheJob' }));
  const seen = new Map(aws.log.calls().map(({ action, resource }) => [action, resource]));
  expect(Object.fromEntries(seen)).toEqual({
    'lambda:InvokeFunction': `${account}:TheJob:1`,
    'lambda:CheckpointDurableExecution': DurableExecutionArn,
    'lambda:SendDurableExecutionCallbackSuccess': DurableExecutionArn,
    'lambda:StopDurableExecution': DurableExecutionArn,
    'lambda:GetDurableExecution': DurableExecutionArn,
    'lambda:ListDurableExecutionsByFunction': `${account}:TheJob`,
  });
});

it.each([
  ['POST', '/2025-12-01/durable-executions/x/checkpoint'],
  ['GET', '/2025-12-01/durable-executions/x/state'],
  ['POST', '/2025-12-01/durable-executions/x/stop'],
  ['POST', '/2025-12-01/durable-execution-callbacks/x/succeed'],
  ['POST', '/2025-12-01/durable-execution-callbacks/x/fail'],
  ['POST', '/2025-12-01/durable-execution-callbacks/x/heartbeat'],
])('%s %s is known, and nothing below it', async (method, path) => {
  const scope = 'Credential=x/20260601/us-east-1/lambda/aws4_request';
  const headers = { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0` };
  const isKnown = async (whole: string): Promise<boolean> =>
    !(await (await fetch(aws.url + whole, { method, headers })).text()).includes('does not support');

  expect([await isKnown(path), await isKnown(`${path}/more`)]).toEqual([true, false]);
});
