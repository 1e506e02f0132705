/** `npm run audit`: what happened to a grant, to all grants of a partner, or to payers and partners. */
import { audit } from './audit/audit.ts';
import { spec } from './audit/flags.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => audit(args, { nowMs: Date.now(), environment: process.env, output }));
