/** `npm run restore`: puts back what a stage has lost, as far as the audit allows. */
import { setTimeout as wait } from 'node:timers/promises';
import { spec } from './restore/flags.ts';
import { restore } from './restore/restore.ts';
import { ask, canAsk } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { terminalOf } from './shared/progress.ts';

await runTool(spec, (args) =>
  restore(args, {
    now: Date.now,
    environment: process.env,
    output,
    ask: canAsk() ? ask : undefined,
    terminal: terminalOf(process),
    wait: (ms) => wait(ms),
  }),
);
