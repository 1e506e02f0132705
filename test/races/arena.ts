import { randomInt } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describeAnswer } from '../faults/answers.ts';
import type { GatewayAnswer, GatewayRequest, Instance } from '../faults/instance.ts';
import { broughtRecord } from '../faults/paths.ts';
import { startProcesses, type Processes } from '../faults/processes.ts';
import { readRequest } from '../faults/requests.ts';
import { startWorld, type Shuffled, type World } from '../faults/world.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { startDynamo, type Dynamo } from '../support/world/dynalite.ts';

/** A race, and how many times it is run. */
export interface Contest {
  readonly race: Race;
  readonly rounds: number;
}

/** One of so many rounds goes over HTTP too, which takes eight times as long. */
const perRoundOverHttp = 4;
const fewRounds = 4;
const fewProcesses = 6;
/** A test's limit on a busy machine, in milliseconds. */
const contestMs = 1_800_000;
export const parallel = 50;
export const payerTokenLivesMs = 300_000;

/** A world with several execution environments. */
interface Arena {
  readonly world: World;
  readonly instances: readonly [Instance, ...Instance[]];
}

/** One round of a race; it throws if a promise is broken. */
type Race = (arena: Arena) => Promise<void>;

/** `shuffled` is in memory; its calls, and the payer's, begin and end in a random order. */
type StoreKind = 'dynalite' | 'shuffled';

/** Where races run. */
interface Arenas {
  /** In this process, with as many execution environments as there are concurrent calls. */
  readonly environments: (store: StoreKind) => Promise<Arena>;
  /** Six processes. */
  readonly processes: () => Promise<Arena>;
  readonly startProcess: Processes['start'];
  readonly close: () => Promise<void>;
}

const severalOf = <T>(count: number, make: () => T): [T, ...T[]] => [
  make(),
  ...Array.from({ length: count - 1 }, () => make()),
];

const mostTurns = 4;

/** A store in memory. Its calls begin, and end, after a random number of turns of the event loop. */
const shuffledStore = (): Shuffled => {
  const { client, forget } = memoryDynamo();
  const wait = async (): Promise<void> => {
    for (let turns = randomInt(mostTurns); turns > 0; turns -= 1) await nextTurn();
  };
  const send = async (command: object): Promise<object> => {
    await wait();
    forget();
    const answer = (client.send as (sent: object) => Promise<object>)(command);
    await answer.catch(() => undefined);
    await wait();
    return answer;
  };
  return { dynamo: { send } as unknown as DynamoDBClient, wait };
};

/** Starts DynamoDB, over HTTP, for races. */
const startArenas = async (): Promise<Arenas> => {
  const dynamo: Dynamo = await startDynamo();
  const processes = await startProcesses();
  const worlds: World[] = [];
  const newWorld = async (shuffled?: Shuffled): Promise<World> => {
    const world = await startWorld(dynamo, { together: true, ...(shuffled === undefined ? {} : { shuffled }) });
    worlds.push(world);
    return world;
  };
  return {
    environments: async (store) => {
      const world = await newWorld(store === 'shuffled' ? shuffledStore() : undefined);
      return { world, instances: severalOf(parallel, () => world.instance()) };
    },
    processes: async () => {
      const world = await newWorld();
      const started = await Promise.all(severalOf(fewProcesses, () => processes.start(world)));
      return { world, instances: started };
    },
    startProcess: processes.start,
    close: async () => {
      await processes.close();
      for (const world of worlds) await world.close();
      await dynamo.close();
    },
  };
};

/**
 * Runs races as tests of the file that calls it: all rounds over one execution environment per call, a few over six
 * processes.
 * @returns where they run; call it within a test
 */
export const holdRaces = (contests: Readonly<Record<string, Contest>>): (() => Arenas) => {
  const named = Object.entries(contests);
  let arenas: Arenas | undefined;
  const started = (): Arenas => arenas!;

  beforeAll(async () => {
    arenas = await startArenas();
  });
  afterAll(() => arenas?.close());

  const inEnvironments = async ({ race, rounds }: Contest, store: StoreKind): Promise<void> => {
    const arena = await started().environments(store);
    for (let round = 0; round < rounds; round += 1) await race(arena);
    expect(arena.world.payer.misuse).toEqual([]);
  };

  describe('rounds over fifty execution environments, the calls of the store and of the payer in a random order', () => {
    it.each(named)('%s', (_name, contest) => inEnvironments(contest, 'shuffled'), contestMs);
  });

  describe('rounds over fifty execution environments, the store over HTTP', () => {
    it.each(named)(
      '%s',
      (_name, contest) => inEnvironments({ ...contest, rounds: contest.rounds / perRoundOverHttp }, 'dynalite'),
      contestMs,
    );
  });

  describe('a few rounds over six processes', () => {
    it.each(named)('%s', async (_name, { race }) => {
      const arena = await started().processes();
      for (let round = 0; round < fewRounds; round += 1) await race(arena);
      expect(arena.world.payer.misuse).toEqual([]);
    });
  });

  return started;
};

/**
 * Sends concurrent requests over the execution environments. Each takes one call at a time, as in Lambda; the others
 * wait.
 */
export const allAtOnce = async (
  instances: readonly Instance[],
  requests: readonly GatewayRequest[],
): Promise<GatewayAnswer[]> => {
  const answers: GatewayAnswer[] = [];
  const work = async ({ call }: Instance, first: number): Promise<void> => {
    for (let at = first; at < requests.length; at += instances.length) answers[at] = await call(requests[at]!);
  };
  await Promise.all(instances.map(work));
  return answers;
};

const mostTries = 4;

/** A caller that retries when told to: 503 decides nothing, and a busy machine answers it now and then. */
export const patient = ({ call, ...same }: Instance): Instance => ({
  ...same,
  call: async (request) => {
    let answer = await call(request);
    for (let tries = 1; answer.status === 503 && tries < mostTries; tries += 1) answer = await call(request);
    return answer;
  },
});

/** This many of them, each a new one. */
export const times = (count: number, make: () => GatewayRequest): GatewayRequest[] =>
  Array.from({ length: count }, make);

/** How many times each was seen, such as `{"200": 1, "400": 49}`. */
export const tally = (seen: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const one of seen) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
};

export const inOAuth = (answers: readonly GatewayAnswer[]): Record<string, number> =>
  tally(answers.map((answer) => describeAnswer('OAuth', answer)));
export const inFhir = (answers: readonly GatewayAnswer[]): Record<string, number> =>
  tally(answers.map((answer) => describeAnswer('FHIR', answer)));

/** Whether an access token reads the record. */
export const reads = async (instance: Instance, token: string): Promise<boolean> =>
  broughtRecord(await patient(instance).call(readRequest(token)));
