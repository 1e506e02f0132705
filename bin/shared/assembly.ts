import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from './errors.ts';

/** A template of CloudFormation, as far as the tool looks into it. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Rules?: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >;
}

/** A stage that the CDK has synthesized. */
export interface Assembly {
  readonly stackName: string;
  readonly template: Template;
  /** The folders of code by the name of their zip, which is their hash. */
  readonly assets: ReadonlyMap<string, string>;
  readonly tags: Readonly<Record<string, string>>;
  readonly terminationProtection: boolean;
  /** Undefined if the stage does not say it. */
  readonly region: string | undefined;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly terminationProtection?: boolean;
    readonly tags?: Readonly<Record<string, string>>;
  };
}

interface Asset {
  readonly source: { readonly path?: string; readonly packaging?: string };
}

/** @throws Refusal if it is not there, or not JSON */
const readJson = async (folder: string, name: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(join(folder, name), 'utf8')) as unknown;
  } catch {
    throw new Refusal(
      `${folder} is no assembly of the CDK: it has no ${name} that can be read. Make one with: npx cdk synth --quiet -c stage=NAME -o ${folder}`,
    );
  }
};

/**
 * Reads what `cdk synth` has written.
 * @throws Refusal if the folder has something else
 */
export const readAssembly = async (folder: string): Promise<Assembly> => {
  const { artifacts = {} } = (await readJson(folder, 'manifest.json')) as { artifacts?: Record<string, Artifact> };
  const stacks = Object.entries(artifacts).filter(([, { type }]) => type === 'aws:cloudformation:stack');
  const [stack, ...others] = stacks;
  if (stack === undefined || others.length > 0)
    throw new Refusal(`${folder} has ${stacks.length} stacks instead of one.`);
  const [stackName, { environment, properties = {} }] = stack;
  const { files = {} } = (await readJson(folder, `${stackName}.assets.json`)) as { files?: Record<string, Asset> };
  const folders = Object.entries(files).filter(([, { source }]) => source.packaging === 'zip');
  return {
    stackName,
    template: (await readJson(folder, properties.templateFile ?? `${stackName}.template.json`)) as Template,
    assets: new Map(folders.map(([hash, { source }]) => [hash, join(folder, source.path ?? '')])),
    tags: properties.tags ?? {},
    terminationProtection: properties.terminationProtection === true,
    region: /^aws:\/\/[^/]+\/([a-z]+-[a-z-]+-\d)$/.exec(environment ?? '')?.[1],
  };
};
