/** `npm run grants`: shows a grant, or ends it. */
import { spec } from './grants/flags.ts';
import { grants } from './grants/grants.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => grants(args, { nowMs: Date.now(), environment: process.env, output }));
