/** `npm run exports`: lists exports, shows one, or ends it. */
import { exportsTool } from './exports/exports.ts';
import { spec } from './exports/flags.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => exportsTool(args, { nowMs: Date.now(), environment: process.env, output }));
