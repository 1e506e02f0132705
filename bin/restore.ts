/** `npm run restore`: puts back what a stage has lost, as far as the audit allows. */
import { setTimeout as wait } from 'node:timers/promises';
import { spec } from './restore/flags.ts';
import { restore } from './restore/restore.ts';
import { ask, canAsk } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

const { stderr } = process;

await runTool(spec, (args) =>
  restore(args, {
    now: Date.now,
    environment: process.env,
    output,
    ask: canAsk() ? ask : undefined,
    terminal: stderr.isTTY ? { write: (text) => void stderr.write(text), columns: stderr.columns } : undefined,
    wait: (ms) => wait(ms),
  }),
);
