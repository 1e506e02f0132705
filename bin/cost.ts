/** `npm run cost`: what the gateway costs at AWS's list prices. */
import { join } from 'node:path';
import { cost } from './cost/cost.ts';
import { spec } from './cost/flags.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) =>
  cost(args, { file: join(import.meta.dirname, '..', 'docs', 'reports', 'cost.md'), output }),
);
