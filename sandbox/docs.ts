import { join, resolve } from 'node:path';
import { readCommand, runTool } from '../bin/shared/command-line.ts';
import { Refusal } from '../bin/shared/errors.ts';
import { output } from '../bin/shared/output.ts';
import { buildSite } from './documents/build.ts';
import { spec } from './documents/flags.ts';

const usual = join(import.meta.dirname, '..', 'docs', 'site', '.vitepress', 'dist');

/** `npm run docs`: the documentation site, for any static host. */
await runTool(spec, async (args) => {
  const { out = usual, base = '/' } = readCommand(spec, args);
  const folder = resolve(out);
  await buildSite({ folder, base, tell: output.note }).catch((error: unknown) => {
    throw new Refusal(`The documents cannot be built: ${error instanceof Error ? error.message : String(error)}`);
  });
  output.out(folder);
  return 0;
});
