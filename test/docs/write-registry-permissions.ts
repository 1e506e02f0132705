/**
 * Writes `registry-permissions.json`: what CloudFormation calls for each kind of resource in a stage, from the schemas of its
 * registry (`aws cloudformation describe-type --type RESOURCE --type-name NAME` prints one, Pulumi publishes all):
 *
 *     git clone https://github.com/pulumi/pulumi-aws-native
 *     node test/docs/write-registry-permissions.ts pulumi-aws-native [AWS::New::Type …]
 *
 * Then `write-service-authorization.ts` has to know the actions.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTexts } from '../../functions/shared/compare-texts.ts';

interface Schema {
  readonly handlers?: Readonly<Record<string, { readonly permissions: readonly string[] }>>;
}

const file = join(import.meta.dirname, 'registry-permissions.json');
const [clone = '.', ...added] = process.argv.slice(2);
const git = (...args: string[]): string => execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' });
const before = JSON.parse(readFileSync(file, 'utf8')) as { readonly types: object };
const types = [...new Set([...Object.keys(before.types), ...added])].sort();

const handlersOf = (type: string): Record<string, string> => {
  const path = `aws-cloudformation-schema/${type.toLowerCase().replaceAll('::', '-')}.json`;
  const { handlers = {} } = JSON.parse(git('show', `HEAD:${path}`)) as Schema;
  // No deployment lists resources of a type.
  const calling = Object.entries(handlers)
    .filter(([name]) => name !== 'list')
    .toSorted(([one], [other]) => compareTexts(one, other));
  return Object.fromEntries(calling.map(([name, { permissions }]) => [name, permissions.toSorted().join(' ')]));
};

const [commit = '', date = ''] = git('log', '-1', '--format=%H %cs').trim().split(' ');
const content = {
  schemas: `https://github.com/pulumi/pulumi-aws-native/tree/${commit}/aws-cloudformation-schema`,
  date,
  types: Object.fromEntries(types.map((type) => [type, handlersOf(type)])),
};
writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
