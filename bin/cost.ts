/** `npm run cost`: what the gateway costs at AWS's list prices, as Markdown; `--write` puts it into docs/reports/cost.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { costTables, withCostTables } from './cost/tables.ts';
import { readArguments, runTool } from './shared/command-line.ts';

await runTool(async () => {
  const { values } = readArguments({ options: { write: { type: 'boolean' } } });
  if (values.write === true) {
    const file = join(import.meta.dirname, '..', 'docs', 'reports', 'cost.md');
    await writeFile(file, withCostTables(await readFile(file, 'utf8')));
  } else {
    console.log(costTables());
  }
  return 0;
});
