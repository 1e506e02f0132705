/** What AWS decides about an action, by its Service Authorization Reference: `test/docs/write-service-authorization.ts` keeps a part of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const { actions, conditionKeys, arns } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../docs/service-authorization.json'), 'utf8'),
) as {
  readonly actions: Readonly<Record<string, string>>;
  readonly conditionKeys: Readonly<Record<string, string>>;
  readonly arns: Readonly<Record<string, string>>;
};

/** A kind of resource on which AWS decides about an action. */
export interface Kind {
  /** Whether each call is about one of this kind. */
  readonly isRequired: boolean;
  /** `arn:${Partition}:sns:${Region}:${Account}:${TopicName}`; a few kinds have several. */
  readonly forms: readonly string[];
}

/** Every action that the file has. */
export const knownActions: readonly string[] = Object.keys(actions);

/**
 * Where another page of AWS's says otherwise, and what it says works: SAM's policy template has had it since 2019
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/api-permissions-reference.html).
 */
const elsewhere: Readonly<Record<string, string>> = { 'dynamodb:ListStreams': 'stream' };

/** The kinds of resources that an action is about: none if its policy has to say `*`. `undefined` if AWS does not have the action. */
export const kindsOf = (action: string): readonly Kind[] | undefined => {
  const [service = ''] = action.toLowerCase().split(':');
  const names = (elsewhere[action] ?? actions[action])?.split(', ').filter((name) => name !== '');
  return names?.map((name) => ({
    isRequired: name.endsWith('*'),
    forms: arns[`${service}:${name.replace('*', '')}`]?.split(', ') ?? [],
  }));
};

/** Names that may have slashes in them. */
const withSlashes =
  /^(?:SecretId|LogGroupName|ObjectName|Alias|(?:Role|Policy)NameWithPath|ParameterNameWithoutLeadingSlash|UrlEncodedResourceARN)$/;

/** What the last wildcard of a resource may stand for. */
const anything = ['x', 'x/x', '/x', 'x:log-stream:x', 'log-stream:x', 'x/stream/x', 'x/durable-execution/x/x', ''];

const patternOf = (form: string): string =>
  form
    .split(/\$\{(\w+)\}/)
    .map((part, index) =>
      index % 2 === 0 ? part.replaceAll('.', String.raw`\.`) : withSlashes.test(part) ? '[^:]*' : '[^:/]*',
    )
    .join('')
    .replaceAll('+', String.raw`\+`);

/**
 * Forms that AWS's other pages have. A version or an alias is invoked by its own ARN
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html), and a log group's may end with `:*`
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
 */
const alsoOf = (form: string): string[] =>
  form.endsWith(':function:${FunctionName}')
    ? [form, `${form}:\${Version}`]
    : form.endsWith(':log-group:${LogGroupName}')
      ? [form, `${form}:log-stream:x`]
      : [form];

/** Whether a policy's resource, with its wildcards, can be of a kind. */
export const isOfKind = (resource: string, { forms }: Kind): boolean => {
  const texts = anything.map((one) => resource.replace(/\*(?=[^*]*$)/, one).replaceAll('*', 'x'));
  const patterns = forms.flatMap(alsoOf).map((form) => new RegExp(`^${patternOf(form)}$`));
  return resource === '*' || patterns.some((pattern) => texts.some((text) => pattern.test(text)));
};

/** Whether a policy that allows the action on these resources allows any call of it. */
export const isGranted = (action: string, resources: readonly string[]): boolean => {
  const kinds = kindsOf(action) ?? [];
  return kinds.length === 0
    ? resources.includes('*')
    : kinds.some((kind) => resources.some((resource) => isOfKind(resource, kind)));
};

/** A resource of a kind, with a name that no stage has. */
export const someOfKind = ({ forms: [form = ''] }: Kind): string =>
  form.replace('${Partition}', 'aws').replaceAll(/\$\{\w+\}/g, 'x');

/**
 * Whether an action's requests have a condition key. Those of all services, `aws:…`, are not looked at. What a function's code calls
 * has the function's ARN (https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html).
 */
export const hasConditionKey = (action: string, key: string): boolean =>
  key.startsWith('aws:') ||
  key === 'lambda:SourceFunctionArn' ||
  (conditionKeys[action]?.split(' ') ?? []).some(
    (one) => one === key || (one.includes('${') && key.startsWith(one.replace(/\$\{.*/, ''))),
  );
