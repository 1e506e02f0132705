import { setTimeout as sleep } from 'node:timers/promises';
import { numbersFrom } from '../fuzz/json-documents.ts';
import { recordOf } from './record.ts';
import { startExportStack } from './stack.ts';
import { awkward, checkExport, isWhole, longestMs, seed } from './trouble.ts';

const manyResources = isWhole ? 50_000 : 3000;

it(
  'an export is whole after kills at random times, throttling, refused tokens, a restart of the payer and a deployment',
  async () => {
    const many = await startExportStack({
      record: recordOf(manyResources, { attachments: [20_000_000, 70_000, 9_000_000] }),
      pageMs: 20,
    });
    try {
      const { stack, payer } = many;
      payer.trouble(awkward(payer, 12));
      const random = numbersFrom(seed);
      const one = await many.begin();
      const killer = { isDone: false };
      let kills = 0;
      const killing = (async () => {
        while (!killer.isDone) {
          await sleep(1500 + random(isWhole ? 6000 : 1500));
          for (const pid of stack.pids()['exportJob'] ?? []) {
            process.kill(pid, 'SIGKILL');
            kills += 1;
          }
        }
      })();
      const between = (async () => {
        await sleep(3000);
        await payer.restart(1500);
        await stack.durable.newVersion('exportJob');
      })();
      await checkExport(one, many);
      killer.isDone = true;
      await Promise.all([killing, between]);
      const { invocations, operations } = stack.durable.executions().find(({ name }) => name === one.exportId)!;
      process.stdout.write(
        `exports: ${manyResources} resources, ${kills} random kills (seed ${seed}), ${invocations} invocations, ${operations} operations\n`,
      );
      expect(kills).toBeGreaterThan(0);
    } finally {
      await many.close();
    }
  },
  longestMs,
);
