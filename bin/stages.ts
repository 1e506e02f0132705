/** `npm run stages`: the stages that can be deployed. */
import { join } from 'node:path';
import { stageNames } from '../config/load.ts';
import { readCommand, runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { spec } from './stages/flags.ts';

await runTool(spec, async (args) => {
  const { checkout = join(import.meta.dirname, '..') } = readCommand(spec, args);
  for (const name of stageNames(join(checkout, 'config')).filter((stage) => stage !== 'local')) output.out(name);
  return 0;
});
