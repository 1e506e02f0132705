/** `npm run init`: writes a new stage. */
import { join } from 'node:path';
import { spec } from './init/flags.ts';
import { init } from './init/init.ts';
import { ask, canAsk } from './shared/ask.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) =>
  init(args, {
    root: join(import.meta.dirname, '..'),
    http: (input, options) => fetch(input, options),
    ask: canAsk() ? ask : undefined,
    output,
  }),
);
