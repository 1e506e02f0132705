/** `npm run stages`: the stages in `config/` that can be deployed, one a line. A checkout of elsewhere can be named. */
import { join } from 'node:path';
import { stageNames } from '../config/load.ts';
import { readArguments, runTool, UsageError } from './shared/command-line.ts';

await runTool(async () => {
  const { positionals } = readArguments({ options: {}, allowPositionals: true });
  const [checkout = join(import.meta.dirname, '..'), ...more] = positionals;
  if (more.length > 0) throw new UsageError('Give one folder, or none for this checkout');
  for (const name of stageNames(join(checkout, 'config')).filter((stage) => stage !== 'local')) console.log(name);
  return 0;
});
