/** `npm run stages`: the stages that can be deployed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stageNames } from '../config/checks/load.ts';
import { readCommand, runTool } from './shared/command-line.ts';
import { Refusal } from './shared/errors.ts';
import { output } from './shared/output.ts';
import { spec } from './stages/flags.ts';

await runTool(spec, async (args) => {
  const { checkout = join(import.meta.dirname, '..') } = readCommand(spec, args);
  const folder = join(checkout, 'config');
  if (!existsSync(folder)) throw new Refusal(`${folder} is not there. Give the folder of a checkout.`);
  for (const name of stageNames(folder).filter((stage) => stage !== 'local')) output.out(name);
  return 0;
});
