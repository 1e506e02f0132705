/** `npm run cost`: what the gateway costs at AWS's list prices. */
import { join } from 'node:path';
import { cost } from './cost/cost.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(() =>
  cost(process.argv.slice(2), { file: join(import.meta.dirname, '..', 'docs', 'reports', 'cost.md'), output }),
);
