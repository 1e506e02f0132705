import { parseArgs } from 'node:util';
import { checkHistories } from './check.ts';
import { stores, type StoreName } from './store.ts';

/*
 * npm run test:model -- --commands 1000000 --seed 1 [--store memory]
 */
const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    store: { type: 'string', default: 'dynalite' },
  },
});
const [commands, seed] = [Number(values.commands), Number(values.seed)];
if (!Number.isSafeInteger(commands) || !Number.isSafeInteger(seed) || !Object.hasOwn(stores, values.store)) {
  throw new Error('--commands and --seed take whole numbers, --store takes dynalite or memory');
}

const startedAt = performance.now();
const seconds = (): number => Math.round((performance.now() - startedAt) / 1000);
let reported = 0;
try {
  const done = await checkHistories({ commands, seed, store: values.store as StoreName }, (soFar) => {
    if (soFar - reported < 10_000) return;
    reported = soFar;
    process.stdout.write(`${soFar} commands, ${seconds()} s\n`);
  });
  process.stdout.write(`${done} commands kept every promise: seed ${seed}, ${values.store}, ${seconds()} s\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
