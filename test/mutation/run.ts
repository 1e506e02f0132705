import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { groups } from './groups.ts';

/**
 * `npm run test:mutation -- NAME… [--sample PERCENT]`: Stryker over these groups, or over all, one after the other. A
 * sample mutates this part of the top-level statements, drawn by their text.
 */
const { values, positionals: asked } = parseArgs({ options: { sample: { type: 'string' } }, allowPositionals: true });
const sample = values.sample ?? '100';
if (!/^(?:100|[1-9]\d?)$/.test(sample)) {
  console.error('--sample is a percentage from 1 to 100.');
  process.exit(2);
}
const unknown = asked.filter((name) => groups[name] === undefined);
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. Say one or more of: ${Object.keys(groups).join(', ')}.`);
  process.exit(2);
}

for (const [name, { mutate }] of Object.entries(groups)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n${name}`);
  const { status } = spawnSync('stryker', ['run', 'test/mutation/stryker.json', '--mutate', mutate.join(',')], {
    stdio: 'inherit',
    env: { ...process.env, MUTATED: name, MUTATION_SAMPLE: sample },
  });
  if (status !== 0) process.exit(status ?? 1);
  renameSync('coverage/mutation.json', `coverage/mutation-${name}.json`);
}
