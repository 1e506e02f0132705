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
const paused = () => eventually(() => aws.lambda.engine.all()[0]?.isRunning === false);

describe('Invoke', () => {
  it('answers 202 and the ARN of the execution, which names function, version and name', async () => {
    const { StatusCode, DurableExecutionArn, ExecutedVersion } = await invoke({}, { DurableExecutionName: 'one' });
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
    await expect(invoke({}, { FunctionName: 'TheJob' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('unqualified'),
    });
  });

  it.each([`${account}:TheJob:2`, `${account}:Nothing:1`, `${account}:Nothing`])('does not find %s', async (name) => {
    await expect(invoke({}, { FunctionName: name })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('starts one execution for a name, and refuses the name for another payload', async () => {
    const first = await invoke({ n: 1 }, { DurableExecutionName: 'one' });
    const again = await invoke({ n: 1 }, { DurableExecutionName: 'one' });
    expect(again.DurableExecutionArn).toBe(first.DurableExecutionArn);
    await expect(invoke({ n: 2 }, { DurableExecutionName: 'one' })).rejects.toMatchObject({
      name: 'DurableExecutionAlreadyStartedException',
      $metadata: { httpStatusCode: 409 },
    });
  });

  it('refuses input that is not JSON or exceeds a megabyte', async () => {
    const text = { Payload: Buffer.from('not JSON') };
    await expect(invoke({}, text)).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
    await expect(invoke({ text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });

  it('waits for the result if it is asked to', async () => {
    const { Payload, FunctionError } = await invoke({ seconds: 1 }, { InvocationType: 'RequestResponse' });
    expect(Buffer.from(Payload ?? []).toString()).toBe('"done"');
    expect(FunctionError).toBeUndefined();
    const failed = await invoke({ does: 'fail' }, { InvocationType: 'RequestResponse' });
    expect(failed.FunctionError).toBe('Unhandled');
    expect(JSON.parse(Buffer.from(failed.Payload ?? []).toString())).toEqual({
      errorType: 'RangeError',
      errorMessage: 'too far',
    });
  });

  it('fails if the key is disabled', async () => {
    aws.kms.disable(keyArn);
    await expect(invoke({})).rejects.toMatchObject({
      name: 'KMSDisabledException',
      $metadata: { httpStatusCode: 502 },
    });
  });
});

describe("the function's event", () => {
  it('has the input, then what happened, with times in ISO 8601', async () => {
    await invoke({ seconds: 60 }, { DurableExecutionName: 'one' });
    await paused();
    aws.lambda.passTime(60_000);
    const { arn = '' } = aws.lambda.engine.executions()[0] ?? {};
    await aws.lambda.engine.over(arn);
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
    const { arn = '' } = aws.lambda.engine.executions()[0] ?? {};
    await aws.lambda.engine.over(arn);
    expect(events[1]?.InitialExecutionState.Operations).toHaveLength(1000);
    expect(aws.lambda.engine.executions()[0]).toMatchObject({ status: 'SUCCEEDED', operations: 1201 });
    expect(aws.log.calls().filter(({ action }) => action === 'lambda:GetDurableExecutionState')).toHaveLength(1);
  });
});

describe('call-backs', () => {
  const waiting = async (): Promise<void> => {
    await invoke({ does: 'callback' }, { DurableExecutionName: 'one' });
    await paused();
  };
  const result = async (): Promise<string | undefined> => {
    const { arn = '' } = aws.lambda.engine.executions()[0] ?? {};
    await aws.lambda.engine.over(arn);
    return (await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))).Result;
  };

  it('succeed with a payload', async () => {
    await waiting();
    const succeed = { CallbackId: callbackId, Result: Buffer.from('here') };
    await lambda.send(new SendDurableExecutionCallbackSuccessCommand(succeed));
    expect(await result()).toBe('"here"');
    await expect(lambda.send(new SendDurableExecutionCallbackSuccessCommand(succeed))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
    });
  });

  it('succeed without one', async () => {
    await waiting();
    await lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackId }));
    expect(await result()).toBeUndefined();
    expect(aws.lambda.engine.executions()[0]?.status).toBe('SUCCEEDED');
  });

  it('fail with an error', async () => {
    await waiting();
    const Error = { ErrorMessage: 'refused', ErrorType: 'Refusal' };
    await lambda.send(new SendDurableExecutionCallbackFailureCommand({ CallbackId: callbackId, Error }));
    await result();
    expect(aws.lambda.engine.executions()[0]).toMatchObject({
      status: 'FAILED',
      error: { ErrorMessage: 'refused' },
    });
  });

  it('take heartbeats while they are open', async () => {
    await waiting();
    await lambda.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: callbackId }));
    aws.lambda.passTime(day);
    await result();
    await expect(
      lambda.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: callbackId })),
    ).rejects.toMatchObject({ name: 'CallbackTimeoutException' });
  });

  it('that Lambda never made are refused', async () => {
    const CallbackId = Buffer.from('nothing').toString('base64');
    await expect(lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
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
    const { StartTimestamp: StartedAfter } = await lambda.send(
      new GetDurableExecutionCommand({ DurableExecutionArn: aws.lambda.engine.executions()[1]?.arn }),
    );
    expect(await all({ StartedAfter })).toEqual(['c']);
    expect(await all({ StartedBefore: StartedAfter })).toEqual(['a']);
    const pages: number[] = [];
    for await (const page of paginateListDurableExecutionsByFunction(
      { client: lambda, pageSize: 2 },
      { FunctionName: 'TheJob' },
    )) {
      pages.push(page.DurableExecutions?.length ?? 0);
    }
    expect(pages).toEqual([2, 1]);
  });

  it('show their input, and their error when they were stopped', async () => {
    const { DurableExecutionArn } = await invoke({ n: 1 }, { DurableExecutionName: 'one' });
    const stop = { DurableExecutionArn, Error: { ErrorMessage: 'not wanted' } };
    const { StopTimestamp } = await lambda.send(new StopDurableExecutionCommand(stop));
    expect(StopTimestamp).toBeInstanceOf(Date);
    expect(await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))).toMatchObject({
      DurableExecutionName: 'one',
      FunctionArn: `${account}:TheJob:1`,
      InputPayload: '{"n":1}',
      Status: 'STOPPED',
      Error: { ErrorMessage: 'not wanted' },
      EndTimestamp: StopTimestamp,
      DurableConfig: { KMSKeyArn: keyArn, RetentionPeriodInDays: 7 },
    });
    const without = await lambda.send(
      new GetDurableExecutionCommand({ DurableExecutionArn, IncludeExecutionData: false }),
    );
    expect(without.InputPayload).toBeUndefined();
  });

  it('are unknown after their retention', async () => {
    const { DurableExecutionArn } = await invoke({});
    await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    aws.lambda.passTime(7 * day);
    await expect(lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(await all()).toEqual([]);
  });

  it('keep the version that they began with', async () => {
    await invoke({ seconds: 60 }, { DurableExecutionName: 'old' });
    await paused();
    const versions: string[] = [];
    const seen: DurableProcesses = { ...processesOf(handler), run: async () => versions.push('2') };
    expect(aws.lambda.publish(spec, seen)).toBe(`${account}:TheJob:2`);
    aws.lambda.passTime(60_000);
    const { arn = '' } = aws.lambda.engine.executions()[0] ?? {};
    await aws.lambda.engine.over(arn);
    expect(aws.lambda.engine.executions()[0]).toMatchObject({ status: 'SUCCEEDED', version: '1' });
    expect(versions).toEqual([]);
    await invoke({}, { FunctionName: `${account}:TheJob:2` });
    await eventually(() => versions.length === 1);
  });
});

describe('checkpoints over HTTP', () => {
  const started = async () => {
    const { DurableExecutionArn } = await invoke({}, { DurableExecutionName: 'one' });
    await paused();
    return { DurableExecutionArn, CheckpointToken: aws.lambda.engine.find(DurableExecutionArn ?? '').token };
  };

  it('that are repeated with the same client token are answered the same, and applied once', async () => {
    const request = { ...(await started()), ClientToken: 'same', Updates: [] };
    const first = await lambda.send(new CheckpointDurableExecutionCommand(request));
    const again = await lambda.send(new CheckpointDurableExecutionCommand(request));
    expect(again.CheckpointToken).toBe(first.CheckpointToken);
    await expect(
      lambda.send(new CheckpointDurableExecutionCommand({ ...request, ClientToken: 'other' })),
    ).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'Invalid checkpoint token',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('can be refused by a test, which fails the execution', async () => {
    aws.lambda.onCheckpoint(({ when }) =>
      when === 'before'
        ? new LambdaError('InvalidParameterValueException', 400, 'Too large, says the test')
        : undefined,
    );
    const { DurableExecutionArn = '' } = await invoke({});
    await aws.lambda.engine.over(DurableExecutionArn);
    expect(aws.lambda.engine.executions()[0]).toMatchObject({
      status: 'FAILED',
      error: { ErrorMessage: expect.stringContaining('Too large, says the test') },
    });
  });

  it('fail the execution when the key was disabled in the meantime', async () => {
    aws.lambda.onCheckpoint(({ when }) => {
      if (when === 'before') aws.kms.disable(keyArn);
      return undefined;
    });
    const { DurableExecutionArn = '' } = await invoke({ does: 'step' });
    await aws.lambda.engine.over(DurableExecutionArn);
    expect(aws.lambda.engine.executions()[0]).toMatchObject({ status: 'FAILED', invocations: 1 });
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
  await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
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
