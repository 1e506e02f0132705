/** `npm run partners`: makes a partner's client or a second secret for it, blocks partners, and manages webhooks. */
import { randomBytes } from 'node:crypto';
import { spec } from './partners/flags.ts';
import { partners } from './partners/partners.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => partners(args, { randomBytes, output, environment: process.env, nowMs: Date.now() }));
