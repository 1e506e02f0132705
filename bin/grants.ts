/** `npm run grants`: shows a grant, or ends it. */
import { grants } from './grants/grants.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(() => grants(process.argv.slice(2), { nowMs: Date.now(), environment: process.env, output }));
