import { ThrottlingException } from '@aws-sdk/client-dynamodb';
import { unavailable } from '../../functions/shared/errors.ts';
import { streamRecord } from '../functions/audit/records.ts';
import { exportItem, followUp } from '../functions/follow-up/follow-up.ts';
import { ask, async, exportGateway } from '../support/export-gateway.ts';
import { read, type TestGrant } from '../support/fetch-gateway.ts';

/** A call that is made for a partner or after a change, and what is seen if it fails. */
export interface Cell {
  readonly call: string;
  readonly fault: string;
  readonly saw: string;
  readonly repairs: string;
}

type Gateway = ReturnType<typeof exportGateway>;
const file = 'Observation-1.ndjson';
const observations = { name: file, type: 'Observation', parts: [['{"resourceType":"Observation"}']] };
const again = "the partner's next try";

/** A gateway with an export that has ended. */
const ready = async (): Promise<{ gateway: Gateway; grant: TestGrant; exportId: string }> => {
  const gateway = exportGateway();
  const grant = await gateway.grant();
  const item = await gateway.start(grant);
  await gateway.end(grant, item, [observations]);
  return { gateway, grant, exportId: item.exportId };
};

interface Request {
  readonly name: string;
  readonly send: (deps: Gateway['deps'], grant: TestGrant, exportId: string) => ReturnType<typeof ask>;
  readonly good: number;
}

const requests: readonly Request[] = [
  { name: 'kick-off', send: (deps, { token }) => read(deps, 'Patient/$export', token, { headers: async }), good: 202 },
  { name: 'status', send: (deps, { token }, id) => ask(deps, id, token), good: 200 },
  { name: 'file', send: (deps, { token }, id) => ask(deps, id, token, { file }), good: 200 },
  { name: 'DELETE', send: (deps, { token }, id) => ask(deps, id, token, { method: 'DELETE' }), good: 202 },
];

const throttled = new ThrottlingException({ message: 'slow', $metadata: {} });

/** Makes one kind of call fail, before it has an effect or after. Returns whether it was made. */
const breakCall = (
  gateway: Gateway,
  call: string,
  isLost: boolean,
): { deps: Gateway['deps']; made: () => boolean; mend: () => void } => {
  let [made, isBroken] = [false, true];
  const { client } = gateway.dynamo;
  const send = client.send.bind(client) as unknown as (command: object) => Promise<object>;
  const fail = async <T>(name: string, error: Error, work: () => Promise<T>): Promise<T> => {
    if (!isBroken || name !== call) return work();
    made = true;
    if (isLost) await work();
    throw error;
  };
  Object.assign(client, {
    send: (command: { input: { TableName?: string }; constructor: { name: string } }) =>
      fail(`${command.constructor.name.replace('Command', '')} ${command.input.TableName}`, throttled, () =>
        send(command),
      ),
  });
  const { sealForJob, openObject, openGate } = gateway.deps;
  const deps = {
    ...gateway.deps,
    sealForJob: (...box: Parameters<typeof sealForJob>) =>
      fail('KMS: GenerateDataKey', unavailable('kms: ThrottlingException'), () => sealForJob(...box)),
    openObject: (...object: Parameters<typeof openObject>) =>
      fail('S3: GetObject', unavailable('s3: SlowDown'), () => openObject(...object)),
    openGate: () => fail('audit event', new Error('refused'), () => openGate()),
  };
  return { deps, made: () => made, mend: () => void (isBroken = false) };
};

const calls = [
  'GetItem Grants',
  'GetItem Exports',
  'PutItem Exports',
  'DeleteItem Exports',
  'KMS: GenerateDataKey',
  'S3: GetObject',
  'audit event',
];

const requestCells = async (): Promise<Cell[]> => {
  const cells: Cell[] = [];
  for (const request of requests) {
    for (const call of calls) {
      for (const isLost of [false, true]) {
        const { gateway, grant, exportId } = await ready();
        const { deps, made, mend } = breakCall(gateway, call, isLost);
        const { statusCode, headers, text } = await request.send(deps, grant, exportId);
        if (!made()) continue;
        if (statusCode === 500 || /Exception|SlowDown|refused/.test(text)) throw new Error(`innards: ${text}`);
        if (statusCode === 503 && headers['Retry-After'] === undefined) throw new Error('no Retry-After');
        mend();
        const next = await request.send(deps, grant, exportId);
        const isRepeat = next.statusCode === 429 || next.statusCode === 404;
        if (next.statusCode !== request.good && !(isLost && isRepeat))
          throw new Error(`${request.name}: ${next.statusCode}`);
        const saw = `${statusCode}, then ${next.statusCode}${next.statusCode === 429 ? ' with the URL of the export that runs' : ''}`;
        cells.push({
          call: `${request.name}: ${call}`,
          fault: isLost ? 'answer lost' : 'fails, throttled',
          saw,
          repairs: again,
        });
      }
    }
  }
  return cells;
};

const began = { executionArn: 'arn:job', beganAt: 1 };
const changes = [
  { name: 'start the job', record: () => streamRecord(undefined, exportItem()), call: /^G{22}x{22}$/ },
  {
    name: 'sweep',
    record: () => streamRecord(exportItem(began), exportItem({ ...began, status: 'completed', endedAt: 2 })),
    call: /-ended$/,
  },
  {
    name: 'tell the partner',
    record: () => streamRecord(exportItem(began), exportItem({ ...began, status: 'completed', endedAt: 2 })),
    call: /^evt_/,
  },
] as const;

/** Follow-up: the stream repeats the record, and nothing is done twice. */
const streamCells = async (): Promise<Cell[]> => {
  const cells: Cell[] = [];
  for (const { name, record, call } of changes) {
    const world = followUp();
    const one = record();
    world.failNext(call, Object.assign(new Error('slow'), { name: 'TooManyRequestsException' }));
    const first = await world.handle(one);
    if (first.batchItemFailures.length !== 1) throw new Error(`${name}: the record is not repeated`);
    const second = await world.handle(one);
    if (second.batchItemFailures.length !== 0) throw new Error(`${name}: the repeat fails`);
    const names = [...world.started.keys()];
    if (new Set(names).size !== names.length) throw new Error(`${name}: started twice`);
    cells.push({
      call: `follow-up: ${name}`,
      fault: 'fails, throttled',
      saw: 'it is done a little later, once',
      repairs: 'the stream repeats the record',
    });
  }
  return cells;
};

/** What each call for partners and after changes shows when it fails. @throws Error if a promise is broken */
export const partnerCells = async (): Promise<readonly Cell[]> => [...(await requestCells()), ...(await streamCells())];
