import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Context } from 'aws-lambda';
import { canaryHandler } from '../../functions/canary/handler.ts';
import { entriesOf, newEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../functions/shared/registry/table-registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { metric } from '../support/embedded-metrics.ts';
import { testDeps } from '../support/gateway.ts';
import { localRegistry } from '../support/login.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { simulatedTime } from '../support/simulated-time.ts';

const count = 5000;
const runMs = 4 * 60_000;
const ours = 'http://localhost:3000';

/** A stage with this many payers, each on a host of its own. */
const stageOf = (many: number): RegistryData => {
  const { payers, partners, ...rest } = localRegistry();
  const [payer] = payers;
  const [partner] = partners;
  if (payer === undefined || partner === undefined) throw new Error('an empty stage');
  const ids = Array.from({ length: many }, (_, index) => `payer-${String(index).padStart(4, '0')}`);
  const named = (id: string): typeof payer => ({
    ...payer,
    id,
    fhirBaseUrl: `https://${id}.example/r4`,
    authorizationEndpoint: `https://${id}.example/authorize`,
    tokenEndpoint: `https://${id}.example/token`,
  });
  return { ...rest, payers: ids.map(named), partners: [{ ...partner, consent: 'gateway', payers: ids }] };
};
const stage = stageOf(count);
const startMs = Date.UTC(2026, 5, 1);

/** The table Registry, filled once. */
const registryDynamo = memoryDynamo();
const items = registryDynamo.items('Registry');
const changed = { changedAt: 1, changedBy: 'arn', reason: 'test' };
for (const [id, entry] of entriesOf(stage)) items.set(id, newEntryItem(id, entry, changed));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heldBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

interface Options {
  /** How long a host takes to answer, in milliseconds; Infinity for one that does not. */
  readonly takesMs?: (host: string) => number;
  /** Whether to look at the memory that is held, several times during the run. */
  readonly measured?: boolean;
}

/** A run of the canary in simulated time. */
const run = async ({ takesMs = () => 800, measured = false }: Options = {}) => {
  const test = testDeps();
  const time = simulatedTime();
  let [open, mostOpen, requests, facadeRequests, mostHeld] = [0, 0, 0, 0, 0];
  const asked = new Set<string>();
  const http = async (input: string | URL): Promise<Response> => {
    const url = new URL(input);
    open += 1;
    requests += 1;
    if (measured && requests % 2000 === 0) mostHeld = Math.max(mostHeld, heldBytes());
    mostOpen = Math.max(mostOpen, open);
    const isOurs = url.origin === ours;
    if (isOurs) facadeRequests += 1;
    else asked.add(url.host);
    const ms = isOurs ? 150 : takesMs(url.host);
    await time.sleep(Math.min(ms, 8000));
    open -= 1;
    if (ms > 8000) throw new DOMException('late', 'TimeoutError');
    const id = url.pathname.split('/')[2];
    return url.pathname.endsWith('smart-configuration')
      ? Response.json({ authorization_endpoint: `${ours}/oauth2/authorize/${id}` })
      : new Response('');
  };
  const clock = { now: () => startMs + time.now(), monotonic: time.now };
  const deps = {
    ...test.deps,
    clock,
    registry: tableRegistry({
      ...test.deps,
      ...stage,
      clock,
      table: { client: registryDynamo.client, name: 'Registry' },
    }),
    limits: { client: test.dynamo.client, name: 'Limits' },
    http,
    connect: async () => ({}),
  };
  const context = { awsRequestId: 'c', getRemainingTimeInMillis: () => runMs - time.now() } as Context;
  registryDynamo.forget();
  registryDynamo.calls();
  const before = heldBytes();
  const error = await time.run(
    canaryHandler(deps)({ time: '2026-06-01T00:00:00Z' }, context).then(
      () => undefined,
      (thrown: Error) => thrown,
    ),
  );
  const lines = test.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    error,
    lines,
    text: test.lines,
    asked,
    mostOpen,
    facadeRequests,
    seconds: time.now() / 1000,
    grownMb: (mostHeld - before) / 1e6,
    registryReads: registryDynamo.calls().length,
    opened: [...test.dynamo.items('Limits').keys()].filter((key) => key.includes('breaker#')).length,
  };
};

describe('5,000 payers', () => {
  it('5,000 payers that answer within 0.8 s are all asked in one run, within its four minutes and its files', async () => {
    const found = await run({ measured: true });
    process.stdout.write(
      `5,000 payers: ${found.seconds.toFixed(0)} s, ${found.mostOpen} requests at once, ${found.grownMb.toFixed(0)} MB held, ${found.registryReads} reads of the registry\n`,
    );

    expect(found.error).toBeUndefined();
    expect(found.asked.size).toBe(count);
    expect(found.seconds).toBeLessThan(60);
    expect(found.mostOpen).toBeLessThan(900);
    expect(found.grownMb).toBeLessThan(150);
    // Each payer, the pages of the directory, and the partner again after each twenty seconds.
    expect(found.registryReads).toBeLessThan(count + 100);
  });

  it('5,000 payers of which every third does not answer still fit, and each of those has its line and its open breaker', async () => {
    const isDown = (host: string): boolean => Number(host.slice(6, 10)) % 3 === 0;
    const found = await run({ takesMs: (host) => (isDown(host) ? Infinity : 800) });
    process.stdout.write(`a third of 5,000 payers down: ${found.seconds.toFixed(0)} s\n`);

    expect(found.error).toBeUndefined();
    expect(found.asked.size).toBe(count);
    expect(found.lines.filter(({ outcome }) => outcome === 'failed')).toHaveLength(1667);
    expect(found.opened).toBe(1667);
    expect(found.seconds).toBeLessThan(240);
  });

  it('5,000 payers of which none answers do not fit, which the run says about itself', async () => {
    const found = await run({ takesMs: () => Infinity });

    expect(found.error?.message).toMatch(/^There was no time for \d+ payers$/);
    expect(found.seconds).toBeLessThan(240);
  });

  it('cost 200 requests to our own origin in a run, 1 % of the usual limit of one address', async () => {
    expect((await run()).facadeRequests).toBe(200);
  });

  it('have a line only if their facade was checked too, or something is wrong; the run has one', async () => {
    const slow = 'payer-4321.example';
    const { lines, text } = await run({ takesMs: (host) => (host === slow ? Infinity : 100) });
    const outcomes = lines.map(({ outcome }) => outcome);

    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(100);
    expect(lines.filter(({ outcome }) => outcome === 'failed')).toMatchObject([{ payer: 'payer-4321' }]);
    expect(lines.at(-1)).toMatchObject({ function: 'canary', payers: 5000, checked: 5000, failed: 1, paused: 0 });
    expect(metric(text.at(-1) ?? '', 'requests')).toEqual({});
    // What differs from the profiles of payers whose day's look was due has lines of its own.
    expect(lines.filter(({ detail }) => !String(detail).startsWith('drift: '))).toHaveLength(102);
  });

  it('5,000 payers that are paused are left alone, and their lines say so', async () => {
    const item = items.get('payer#payer-1234') ?? {};
    const stop = { M: { at: { N: '0' }, by: { S: 'me' }, reason: { S: 'maintenance' } } };
    items.set('payer#payer-1234', { ...item, stop });
    const { lines, asked, text } = await run();
    items.set('payer#payer-1234', item);
    const paused = lines.findIndex(({ payer }) => payer === 'payer-1234');

    expect(lines[paused]).toMatchObject({ level: 'info', detail: 'the payer is paused, and was not checked' });
    expect(lines[paused]).not.toHaveProperty('outcome');
    expect(metric(text[paused] ?? '', 'requests')).toEqual({});
    expect(asked.has('payer-1234.example')).toBe(false);
    expect(lines.at(-1)).toMatchObject({ checked: 4999, paused: 1 });
  });
});
