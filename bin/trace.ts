import { runTool } from './shared/command-line.ts';
import { trace } from './trace/trace.ts';

await runTool(() =>
  trace(process.argv.slice(2), {
    nowMs: Date.now(),
    environment: process.env,
    print: (line) => console.log(line),
    remark: (line) => console.error(line),
  }),
);
