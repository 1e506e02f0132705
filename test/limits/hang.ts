import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import { limitAttributes } from '../../functions/shared/store/attributes.ts';
import { usualTimes, type BreakerTimes } from '../../functions/shared/store/breaker-item.ts';
import { readerOf } from '../../functions/shared/store/items.ts';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { bundleProcess } from '../support/bundle-process.ts';
import { fetchGateway } from '../support/fetch-gateway.ts';
import { localRegistry } from '../support/login.ts';
import { startCountingDynamo } from './counting-dynamo.ts';
import { startPool } from './pool.ts';

/** A second of the breaker takes this much less time here. */
const faster = 10;

const times = Object.fromEntries(
  Object.entries(usualTimes).map(([name, ms]) => [name, ms / faster]),
) as unknown as BreakerTimes;

/** Which calls go to the payers. */
interface Load {
  /** Reads a second of each payer. */
  readonly perSecond: number;
  /** How long a phase lasts, in seconds. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
}

export interface HangOptions extends Load {
  readonly environments: number;
  /** What happens to the third payer in the middle phase. */
  readonly trouble: 'hangs' | 'heavySearches';
  /** @default true */
  readonly breaker?: boolean;
}

/** The reads of one phase, by what became of them. */
export interface Phase {
  readonly seconds: number;
  /** Of the two payers that always answer: reads answered, and all. */
  readonly answered: number;
  readonly offered: number;
  /** Reads for which no environment was free, of any payer. */
  readonly throttled: number;
  /** Reads of the third payer, by status. */
  readonly third: Readonly<Record<string, number>>;
  readonly mostBusy: number;
}

export interface Hang {
  readonly before: Phase;
  readonly during: Phase;
  readonly after: Phase;
  readonly openings: number;
  /** When reads of the third payer were refused for the first time, in seconds of the breaker after it began to hang. */
  readonly openedAfterSeconds: number | undefined;
  /** How many seconds of the breaker passed until a read of the third payer was answered again. */
  readonly closedAfterSeconds: number | undefined;
  readonly isOpenAtEnd: boolean;
}

const usualMs = 40;
/** A heavy search: 30 seconds of the breaker. */
const heavyMs = 30_000 / faster;

const payerIds = ['first', 'second', 'third'] as const;
const partnerIds = ['demo-partner', 'demo-app'];
const grantsOfEach = 12;

/** Three payers in one server: `third` can stop answering. */
const startPayers = async () => {
  const state = { hangs: false };
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    const answer = (): void => {
      response.writeHead(200, { 'content-type': 'application/fhir+json' });
      response.end('{"resourceType":"Bundle","type":"searchset"}');
    };
    if (state.hangs && url.startsWith('/third/')) return;
    setTimeout(answer, url.includes('ExplanationOfBenefit') ? heavyMs : usualMs);
  });
  const port = await listen(server, 0, '127.0.0.1');
  return { state, server, origin: `http://127.0.0.1:${port}` };
};

const registryWith = (origin: string): RegistryData => {
  const data = localRegistry();
  const northwind = data.payers.find(({ id }) => id === 'northwind');
  if (northwind === undefined) throw new Error('no payer to start from');
  return {
    ...data,
    payers: payerIds.map((id) => ({
      ...northwind,
      id,
      fhirBaseUrl: `${origin}/${id}/r4`,
      quirks: { ...northwind.quirks, timeToFirstByte: 60 / faster },
    })),
    partners: data.partners.map((partner) =>
      Object.assign({}, partner, { payers: payerIds, rate: { perSecond: 1000, burst: 1000 } }),
    ),
  };
};

/** Grants of two partners at each payer, in the table. */
const grantTokens = async (registry: RegistryData, { client }: Awaited<ReturnType<typeof startCountingDynamo>>) => {
  const test = fetchGateway({ registry });
  // The tables live in real time.
  test.passSeconds((Date.now() - test.deps.clock.now()) / 1000);
  const tokens = new Map<string, string[]>();
  for (const payer of payerIds) {
    for (const partner of partnerIds) {
      const own: string[] = [];
      for (let grant = 0; grant < grantsOfEach; grant += 1) {
        own.push((await test.grant({ payer, partner, tokens: { accessToken: 'payer-access' } })).token);
      }
      tokens.set(`${payer} ${partner}`, own);
    }
  }
  for (const Item of test.dynamo.items('Grants').values()) {
    await client.send(new PutItemCommand({ TableName: 'Grants', Item }));
  }
  return tokens;
};

/**
 * Reads at an even pace through a bounded pool of environments, whatever happened to the reads before: of two payers
 * that answer, and of a third that does not for a while.
 */
export const hang = async (options: HangOptions): Promise<Hang> => {
  const { environments, perSecond, trouble, breaker = true } = options;
  const folder = await mkdtemp(join(tmpdir(), 'gateway-hang-'));
  const dynamo = await startCountingDynamo({ Grants: 'grantId', AuditEvents: 'eventId', Limits: 'limitId' });
  const payers = await startPayers();
  let pool: Awaited<ReturnType<typeof startPool>> | undefined;
  try {
    const registry = registryWith(payers.origin);
    const file = join(folder, 'registry.json');
    await writeFile(file, JSON.stringify(registry));
    const tokens = await grantTokens(registry, dynamo);
    const bundle = await bundleProcess(join(import.meta.dirname, 'reader.ts'), folder);
    const env = dynamo.env;
    const started = await startPool(bundle, environments, {
      env,
      options: { registry: file, ...(breaker ? { times } : {}) },
    });
    pool = started;

    let openings = 0;
    let sent = 0;
    const refusedAt: number[] = [];
    const answeredAt: number[] = [];
    const pending = new Set<Promise<void>>();

    const phase = async (seconds: number, isTroubled: boolean): Promise<Phase> => {
      const found = { answered: 0, offered: 0, throttled: 0, third: {} as Record<string, number>, mostBusy: 0 };
      const one = (payer: (typeof payerIds)[number]): void => {
        sent += 1;
        const isThird = payer === 'third';
        const isHeavy = isThird && isTroubled && trouble === 'heavySearches';
        const partner = partnerIds[isHeavy ? 0 : sent % 2] ?? '';
        const token = tokens.get(`${payer} ${partner}`)?.[Math.floor(sent / 2) % grantsOfEach] ?? '';
        if (!isThird) found.offered += 1;
        const path = isHeavy ? 'ExplanationOfBenefit' : 'Observation';
        const answer = started.read({ payer, path, token });
        found.mostBusy = Math.max(found.mostBusy, started.busy());
        if (answer === undefined) {
          found.throttled += 1;
          return;
        }
        const note = async (): Promise<void> => {
          const { status = 0, opened = false } = await answer;
          if (opened) openings += 1;
          if (!isThird) {
            found.answered += status === 200 ? 1 : 0;
            return;
          }
          found.third[status] = (found.third[status] ?? 0) + 1;
          if (status === 503) refusedAt.push(performance.now());
          if (status === 200) answeredAt.push(performance.now());
        };
        const noted = note();
        if (isThird && isTroubled) return;
        pending.add(noted);
        void noted.finally(() => pending.delete(noted));
      };
      const startedAt = performance.now();
      const calls = Math.round(seconds * perSecond);
      const gapMs = 1000 / perSecond;
      let dueAt = startedAt;
      for (let made = 0; made < calls; made += 1) {
        while (performance.now() < dueAt) await sleep(5);
        // The payer in trouble takes its environment first.
        for (const payer of payerIds.toReversed()) one(payer);
        // After a stall of this process the reads that were missed do not come all at once.
        const now = performance.now();
        dueAt = (now - dueAt > gapMs ? now : dueAt) + gapMs;
      }
      // What becomes of the last reads still counts for their phase.
      await Promise.all(pending);
      return { seconds: (performance.now() - startedAt) / 1000, ...found };
    };

    await phase(3, false);
    const before = await phase(options.before, false);
    const hungAt = performance.now();
    payers.state.hangs = trouble === 'hangs';
    const during = await phase(options.during, true);
    const recoveredAt = performance.now();
    payers.state.hangs = false;
    const after = await phase(options.after, false);
    const key = { limitId: { S: 'breaker#third' } };
    const { Item = {} } = await dynamo.client.send(new GetItemCommand({ TableName: 'Limits', Key: key }));
    const since = (fromAt: number, at: number | undefined): number | undefined =>
      at === undefined ? undefined : ((at - fromAt) / 1000) * faster;
    return {
      before,
      during,
      after,
      openings,
      openedAfterSeconds: since(
        hungAt,
        refusedAt.find((at) => at > hungAt),
      ),
      closedAfterSeconds: since(
        recoveredAt,
        answeredAt.find((at) => at > recoveredAt),
      ),
      isOpenAtEnd: readerOf(limitAttributes, Item)('openUntilMs') !== undefined,
    };
  } finally {
    pool?.close();
    payers.server.closeAllConnections();
    await close(payers.server);
    await dynamo.close();
    await rm(folder, { recursive: true });
  }
};
