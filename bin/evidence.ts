/** `npm run evidence`: a folder about one stage that an auditor can file. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { evidence } from './evidence/evidence.ts';
import { spec } from './evidence/flags.ts';
import { runTool } from './shared/command-line.ts';
import { Refusal } from './shared/errors.ts';
import { output } from './shared/output.ts';

const root = join(import.meta.dirname, '..');
const run = async (command: string, args: readonly string[]): Promise<string> => {
  try {
    return (await promisify(execFile)(command, [...args], { cwd: root, maxBuffer: 2 ** 28 })).stdout;
  } catch (error) {
    throw new Refusal(String((error as { readonly stderr?: string }).stderr ?? error).trim());
  }
};

await runTool(spec, (args) =>
  evidence(args, {
    output,
    nowMs: Date.now(),
    synthesize: async (stage, folder) => {
      const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
      await run(process.execPath, [cdk, 'synth', '--quiet', '-c', `stage=${stage}`, '-o', folder]);
    },
    sbom: () => run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']),
  }),
);
