import type { Assembly, Template } from '../shared/assembly.ts';
import { Refusal } from '../shared/errors.ts';

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
 * The template without the CDK's bootstrap. The code of each function is a path beside the template, as
 * `aws cloudformation package` reads it.
 * @throws Refusal if something else is still in the CDK's bucket
 */
export const plainTemplate = ({ template, assets }: Assembly): Template => {
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
