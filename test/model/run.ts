import { readOrExit } from '../../bin/shared/command-line.ts';
import { checkHistories } from './check.ts';
import { spec } from './flags.ts';

/** `npm run test:model -- --commands 1000000 --seed 1`. */
const { commands, store, seed = Date.now() % 1_000_000_000 } = await readOrExit(spec);

const startedAt = performance.now();
const seconds = (): number => Math.round((performance.now() - startedAt) / 1000);
let reported = 0;
try {
  const { commands: done, answers } = await checkHistories({ commands, seed, store }, (soFar) => {
    if (soFar - reported < 10_000) return;
    reported = soFar;
    process.stdout.write(`${soFar} commands, ${seconds()} s\n`);
  });
  process.stdout.write(
    `${done} commands kept every promise: seed ${seed}, ${store}, ${seconds()} s\n${JSON.stringify(answers)}\n`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
