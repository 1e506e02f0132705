import { jest } from '@jest/globals';
import { payerBreakers } from '../../../../functions/fetch/breaker/breakers.ts';
import type { RegistryData } from '../../../../functions/shared/registry/types.ts';
import { turns } from '../../../support/eventually.ts';
import { fakeTimeouts } from '../../../support/fake-timeouts.ts';
import { fetchGateway, fhir, read } from '../../../support/fetch-gateway.ts';
import { localRegistry } from '../../../support/login.ts';
import { unguarded } from '../../../support/unguarded.ts';

const payerIds = ['first', 'second', 'third'] as const;
const partnerIds = ['demo-partner', 'demo-app'];
const grantsOfEach = 12;
const environments = 20;

const advance = fakeTimeouts();
afterAll(() => jest.useRealTimers());

const registryOfThree = (): RegistryData => {
  const data = localRegistry();
  const northwind = data.payers.find(({ id }) => id === 'northwind')!;
  const named = (id: string): typeof northwind => ({ ...northwind, id, fhirBaseUrl: `https://${id}.example/r4` });
  return {
    ...data,
    payers: payerIds.map(named),
    partners: data.partners.map((partner) => Object.assign({}, partner, { payers: payerIds })),
  };
};

/** A read of one of the payers, and what became of it. */
interface Seen {
  readonly payer: (typeof payerIds)[number];
  /** When it was sent, in seconds. */
  readonly at: number;
  /** Undefined if no environment was free, as Lambda then refuses the call. */
  readonly status: number | undefined;
}

interface Trouble {
  /** Between which seconds the third payer does not answer, or is asked for heavy searches. */
  readonly from: number;
  readonly to: number;
  readonly kind: 'hangs' | 'heavy searches';
  /** @default true */
  readonly breaker?: boolean;
}

/** How often each payer is read, and until when, in seconds. */
const everySeconds = 2;
const lastSecond = 430;
const stepMs = 500;

/**
 * Reads three payers at an even pace through a bounded pool of environments, each of which makes one read at a time. They
 * share the tables only; the time is simulated.
 */
const readsOfThreePayers = async ({ from, to, kind, breaker = true }: Trouble) => {
  const test = fetchGateway({ registry: registryOfThree() });
  const { clock } = test.deps;
  const limits = { client: test.dynamo.client, name: 'Limits' };
  const free = Array.from({ length: environments }, () => ({
    ...test.deps,
    breakers: breaker ? payerBreakers({ limits, clock }) : unguarded,
  }));
  const tokens: Record<string, string[]> = {};
  for (const payer of payerIds) {
    for (const partner of partnerIds) {
      const own = (tokens[`${payer} ${partner}`] = [] as string[]);
      for (let grant = 0; grant < grantsOfEach; grant += 1) {
        own.push((await test.grant({ payer, partner, tokens: { accessToken: 'payer-access' } })).token);
      }
    }
  }
  const beganAt = clock.now();
  const now = (): number => (clock.now() - beganAt) / 1000;
  const isTroubled = (): boolean => now() >= from && now() < to;
  test.payer.http = (input, init) =>
    new Promise((resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
      const { host, pathname } = new URL(String(input));
      if (kind === 'hangs' && host === 'third.example' && isTroubled()) return;
      setTimeout(() => resolve(fhir({})), pathname.endsWith('ExplanationOfBenefit') ? 30_000 : 400);
    });

  const seen: Seen[] = [];
  let sent = 0;
  const readOnce = async (payer: Seen['payer']): Promise<void> => {
    const at = now();
    const isHeavy = kind === 'heavy searches' && payer === 'third' && isTroubled();
    const partner = partnerIds[isHeavy ? 0 : sent % 2]!;
    const token = tokens[`${payer} ${partner}`]![Math.floor(sent / 2) % grantsOfEach];
    sent += 1;
    const environment = free.pop();
    if (environment === undefined) return void seen.push({ payer, at, status: undefined });
    const path = isHeavy ? 'ExplanationOfBenefit' : 'Observation';
    const { statusCode } = await read(environment, path, token, { payer, stream: { remainingMs: 840_000 } });
    free.push(environment);
    seen.push({ payer, at, status: statusCode });
  };
  const all: Promise<void>[] = [];
  const pass = async (): Promise<void> => {
    test.passSeconds(stepMs / 1000);
    advance(stepMs);
    await turns();
  };
  for (let second = 0; second < lastSecond; second += everySeconds) {
    // The payer in trouble takes its environment first.
    all.push(...payerIds.toReversed().map(readOnce));
    await turns();
    while (now() < second + everySeconds) await pass();
  }
  while (seen.length < all.length) await pass();
  await Promise.all(all);
  return {
    /** How many reads of a period were answered with each status. */
    statuses: (payers: readonly Seen['payer'][], fromSecond: number, toSecond: number) => {
      const sentThen = seen.filter(({ payer, at }) => payers.includes(payer) && at >= fromSecond && at < toSecond);
      const counts: Record<string, number> = {};
      for (const { status = 'none free' } of sentThen) counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    },
    /** When the first read of the third payer was sent that was answered, from a time on. */
    firstAnswered: (fromSecond: number) =>
      Math.min(
        ...seen.flatMap(({ payer, status, at }) =>
          payer === 'third' && status === 200 && at >= fromSecond ? [at] : [],
        ),
      ),
    openings: test.log().filter((line) => 'breakerOpened' in line).length,
  };
};

const others = ['first', 'second'] as const;

describe('twenty environments that read three payers, each every two seconds,', () => {
  it('keep each read of two payers while the third hangs, and ask that one again when its third opening is over', async () => {
    const found = await readsOfThreePayers({ from: 80, to: 230, kind: 'hangs' });

    expect(found.statuses(others, 0, lastSecond)).toEqual({ 200: 430 });
    expect(found.statuses(['third'], 0, 80)).toEqual({ 200: 40 });
    // Two probes of a minute each; the others are refused, the first ones after they have waited.
    expect(found.statuses(['third'], 80, 230)).toEqual({ 503: 73, 504: 2 });
    // The fifth grant's read is sent at 88 and late at 98. The breaker opens for 30, 60 and 120 seconds, and a probe is late
    // after ten.
    expect([found.openings, found.firstAnswered(230)]).toEqual([3, 98 + 30 + 10 + 60 + 10 + 120]);
    expect(found.statuses(['third'], 328, lastSecond)).toEqual({ 200: 51 });
  });

  it('lose most reads of all payers without a breaker while one hangs', async () => {
    const found = await readsOfThreePayers({ from: 80, to: 280, kind: 'hangs', breaker: false });

    expect(found.statuses(others, 0, 80)).toEqual({ 200: 80 });
    expect(found.statuses(others, 120, 280)['none free']).toBeGreaterThan(80);
  });

  it('open no breaker for one partner’s heavy searches, of twelve grants and 30 seconds each, and lose no read', async () => {
    const found = await readsOfThreePayers({ from: 80, to: 280, kind: 'heavy searches' });

    expect(found.openings).toBe(0);
    expect(found.statuses(payerIds, 0, lastSecond)).toEqual({ 200: 645 });
  });
});
