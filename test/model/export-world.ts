import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DurableExecutionAlreadyStartedException, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBRecord } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { endIfFailed } from '../../functions/export-job/end/end-if-failed.ts';
import { runExport } from '../../functions/export-job/handler.ts';
import type { JobDeps } from '../../functions/export-job/job/deps.ts';
import { followUpHandler } from '../../functions/follow-up/handler.ts';
import { endStaleInvocation } from '../../functions/shared/aws/stale-invocation.ts';
import type { PartnerEvent } from '../../functions/shared/events/event.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { sweepHandler } from '../../functions/sweep/handler.ts';
import { streamRecord } from '../functions/audit/records.ts';
import { outsideCall, simulatedDurable } from '../support/durable.ts';
import { exportGateway } from '../support/export-gateway.ts';
import { startMs } from '../support/gateway.ts';
import { localRegistry, withPartner } from '../support/login.ts';
import { smallBuffers } from '../support/small-buffers.ts';

/** A bug that a test plants in the world, to show that the model finds it. */
export type Planted =
  /** A sweep is never started. */
  | 'noSweep'
  /** DELETE answers, and deletes nothing. */
  | 'noDelete'
  /** A kick-off replaces an export that runs. */
  | 'replacesRunning'
  /** A repeated stream record makes another event. */
  | 'otherEvent'
  /** The job checkpoints parts that it did not put. */
  | 'lostPart';

type Item = ReturnType<ReturnType<typeof exportGateway>['dynamo']['items']> extends Map<string, infer I> ? I : never;

interface Sent {
  readonly constructor: { readonly name: string };
  readonly input: {
    readonly TableName?: string;
    readonly Key?: Item;
    readonly Item?: Item;
    ConditionExpression?: string;
  };
}

/** How often a call of the job fails, and how often its process dies after a checkpoint; from 0 to 1. */
interface Faults {
  failed: number;
  death: number;
}

const streamed: readonly string[] = ['Exports', 'Grants'];

/** One grant, its exports, and everything that works for them, in memory and in simulated time. */
export const exportsWorld = (random: () => number, payerHttp: PayerHttp, planted?: Planted) => {
  const webhook = 'https://app.example.org/hook';
  const gateway = exportGateway({ registry: withPartner('demo-partner', { webhook })(localRegistry()) });
  const { dynamo, objects } = gateway;
  const faults: Faults = { failed: 0, death: 0 };
  const stream: DynamoDBRecord[] = [];
  let replaced = 0;
  const events: PartnerEvent[] = [];
  const clock = { now: () => durable.now(), monotonic: () => durable.now() };

  /** Writes a record for each change of a table with a stream. */
  const send = dynamo.client.send.bind(dynamo.client) as unknown as (command: Sent) => Promise<object>;
  const record = async (command: Sent): Promise<object> => {
    const { TableName = '', Key, Item: put } = command.input;
    const id = (Key ?? put)?.['grantId']?.S;
    if (id === undefined || !streamed.includes(TableName)) return send(command);
    if (planted === 'noDelete' && TableName === 'Exports' && command.constructor.name === 'DeleteItemCommand')
      return {};
    const living = dynamo.items(TableName).get(id);
    if (planted === 'replacesRunning' && command.constructor.name === 'PutItemCommand') {
      dynamo.items(TableName).delete(id);
    }
    const before = dynamo.items(TableName).get(id);
    const answer = await send(command);
    const after = dynamo.items(TableName).get(id);
    const isNew = TableName === 'Exports' && command.constructor.name === 'PutItemCommand';
    if (isNew && living?.['status']?.S === 'running' && Number(living['expiresAt']?.N) * 1000 > durable.now())
      replaced += 1;
    if (before !== after) {
      const made = streamRecord(before, after);
      Object.assign(made.dynamodb ?? {}, { ApproximateCreationDateTime: Math.floor(durable.now() / 1000) });
      stream.push(made);
    }
    return answer;
  };
  Object.assign(dynamo.client, { send: record });

  /** Called before each call of the job: other things happen there, and the call may fail. */
  let between = async (): Promise<void> => {};
  const risk = async (): Promise<void> => {
    await between();
    if (random() < faults.failed) throw new Error('injected');
  };
  const jobClient = Object.create(dynamo.client) as DynamoDBClient;
  Object.assign(jobClient, {
    send: outsideCall(async (command: Sent) => {
      await risk();
      const answer = await record(command);
      // It was done, but the answer is lost.
      if (random() < faults.failed / 2) throw new Error('injected');
      return answer;
    }),
  });
  const table = (name: string) => ({ client: jobClient, name });
  const jobDeps: JobDeps = {
    ...gateway.deps,
    clock,
    exports: table('Exports'),
    grants: table('Grants'),
    audit: table('Audit'),
    limits: table('Limits'),
    payerHttp: outsideCall(async (...asked) => {
      await risk();
      return payerHttp(...asked);
    }),
    objects: {
      put: outsideCall(async (name, body) => {
        await risk();
        if (planted === 'lostPart' && name.includes('/parts/')) return;
        objects.set(name, Uint8Array.from(body));
      }),
      get: outsideCall(async (name) => {
        await risk();
        const found = objects.get(name);
        if (found === undefined) throw new Error('no such object');
        return found;
      }),
    },
    openInJob: gateway.openInJob,
    waitForTurn: async (_payer, _perSecond, { isWanted }) => ((await isWanted()) ? 'turn' : 'unwanted'),
    startExecution: outsideCall(async (name, input) => void durable.start('job', input, name)),
    newBuffers: smallBuffers,
    sleep: (ms) => durable.sleep(ms),
    fileSeconds: 7 * 86_400,
  };

  const s3 = new S3Client({ region: 'eu-central-1' });
  mockClient(s3)
    .on(ListObjectsV2Command)
    .callsFake(async ({ Prefix }: { Prefix: string }) => ({
      Contents: [...objects.keys()].filter((name) => name.startsWith(Prefix)).map((Key) => ({ Key })),
    }))
    .on(GetObjectCommand)
    .callsFake(async ({ Key }: { Key: string }) => {
      const found = objects.get(Key);
      if (found === undefined) throw new NoSuchKey({ message: 'none', $metadata: {} });
      return { Body: { transformToString: async () => Buffer.from(found).toString('utf8') } };
    })
    .on(DeleteObjectsCommand)
    .callsFake(async ({ Delete }: { Delete: { Objects: { Key: string }[] } }) => {
      for (const { Key } of Delete.Objects) objects.delete(Key);
      return {};
    });

  const durable = simulatedDurable(
    { job: runExport(jobDeps), sweep: sweepHandler({ bucket: { client: s3, name: 'exports' } }) },
    {
      startMs,
      executionTimeoutSeconds: 7 * 86_400,
      killAfter: () => random() < faults.death,
      wrap: (handler) => endIfFailed(jobDeps, endStaleInvocation(handler)),
    },
  );

  const started = new Map<string, string>();
  const lambda = new LambdaClient({ region: 'eu-central-1' });
  mockClient(lambda)
    .on(InvokeCommand)
    .callsFake(async ({ FunctionName, DurableExecutionName, Payload }: Record<string, string>) => {
      const name = `${FunctionName} ${DurableExecutionName}`;
      const payload = Buffer.from(Payload ?? '').toString();
      if (FunctionName === 'sweep' && planted === 'noSweep') return {};
      if (started.has(name) && planted !== 'otherEvent') {
        if (started.get(name) === payload) return {};
        throw new DurableExecutionAlreadyStartedException({ message: 'started', $metadata: {} });
      }
      started.set(name, payload);
      if (FunctionName === 'deliver') events.push(JSON.parse(payload) as PartnerEvent);
      else durable.start(FunctionName ?? '', JSON.parse(payload), DurableExecutionName);
      return {};
    });
  const follow = followUpHandler({
    ...gateway.deps,
    clock,
    stage: 'local',
    lambda,
    exports: { client: dynamo.client, name: 'Exports' },
    functions: { exportJob: 'job', sweep: 'sweep', deliver: 'deliver' },
  });

  return {
    gateway,
    deps: {
      ...gateway.deps,
      clock,
      wakeJob: async (callbackId: string): Promise<void> => durable.engine.succeedCallback(callbackId, undefined),
    },
    durable,
    faults,
    events,
    objects,
    /** How often a kick-off replaced an export that ran. */
    replaced: (): number => replaced,
    setBetween: (work: () => Promise<void>) => void (between = work),
    /** Delivers the records that wait, each batch perhaps twice. */
    deliver: async (): Promise<void> => {
      while (stream.length > 0) {
        const batch = stream.splice(0, 1 + Math.floor(random() * 3));
        for (let times = random() < 0.5 ? 2 : 1; times > 0; times -= 1) await follow({ Records: batch });
      }
    },
    /** Deletes expired items, as the tables do. */
    expire: (): void => {
      for (const name of streamed) {
        for (const [id, item] of dynamo.items(name)) {
          if (Number(item['expiresAt']?.N) * 1000 > durable.now()) continue;
          dynamo.items(name).delete(id);
          const made = streamRecord(item, undefined);
          Object.assign(made.dynamodb ?? {}, { ApproximateCreationDateTime: Math.floor(durable.now() / 1000) });
          stream.push(made);
        }
      }
    },
  };
};
