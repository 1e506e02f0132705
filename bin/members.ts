/** `npm run members`: finds a member's grants, reports who read the record, and ends all of them. */
import { setTimeout as after } from 'node:timers/promises';
import { spec } from './members/flags.ts';
import { members } from './members/members.ts';
import { ask, canAsk, readText } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { terminalOf } from './shared/progress.ts';

await runTool(spec, (args) =>
  members(args, {
    now: Date.now,
    environment: process.env,
    output,
    ask: canAsk() ? ask : undefined,
    readText,
    wait: after,
    terminal: terminalOf(process),
  }),
);
