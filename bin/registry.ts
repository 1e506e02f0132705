/** `npm run registry`: compares a stage's file with the table Registry, applies the file, and prints the table. */
import { spec } from './registry/flags.ts';
import { registry } from './registry/registry.ts';
import { ask, canAsk } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { git } from './shared/git.ts';
import { output } from './shared/output.ts';
import { terminalOf } from './shared/progress.ts';

await runTool(spec, (args) =>
  registry(args, {
    now: Date.now,
    environment: process.env,
    output,
    git,
    ask: canAsk() ? ask : undefined,
    terminal: terminalOf(process),
  }),
);
