/** `npm run changelog:check`: fails a change without an entry in the changelog. */
import { join } from 'node:path';
import { checkChangelog } from './changelog/check.ts';
import { spec } from './changelog/flags.ts';
import { runTool } from './shared/command-line.ts';
import { git } from './shared/git.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => checkChangelog(args, { folder: join(import.meta.dirname, '..'), git, output }));
