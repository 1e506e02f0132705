/** `npm run trace`: the log lines of one request. */
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { spec } from './trace/flags.ts';
import { trace } from './trace/trace.ts';

await runTool(spec, (args) => trace(args, { nowMs: Date.now(), environment: process.env, output }));
