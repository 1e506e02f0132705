import { cp, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAssembly, type Assembly } from '../shared/assembly.ts';
import { readArguments, Refusal, UsageError } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { nextCommands } from './next-commands.ts';
import { plainTemplate } from './plain-template.ts';

const help = `npm run template -- ASSEMBLY --out FOLDER [--dry-run]

Writes a stage's template for CloudFormation without the CDK: FOLDER/template.json, and beside it the code of the functions,
which "aws cloudformation package" zips and uploads to a bucket of yours (docs/deploy-without-cdk.md).

ASSEMBLY is what "npx cdk synth --quiet -c stage=NAME -o ASSEMBLY" has written.

  --out FOLDER   a new or empty folder
  --dry-run      says what it would write, and writes nothing
  --help         this text

Exits with 0 if it is done, 1 if it cannot be done, 2 if the command line is wrong.`;

/** What the tool is given from outside. */
export interface TemplateDeps {
  readonly output: Pick<Output, 'out' | 'note'>;
}

/** A zip holds times: with the same ones, unchanged code has the same zip, and its function is not updated. */
const sameTime = new Date('2000-01-01T00:00:00Z');

const setTimes = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    await utimes(join(entry.parentPath, entry.name), sameTime, sameTime);
  }
};

/** @throws Refusal if the folder has something in it */
const requireEmpty = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Refusal(`${folder} cannot be used (${(error as NodeJS.ErrnoException).code}). Give a new folder.`);
  });
  if (names.length > 0) throw new Refusal(`${folder} is not empty. Give a new folder.`);
};

const write = async (folder: string, { assets }: Assembly, text: string): Promise<void> => {
  await mkdir(join(folder, 'code'), { recursive: true });
  for (const [hash, source] of assets) await cp(source, join(folder, 'code', hash), { recursive: true });
  await setTimes(join(folder, 'code'));
  await writeFile(join(folder, 'template.json'), text);
};

/**
 * Writes the template and the code of a synthesized stage.
 * @returns the exit code
 * @throws UsageError, Refusal
 */
export const template = async (args: readonly string[], { output }: TemplateDeps): Promise<number> => {
  const { values, positionals } = readArguments({
    args: [...args],
    options: { out: { type: 'string' }, 'dry-run': { type: 'boolean' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    output.out(help);
    return 0;
  }
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0 || values.out === undefined) {
    throw new UsageError('Give one ASSEMBLY and --out FOLDER; --help says more');
  }
  await requireEmpty(values.out);
  const assembly = await readAssembly(folder);
  const plain = plainTemplate(assembly);
  if (values['dry-run'] !== true) await write(values.out, assembly, `${JSON.stringify(plain, undefined, 1)}\n`);
  const did = values['dry-run'] === true ? 'would be written' : 'were written';
  output.note(`${values.out}/template.json and the code of ${assembly.assets.size} functions ${did}. Then:`);
  output.out(nextCommands(values.out, assembly));
  return 0;
};
