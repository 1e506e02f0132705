import { globSync } from 'node:fs';
import { join } from 'node:path';
import { failFast } from './fail-fast.ts';
import { groups } from './groups.ts';

/*
 * A group's tests as one file: Jest reloads the modules for each file, which would take most of a mutant's time.
 */
const group = groups[process.env['MUTATED'] ?? ''];
if (group === undefined) throw new Error(`MUTATED must be one of ${Object.keys(groups).join(', ')}`);

failFast(group.leftOut ?? []);
const tests = join(import.meta.dirname, '..');
for (const part of group.tests) {
  const files = globSync(part.includes('*') ? part : `${part}/**/*.test.ts`, {
    cwd: tests,
    exclude: group.apart ?? [],
  }).toSorted();
  if (files.length === 0) throw new Error(`test/${part} has no tests`);
  for (const file of files) await import(join(tests, file));
}
