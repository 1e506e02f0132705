import { recordOf } from './record.ts';
import { startExportStack, type ExportStack } from './stack.ts';
import { awkward, checkExport, isWhole, longestMs, seed } from './trouble.ts';

/** Ordinary test runs use the small size. */
const resources = isWhole ? 2000 : 300;

/** The name of a job's execution: the export's id. Sweeps and deliveries have other names. */
const isJob = /^[\w-]{44}(?:-\d+)?$/;

let world: ExportStack;
beforeAll(async () => {
  world = await startExportStack({
    record: recordOf(resources, { attachments: [70_000, 9_000_000, 20_000_000] }),
    pageSize: isWhole ? 100 : 40,
  });
});
afterAll(() => world.close());

it(
  'an export whose process is killed after a checkpoint is whole, and leaves no part over',
  async () => {
    const { stack, payer } = world;
    let checkpoints = 0;
    let isKilled = false;
    const killAt = (which: number): void => {
      checkpoints = 0;
      isKilled = false;
      stack.durable.onCheckpoint(({ when, about, kill }) => {
        if (when === 'after' && isJob.test(about.execution.name)) {
          checkpoints += 1;
          if (checkpoints === which) {
            isKilled = true;
            kill();
          }
        }
        return undefined;
      });
      payer.trouble(awkward(payer, isWhole ? 20 : Infinity));
    };
    killAt(0);
    await checkExport(await world.begin(), world);
    const made = checkpoints;
    expect(made).toBeGreaterThan(8);
    const step = isWhole ? 1 : 4;
    let kills = 0;
    for (let which = 1 + (seed % step); which <= made; which += step) {
      killAt(which);
      await checkExport(await world.begin(), world);
      // Whether a payer's wait falls into a leg or between two depends on time, so exports differ by a checkpoint or two.
      if (!isKilled) expect(checkpoints).toBeLessThan(which);
      if (which <= made - 3) expect(isKilled).toBe(true);
      kills += isKilled ? 1 : 0;
    }
    stack.durable.onCheckpoint(undefined);
    expect(kills).toBeGreaterThanOrEqual(Math.floor((made - 3) / step));
    const which = step === 1 ? 'each' : `every ${step}th`;
    process.stdout.write(`exports: ${resources} resources, ${kills} kills, after ${which} of ${made} checkpoints\n`);
  },
  longestMs,
);
