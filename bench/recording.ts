import {
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { createPayerHttp } from '../functions/shared/payer/http-client.ts';
import type { PayerHttp } from '../functions/shared/payer/http.ts';
import { dynamoClient } from '../functions/shared/store/dynamo.ts';
import {
  callRecorder,
  checkCalls,
  type Call,
  type Counted,
  type PayerCall,
  type Recorder,
  type Recording,
} from './calls.ts';
import type { Floor } from './floors.ts';
import { gatewayOver } from './gateway.ts';
import { oneAfterAnother, oneByOne, type Round } from './measure.ts';
import type { Begin } from './requests.ts';
import { makeTables, type Tables, type World } from './world.ts';

/*
 * A floor makes exactly the calls that the handler makes. The handler runs on one set of tables while its calls are
 * recorded, and the floor repeats them on a second set. So a floor has the same items, expressions and sizes, and stays
 * current when the handler's calls change.
 */

export interface Replay {
  /** Repeats a call. That to the payer is read to its end. @throws if it is refused */
  readonly send: (call: Call) => Promise<void>;
}

const recordedPrefix = 'recorded';
const floorPrefix = 'floor';

/** The functions' own client, so that a floor calls the payer the same way. */
const payerClient = createPayerHttp();

/** Calls the payer with the functions' client, and nothing around it. */
const callPayer = async ([input, init]: PayerCall): Promise<void> => {
  const response = await payerClient(input, init);
  if (response.status !== 200) throw new Error(`the payer answered ${response.status}`);
  for await (const chunk of response.body ?? []) void chunk;
};

/** Repeats calls with a connection of its own. @param toPayer how it calls the payer */
export const startReplay = (toPayer = callPayer): Replay => {
  const client = dynamoClient();
  return {
    send: async (call) => {
      if (call.command === 'GetItem') await client.send(new GetItemCommand(call.input));
      else if (call.command === 'PutItem') await client.send(new PutItemCommand(call.input));
      else if (call.command === 'UpdateItem') await client.send(new UpdateItemCommand(call.input));
      else await toPayer(call.input);
    },
  };
};

/** Repeats the calls of a request in the handler's order, and side by side what the handler makes side by side. */
export const remake = async (replay: Replay, recording: Recording): Promise<void> => {
  for (const together of recording) await Promise.all(together.map(replay.send));
};

/**
 * Left out, since many requests share them: a lease on a partner's rate, a look at a payer's breaker, and an entry of the
 * registry. Whatever they take counts as the handler's own time.
 */
const isShared = (table: string, { limits = false }: Pick<Counted, 'limits'>): boolean =>
  (!limits && table.endsWith('.Limits')) || table.startsWith('Registry.');

const recordCalls = (client: DynamoDBClient, recorder: Recorder, counted: Counted): void => {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const command = String(context['commandName']).replace(/Command$/, '');
      const { TableName: table = '', ...input } = args.input as PutItemCommandInput;
      if (isShared(table, counted)) return next(args);
      const call = { command, input: { ...input, TableName: table.replace(recordedPrefix, floorPrefix) } } as Call;
      return recorder.during(call, () => next(args));
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

/**
 * Begins to record requests. Each call makes one, after repeating on the floor's tables whatever prepared it.
 * @param begin the requests whose calls are recorded
 * @throws Error if the handler makes other calls than these
 */
export const startRecording = async (
  { registry, tablePrefix = '' }: FloorWorld,
  begin: Begin,
  counted: Counted,
): Promise<() => Promise<Recording>> => {
  const { recorded } = await (tables ??= makeBoth(tablePrefix));
  const recorder = callRecorder();
  const client = dynamoClient();
  recordCalls(client, recorder, counted);
  const payerHttp: PayerHttp = (input, init = {}) => {
    // The handler's deadline does not apply to the floor.
    const { signal: _signal, ...rest } = init;
    return recorder.during({ command: 'payer', input: [input, rest] }, () => payerClient(input, init));
  };
  const next = begin(gatewayOver({ tables: recorded, client, registry, payerHttp }));
  const replay = startReplay(async () => undefined);
  return async () => {
    const request = await next();
    await remake(replay, recorder.take());
    await request();
    const recording = recorder.take();
    checkCalls(recording, counted.calls);
    return recording;
  };
};

interface FloorOptions {
  /** Makes the requests, one after another or at once. @default one after another */
  readonly run?: typeof oneByOne;
  /** @default with the functions' own client */
  readonly toPayer?: typeof callPayer;
}

/**
 * A round of a floor: it is recorded, then repeated.
 * @throws Error as {@link startRecording}
 */
export const startFloor = async (
  world: FloorWorld,
  begin: Begin,
  floor: Floor,
  { run = oneByOne, toPayer = callPayer }: FloorOptions = {},
): Promise<Round> => {
  const record = await startRecording(world, begin, floor);
  const replay = startReplay(toPayer);
  return run(oneAfterAnother(record), (recording) => {
    floor.work?.();
    return remake(replay, recording);
  });
};
