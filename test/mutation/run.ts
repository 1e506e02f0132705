import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { readOrExit } from '../../bin/shared/command-line.ts';
import { spec } from './flags.ts';
import { groups } from './groups.ts';

const { names: asked, sample } = await readOrExit(spec);

for (const [name, { mutate }] of Object.entries(groups)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n${name}`);
  const { status } = spawnSync('stryker', ['run', 'test/mutation/stryker.json', '--mutate', mutate.join(',')], {
    stdio: 'inherit',
    env: { ...process.env, MUTATED: name, MUTATION_SAMPLE: String(sample) },
  });
  if (status !== 0) process.exit(status ?? 1);
  renameSync('coverage/mutation.json', `coverage/mutation-${name}.json`);
}
