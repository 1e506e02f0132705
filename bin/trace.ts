/** `npm run trace`: the log lines of one request. */
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { trace } from './trace/trace.ts';

await runTool(() => trace(process.argv.slice(2), { nowMs: Date.now(), environment: process.env, output }));
