/** `npm run usage`: a month's figures for each payer or partner. */
import { setTimeout as delay } from 'node:timers/promises';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { spec } from './usage/flags.ts';
import { usage } from './usage/usage.ts';

await runTool(spec, (args) => usage(args, { nowMs: Date.now(), environment: process.env, output, delay }));
