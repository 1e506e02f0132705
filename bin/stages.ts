/** `npm run stages`: the stages that can be deployed. */
import { join } from 'node:path';
import { stageNames } from '../config/load.ts';
import { readArguments, runTool, UsageError } from './shared/command-line.ts';
import { output } from './shared/output.ts';

const help = `npm run stages -- [CHECKOUT]

Prints the stages in config/ that can be deployed, one per line: of this checkout, or of the one in the folder CHECKOUT.

  --help   this text`;

await runTool(async () => {
  const { values, positionals } = readArguments({ options: { help: { type: 'boolean' } }, allowPositionals: true });
  if (values.help === true) {
    output.out(help);
    return 0;
  }
  const [checkout = join(import.meta.dirname, '..'), ...more] = positionals;
  if (more.length > 0) throw new UsageError('Give one folder, or none for this checkout');
  for (const name of stageNames(join(checkout, 'config')).filter((stage) => stage !== 'local')) output.out(name);
  return 0;
});
