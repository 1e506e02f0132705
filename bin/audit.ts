import { audit } from './audit/audit.ts';
import { runTool } from './shared/command-line.ts';

await runTool(() =>
  audit(process.argv.slice(2), {
    nowMs: Date.now(),
    environment: process.env,
    print: (line) => console.log(line),
    remark: (line) => console.error(line),
  }),
);
