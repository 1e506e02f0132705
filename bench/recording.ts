import {
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type GetItemCommandInput,
  type PutItemCommandInput,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { createPayerHttp } from '../functions/shared/payer/http-client.ts';
import type { PayerHttp, PayerRequest } from '../functions/shared/payer/http.ts';
import { dynamoClient } from '../functions/shared/store/dynamo.ts';
import { gatewayOver } from './gateway.ts';
import { oneAfterAnother, oneByOne, type Round } from './measure.ts';
import type { Begin } from './requests.ts';
import { makeTables, type Tables, type World } from './world.ts';

/*
 * A floor makes exactly the calls that the handler makes. The handler runs on one set of tables while its calls are
 * recorded, and the floor repeats them on a second set. So a floor has the same items, expressions and sizes, and stays
 * current when the handler's calls change.
 */
type Call =
  | { readonly command: 'GetItem'; readonly input: GetItemCommandInput }
  | { readonly command: 'PutItem'; readonly input: PutItemCommandInput }
  | { readonly command: 'UpdateItem'; readonly input: UpdateItemCommandInput };

type PayerCall = readonly [input: string | URL, init: PayerRequest];

/** The calls of one request, in order. */
export interface Recording {
  readonly calls: readonly Call[];
  readonly payerCalls: readonly PayerCall[];
}

export interface Replay {
  /** Repeats a call. @throws if DynamoDB refuses it */
  readonly send: (call: Call | undefined) => Promise<void>;
  /** Repeats the call to the payer and reads its answer to the end. */
  readonly callPayer: (call: PayerCall | undefined) => Promise<void>;
}

const recordedPrefix = 'recorded';
const floorPrefix = 'floor';

/** The functions' own client, so that a floor calls the payer the same way. */
const payerClient = createPayerHttp();

/** Repeats calls with a connection of its own. */
export const startReplay = (): Replay => {
  const client = dynamoClient();
  return {
    send: async (call) => {
      if (call?.command === 'GetItem') await client.send(new GetItemCommand(call.input));
      else if (call?.command === 'PutItem') await client.send(new PutItemCommand(call.input));
      else if (call?.command === 'UpdateItem') await client.send(new UpdateItemCommand(call.input));
      else throw new Error('the handler made fewer calls than its floor has');
    },
    callPayer: async (call) => {
      if (call === undefined) throw new Error('the handler called no payer');
      const response = await payerClient(...call);
      if (response.status !== 200) throw new Error(`the payer answered ${response.status}`);
      for await (const chunk of response.body ?? []) void chunk;
    },
  };
};

/**
 * A lease on a partner's rate lasts for many reads, and an entry of the registry for twenty seconds, so both count as the
 * handler's own time and are not part of a floor.
 */
const isShared = (table: string, { limits = false }: Counted): boolean =>
  (!limits && table.endsWith('.Limits')) || table.startsWith('Registry.');

/** Which calls are counted in addition to the request's own. */
export interface Counted {
  /** Calls to the table Limits, if each request makes its own. @default no */
  readonly limits?: boolean;
}

const recordCalls = (client: DynamoDBClient, calls: Call[], counted: Counted): void => {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const command = String(context['commandName']).replace(/Command$/, '');
      const { TableName: table = '', ...input } = args.input as PutItemCommandInput;
      if (isShared(table, counted)) return next(args);
      calls.push({ command, input: { ...input, TableName: table.replace(recordedPrefix, floorPrefix) } } as Call);
      return next(args);
    },
    { step: 'initialize' },
  );
};

let tables: Promise<{ recorded: Tables; floor: Tables }> | undefined;

const makeBoth = async (prefix: string): Promise<{ recorded: Tables; floor: Tables }> => ({
  recorded: await makeTables(prefix + recordedPrefix),
  floor: await makeTables(prefix + floorPrefix),
});

/** Where a floor runs. With several processes, each has its own tables. */
interface FloorWorld extends Pick<World, 'registry'> {
  readonly tablePrefix?: string;
}

/** Refuses a handler whose calls differ from those that its floor was written for. */
const checkCalls = ({ calls, payerCalls }: Recording, expected: readonly string[]): void => {
  const made = [...calls.map(({ command }) => command), ...payerCalls.map(() => 'payer')].toSorted().join(', ');
  const wanted = expected.toSorted().join(', ');
  if (made !== wanted) throw new Error(`the handler calls ${made}; its floor has ${wanted}`);
};

/** Repeats the calls of one request in the handler's order, and in parallel if the handler makes them in parallel. */
export type Remake = (replay: Replay, recording: Recording) => Promise<void>;

/**
 * Begins to record requests. Each call makes one, after repeating on the floor's tables whatever prepared it.
 * @param begin the requests whose calls are recorded
 * @param expected the commands of one request, and `payer` for a call to the payer
 * @throws Error if the handler makes other calls than these
 */
export const startRecording = async (
  { registry, tablePrefix = '' }: FloorWorld,
  begin: Begin,
  expected: readonly string[],
  counted: Counted = {},
): Promise<() => Promise<Recording>> => {
  const { recorded } = await (tables ??= makeBoth(tablePrefix));
  const calls: Call[] = [];
  const payerCalls: PayerCall[] = [];
  const client = dynamoClient();
  recordCalls(client, calls, counted);
  const payerHttp: PayerHttp = (input, init = {}) => {
    // The handler's deadline does not apply to the floor.
    const { signal: _signal, ...rest } = init;
    payerCalls.push([input, rest]);
    return payerClient(input, init);
  };
  const next = begin(gatewayOver({ tables: recorded, client, registry, payerHttp }));
  const replay = startReplay();
  return async () => {
    const request = await next();
    payerCalls.length = 0;
    for (const call of calls.splice(0)) await replay.send(call);
    await request();
    const recording = { calls: calls.splice(0), payerCalls: payerCalls.splice(0) };
    checkCalls(recording, expected);
    return recording;
  };
};

/**
 * A round of a floor: it is recorded, then repeated.
 * @param run makes the requests, one after another or at once
 * @throws Error as {@link startRecording}
 */
export const startFloor = async (
  world: FloorWorld,
  begin: Begin,
  expected: readonly string[],
  remake: Remake,
  run: typeof oneByOne = oneByOne,
  counted: Counted = {},
): Promise<Round> => {
  const record = await startRecording(world, begin, expected, counted);
  const replay = startReplay();
  return run(oneAfterAnother(record), (recording) => remake(replay, recording));
};
