/** `npm run release`: checks a release, and makes its files. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { spec } from './release/flags.ts';
import { release } from './release/release.ts';
import { runTool } from './shared/command-line.ts';
import { Refusal } from './shared/errors.ts';
import { git } from './shared/git.ts';
import { output } from './shared/output.ts';

const root = join(import.meta.dirname, '..');

const npmSbom = async (): Promise<string> => {
  const args = ['sbom', '--sbom-format=cyclonedx'];
  try {
    return (await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string };
    throw new Refusal(`npm ${args.join(' ')} failed; run npm ci first.\n${stderr.trim()}`);
  }
};

await runTool(spec, (args) => release(args, { root, git, npmSbom, output, now: Date.now }));
