/** `npm run smoke`: tests a running stage. */
import { setTimeout as wait } from 'node:timers/promises';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';
import { runSuite } from './smoke/conformance.ts';
import { spec } from './smoke/flags.ts';
import { smoke } from './smoke/smoke.ts';

await runTool(spec, (args) => smoke(args, { environment: process.env, output, runSuite, wait }));
