import { cp, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAssembly, type Assembly, type Template } from '../shared/assembly.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import { makeFolder, requireEmpty } from '../shared/folders.ts';
import type { Output } from '../shared/output.ts';
import { spec } from './flags.ts';

/** What only the CDK's own deployment needs: the version of its bootstrap. */
const bootstrap = new Set(['BootstrapVersion', 'CheckBootstrapVersion']);

const withoutBootstrap = (entries: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !bootstrap.has(name)));

/** The hash in the key of an asset, `HASH.zip`. */
const hashOf = (code: unknown): string | undefined => {
  const { S3Key: key } = (code ?? {}) as { S3Key?: unknown };
  return typeof key === 'string' ? /([^/]+)\.zip$/.exec(key)?.[1] : undefined;
};

/**
 * The template without what it needs of the CDK's bootstrap. Each function's code is a path relative to the template, which
 * is what `aws cloudformation package` expects.
 * @throws Refusal if something else is still in the CDK's bucket
 */
const plainTemplate = ({ template, assets }: Assembly): Template => {
  const { Parameters, Rules, Resources, ...others } = template;
  const parts = { Parameters: withoutBootstrap(Parameters), Rules: withoutBootstrap(Rules) };
  const resources = Object.entries(Resources).map(([id, resource]) => {
    const hash = resource.Type === 'AWS::Lambda::Function' ? hashOf(resource.Properties?.['Code']) : undefined;
    return hash === undefined || !assets.has(hash)
      ? ([id, resource] as const)
      : ([id, { ...resource, Properties: { ...resource.Properties, Code: `code/${hash}` } }] as const);
  });
  const bound = resources.find(([, resource]) => /cdk-[a-z0-9-]+-assets-/.test(JSON.stringify(resource)));
  if (bound !== undefined) throw new Refusal(`${bound[0]} needs the CDK's bucket, which this tool does not replace.`);
  return {
    ...others,
    ...Object.fromEntries(Object.entries(parts).filter(([, entries]) => Object.keys(entries).length > 0)),
    Resources: Object.fromEntries(resources),
  };
};

/** A word of a shell command. */
const quoted = (word: string): string => (/^[\w./:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The commands that upload the code and deploy the template. */
const nextCommands = (
  folder: string,
  {
    stackName,
    tags,
    terminationProtection,
    region,
  }: Pick<Assembly, 'stackName' | 'tags' | 'terminationProtection' | 'region'>,
): string => {
  const at = region === undefined ? '' : ` --region ${region}`;
  const asTags = Object.entries(tags).map(([key, value]) => quoted(`${key}=${value}`));
  return [
    `aws cloudformation package${at} --s3-bucket BUCKET --use-json \\`,
    `  --template-file ${quoted(`${folder}/template.json`)} --output-template-file ${quoted(`${folder}/packaged.json`)}`,
    `aws cloudformation deploy${at} --s3-bucket BUCKET --template-file ${quoted(`${folder}/packaged.json`)} \\`,
    `  --stack-name ${stackName} --capabilities CAPABILITY_IAM${asTags.length === 0 ? '' : ` --tags ${asTags.join(' ')}`}`,
    ...(terminationProtection
      ? [
          `aws cloudformation update-termination-protection${at} --enable-termination-protection --stack-name ${stackName}`,
        ]
      : []),
  ].join('\n');
};

/** What the tool needs that tests replace. */
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

const write = async (folder: string, { assets }: Assembly, text: string): Promise<void> => {
  await makeFolder(join(folder, 'code'));
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
  const { assembly: folder, out, dryRun } = readCommand(spec, args);
  await requireEmpty(out);
  const assembly = await readAssembly(folder);
  const plain = plainTemplate(assembly);
  if (!dryRun) await write(out, assembly, `${JSON.stringify(plain, undefined, 1)}\n`);
  const did = dryRun ? 'would be written' : 'were written';
  output.note(`${out}/template.json and the code of ${assembly.assets.size} functions ${did}. Then:`);
  output.out(nextCommands(out, assembly));
  return 0;
};
