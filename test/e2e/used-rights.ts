/** Translates the functions' calls on this machine into rights on the constructs of a stage's template. */
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { constructName, type Reading } from '../../sandbox/aws/cloudformation.ts';
import { resolverOf } from '../../sandbox/aws/intrinsics.ts';
import { isAllowed } from '../../sandbox/aws/policy.ts';
import { tableRightsOf, useOf } from '../../sandbox/aws/table-rights.ts';
import { tablesOf } from '../../sandbox/aws/template-data.ts';
import type { LocalTarget } from '../conformance/local-target.ts';
import type { UsedRight } from '../support/right-lines.ts';
import { at, nameOf, pathOf, property, type StageTemplate } from '../support/stage-template.ts';

/** A call to AWS. */
export interface Call {
  readonly function: string;
  readonly action: string;
  readonly resource: string;
  /** The partition key, if the call wrote or read one item. */
  readonly key?: string | undefined;
  /** The attributes in its expressions and its key. */
  readonly attributes?: readonly string[];
  /** Whether it read only these. */
  readonly isProjection?: boolean;
  /** Whether it asked for what it wrote. */
  readonly asksForItem?: boolean;
  /** KMS's encryption context. */
  readonly context?: Readonly<Record<string, string>>;
}

type Parameters = Readonly<Record<string, unknown>>;

/** Every item starts with its partition key, and `Key` has nothing else. */
const partitionKeyOf = ({ Key, Item }: { Key?: object; Item?: object }): string | undefined =>
  (Object.values(Key ?? Item ?? {})[0] as { S?: string } | undefined)?.S;

const words = new Set(
  'SET REMOVE ADD DELETE AND OR NOT attribute_exists attribute_not_exists if_not_exists contains size'.split(' '),
);

const expressions = ['UpdateExpression', 'ConditionExpression', 'ProjectionExpression', 'FilterExpression'];

/** Every attribute that a request names. */
const attributesOf = (parameters: Parameters): string[] => {
  const names = (parameters['ExpressionAttributeNames'] ?? {}) as Readonly<Record<string, string>>;
  const written = expressions.map((each) => (parameters[each] as string | undefined) ?? '').join(' ');
  const named = [...written.matchAll(/[:#]?[A-Za-z]\w*/g)]
    .map(([word]) => names[word] ?? word)
    .filter((word) => !word.startsWith(':') && !words.has(word));
  return [...new Set([...Object.keys(parameters['Key'] ?? {}), ...named])];
};

/** The functions' calls: to DynamoDB as seen on the wire, and to other services as the endpoint recorded them. */
export const callsOf = ({ cloud, wire }: LocalTarget): Call[] => [
  ...cloud.calls().filter(({ action }) => !action.startsWith('dynamodb:')),
  ...wire
    .calls()
    // The test's own calls to the tables need no rights.
    .filter(({ caller }) => caller !== 'local')
    .map(({ caller, operation, parameters }) => ({
      function: caller,
      action: `dynamodb:${operation}`,
      resource: [parameters['TableName'], parameters['IndexName']].filter(Boolean).join('/index/'),
      key: partitionKeyOf(parameters),
      attributes: attributesOf(parameters),
      isProjection: parameters['ProjectionExpression'] !== undefined,
      asksForItem: (parameters['ReturnValues'] ?? 'NONE') !== 'NONE',
    })),
];

/** The name of the resource with this physical name. */
const nameIn = (physicalNames: Readonly<Record<string, string>>, physicalName: string): string | undefined =>
  Object.entries(physicalNames).find(([, each]) => each === physicalName)?.[0];

/** The path of the only construct of a type and name. */
const onlyPath = ({ Resources }: StageTemplate, type: string, name: string | undefined): string => {
  const found = Object.entries(Resources).filter((named) => named[1].Type === type && constructName(named) === name);
  const [named, ...others] = found;
  if (named === undefined || others.length > 0) throw new Error(`${found.length} × ${type} ${name}`);
  return pathOf(named[1]);
};

/** For secrets that are added without a deployment: the variable with their prefix, and a function that has it. */
const secretPrefixes = {
  payers: ['PAYER_SECRET_PREFIX', 'Functions/Fetch/Function'],
  webhooks: ['WEBHOOK_SECRET_PREFIX', 'Events/Deliver/Function'],
} as const;

/** All secrets under the prefix where the template's functions read them, since a right covers all of them. */
const secretsIn = (template: StageTemplate, kind: keyof typeof secretPrefixes): string => {
  const [variable, path] = secretPrefixes[kind];
  const { Variables }: { Variables: Record<string, string> } = property(at(template, path), 'Environment');
  const [, account, region] = /^aws:\/\/(\d+)\/(.+)$/.exec(template.environment) ?? [];
  const where =
    account === undefined
      ? 'arn:{partition}:secretsmanager:{region}:{account}'
      : `arn:aws:secretsmanager:${region}:${account}`;
  return `${where}:secret:${Variables[variable]}*`;
};

/** An export's object by its kind, with wildcards for ids. In any other bucket, the whole name is a wildcard. */
const objectKind = (key: string): string => {
  const [, kind, random] = /^[\w-]{44}\/(parts|state|manifest|kept)(\/[\w-]+)?$/.exec(key) ?? [];
  if (kind === undefined) return '*';
  return `*/${kind}${random === undefined ? '' : '/*'}`;
};

/** Groups calls that need the same right, by replacing the single object, execution or secret with a wildcard. */
const sortOf = ({ action, resource }: Call): string => {
  if (action.startsWith('s3:')) return resource.replace(/\/(.*)$/, (_all, key: string) => `/${objectKind(key)}`);
  if (action.startsWith('lambda:')) return resource.replace(/^(.*:function:[^:]+):.*$/, '$1:*');
  if (action.startsWith('secretsmanager:')) return resource.replace(/[^/]*$/, '*');
  return resource;
};

/** The variables with keys that functions call KMS with, each with a function that has it. */
const keyVariables: Readonly<Record<string, readonly [variable: string, path: string]>> = {
  exports: ['EXPORTS_KEY', 'Functions/Fetch/Function'],
  memberIndex: ['MEMBER_INDEX_KEY', 'Functions/Callback/Function'],
};

/** A key of the template, or the ARN of one that the account brings. */
const keyIn = (template: StageTemplate, name = ''): string => {
  const [variable, path] = keyVariables[name] ?? [];
  if (variable === undefined || path === undefined) throw new Error(`No function has the key ${name}`);
  const { Variables }: { Variables: Record<string, unknown> } = property(at(template, path), 'Environment');
  return nameOf(template, Variables[variable]);
};

const resourceIn = (template: StageTemplate, { cloud, config }: LocalTarget, call: Call): string => {
  const sort = sortOf(call);
  const [service = ''] = call.action.split(':');
  const [first = '', ...rest] = sort.split('/');
  switch (service) {
    case 'dynamodb':
      return [onlyPath(template, 'AWS::DynamoDB::Table', nameIn(cloud.tables, first)), ...rest].join('/');
    case 's3':
      return [onlyPath(template, 'AWS::S3::Bucket', nameIn(cloud.buckets, first)), ...rest].join('/');
    case 'kms':
      return keyIn(template, nameIn(cloud.keys, sort));
    case 'lambda': {
      const [, name = ''] = /:function:([^:]+):\*$/.exec(sort) ?? [];
      return `${onlyPath(template, 'AWS::Lambda::Function', nameIn(cloud.functions, name))}:*`;
    }
    case 'secretsmanager': {
      const [, kind] = new RegExp(`^p2p/${config.stage}/(payers|webhooks)/\\*$`).exec(sort) ?? [];
      if (kind !== undefined) return secretsIn(template, kind as keyof typeof secretPrefixes);
    }
  }
  throw new Error(`${call.action} on ${call.resource} needs a right of no kind that is known`);
};

/** If a function used only session, used-assertion, breaker, drift or webhook items, its right is limited to keys with that prefix. */
const narrowPrefixes = ['session.', 'jti.', 'breaker#', 'drift#', 'webhook#'];

/** If a function used only this item, its right is limited to it. */
const narrowKeys: readonly string[] = [entryIds.dataVersion];

const unionOf = (lists: readonly (readonly string[] | undefined)[]): string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
];

/** The attributes that the end of a grant changes. A function that names no other may do nothing else to grants. */
const isOnlyEnding = (attributes: readonly string[]): boolean =>
  attributes.includes('revokedAt') && !attributes.includes('expiresAt');

/** The conditions that narrow the right for a group of calls. */
const narrowed = (called: readonly Call[], resource: string): Partial<UsedRight> => {
  const action = called[0]?.action ?? '';
  const prefix = narrowPrefixes.find((each) => called.every(({ key }) => key?.startsWith(each) === true));
  if (prefix !== undefined) return { keys: `${prefix}*` };
  const only = narrowKeys.find((each) => called.every(({ key }) => key === each));
  if (only !== undefined) return { keys: only };
  const attributes = unionOf(called.map((each) => each.attributes));
  if (called.every(({ isProjection }) => isProjection === true)) return { attributes, isProjection: true };
  if (action === 'dynamodb:UpdateItem' && (resource === 'Tables/Exports' || isOnlyEnding(attributes)))
    return { attributes };
  // A MAC has no context.
  if (action.startsWith('kms:') && action !== 'kms:GenerateMac')
    return { contextKeys: unionOf(called.map(({ context = {} }) => Object.keys(context))) };
  return {};
};

/** The functions' calls to tables, and whether the roles of a stage's template would let each pass. */
export const tableCallsIn = (template: StageTemplate, { cloud, wire }: LocalTarget) => {
  const stackName = 'stack';
  const reading: Reading = {
    ofType: (type) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type),
    template,
    intrinsics: resolverOf(template, stackName),
    options: { stackName, origin: 'https://gateway.example', assetDir: () => '' },
  };
  const rights = tableRightsOf(reading);
  const tables = tablesOf(reading);
  const byName = new Map(tables.map((table) => [table.physicalName, table]));
  return wire
    .calls()
    .filter(({ caller }) => caller !== 'local')
    .map(({ caller, operation, parameters }) => {
      const name = nameIn(cloud.tables, String(parameters['TableName']));
      const { physicalName: TableName } = tables.find((table) => table.name === name) ?? {};
      const use = useOf(operation, { ...parameters, TableName }, byName);
      return { caller, use, may: use !== undefined && isAllowed(rights.get(caller) ?? [], use) };
    });
};

const writes = /^dynamodb:(?:Put|Update|Delete)Item$/;
const reads = /^dynamodb:(?:GetItem|Query|Scan)$/;

/** Whether a function that used these rights may read whole items of those that it wrote. */
const mayRead = (write: UsedRight, used: readonly UsedRight[]): boolean =>
  used.some(
    (read) =>
      reads.test(read.action) &&
      read.function === write.function &&
      read.resource === write.resource &&
      read.isProjection !== true &&
      (read.keys === undefined || read.keys === write.keys),
  );

/** Translates calls on this machine into rights on the constructs of another stage's template. */
export const usesIn = (template: StageTemplate, target: LocalTarget, calls: readonly Call[]): UsedRight[] => {
  const alike = Map.groupBy(calls, (call) => `${call.function} ${call.action} ${sortOf(call)}`);
  const used = [...alike.values()].flatMap((called) => {
    const [call] = called;
    if (call === undefined) return [];
    const path = onlyPath(template, 'AWS::Lambda::Function', call.function).replace(/\/Function$/, '');
    const resource = resourceIn(template, target, call);
    const returnsNothing = writes.test(call.action) && called.every(({ asksForItem }) => asksForItem !== true);
    return [{ function: path, action: call.action, resource, ...narrowed(called, resource), returnsNothing }];
  });
  return used.map((right) => Object.assign(right, { returnsNothing: right.returnsNothing && !mayRead(right, used) }));
};
