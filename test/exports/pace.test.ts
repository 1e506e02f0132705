import { recordOf } from './record.ts';
import { differences, startExportStack, type PartnersExport } from './stack.ts';

const isWhole = process.env['EXPORTS_TEST'] === 'whole';
const exports = isWhole ? 100 : 10;
const perSecond = 10;
const secondsOf = (ms: number): string => (ms / 1000).toFixed(0);

it(
  'exports at once keep the pace of their payer together, each of them ends whole, and none starves',
  async () => {
    const world = await startExportStack({
      record: recordOf(60),
      pageSize: 20,
      requestsPerSecond: perSecond,
      // With more processes, two cores would do little else than start them. An export without one waits its turn for it.
      environments: isWhole ? 24 : 8,
    });
    try {
      const startedAt = performance.now();
      const begun: PartnersExport[] = [];
      for (let at = 0; at < exports; at += 1) begun.push(await world.begin());
      const tookMs: number[] = [];
      await Promise.all(
        begun.map(async (one) => {
          const manifest = await one.finish(0);
          tookMs.push(performance.now() - startedAt);
          expect(differences(await one.download(manifest), world.expected())).toEqual([]);
          expect(manifest.error).toEqual([]);
        }),
      );

      const { requests } = world.payer;
      const times = requests.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
      const most = Math.max(...times.map((at) => times.filter((other) => other >= at && other < at + 1000).length));
      // Each grant has a token of its own at the payer.
      const byExport = [...Map.groupBy(requests, ({ token }) => token).values()];
      const readMs = byExport.map((own) => own.at(-1)!.atMs - own[0]!.atMs);
      const gapMs = byExport.map((own) => Math.max(...own.slice(1).map(({ atMs }, at) => atMs - own[at]!.atMs)));
      const wholeMs = times.at(-1)! - times[0]!;
      process.stdout.write(
        [
          `exports: ${exports} at once, ${times.length} requests in ${secondsOf(wholeMs)} s, at most ${most} in any second`,
          `the first ended after ${secondsOf(Math.min(...tookMs))} s, the last after ${secondsOf(Math.max(...tookMs))} s`,
          `an export read for ${secondsOf(Math.min(...readMs))} to ${secondsOf(Math.max(...readMs))} s, and waited at most ${secondsOf(Math.max(...gapMs))} s for a turn\n`,
        ].join('; '),
      );
      // A delayed request may arrive in the same second as the next one.
      expect(most).toBeLessThanOrEqual(perSecond + 1);
      expect(byExport).toHaveLength(exports);
      expect(Math.max(...gapMs)).toBeLessThan(30_000);
    } finally {
      await world.close();
    }
  },
  40 * 60_000,
);
