/** `npm run changelog:check`: fails a change without an entry in the changelog. */
import { join } from 'node:path';
import { checkChangelog } from './changelog/check.ts';
import { runTool } from './shared/command-line.ts';
import { git } from './shared/git.ts';
import { output } from './shared/output.ts';

await runTool(() => checkChangelog(process.argv.slice(2), { folder: join(import.meta.dirname, '..'), git, output }));
