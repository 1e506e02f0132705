import { matchesPattern } from '../../bin/shared/policy-pattern.ts';
import { propertiesOf, type Named, type Reading } from './cloudformation.ts';

/** A statement of a role's policies, with its intrinsics resolved. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly operator: string;
  /** Such as `dynamodb:Select`. */
  readonly key: string;
  readonly values: readonly string[];
}

/** Condition keys of a request. A key that the request lacks is undefined; a key with several values has all of them. */
export type ConditionKeys = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a caller wants to do. */
export interface Use {
  readonly action: string;
  readonly resource: string;
  readonly keys: ConditionKeys;
}

interface Policy {
  readonly Roles?: readonly unknown[];
  readonly PolicyDocument: {
    readonly Statement: readonly {
      readonly Effect: string;
      readonly Action: string | readonly string[];
      readonly Resource: unknown;
      readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    }[];
  };
}

interface Role {
  readonly ManagedPolicyArns?: readonly unknown[];
  readonly Policies?: readonly Policy[];
}

/** The statements of all policies of a function's role. */
export const statementsOf = ({ ofType, intrinsics: { resolve } }: Reading, lambda: Named): readonly Statement[] => {
  const roleArn = resolve((propertiesOf(lambda) as { Role?: unknown }).Role ?? '');
  const role = ofType('AWS::IAM::Role').find(([id]) => resolve({ 'Fn::GetAtt': [id, 'Arn'] }) === roleArn);
  if (role === undefined) return [];
  const { ManagedPolicyArns: named = [], Policies: inline = [] } = propertiesOf(role) as Role;
  const names = new Set(named.map(resolve));
  const attached = ['AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy']
    .flatMap(ofType)
    .map((policy) => [policy[0], propertiesOf(policy) as Policy] as const)
    .filter(([id, { Roles = [] }]) => names.has(id) || Roles.map(resolve).includes(role[0]))
    .map(([, policy]) => policy);
  return [...inline, ...attached]
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map(({ Effect, Action, Resource, Condition = {} }) => ({
      effect: Effect,
      actions: [Action].flat(),
      resources: [Resource].flat().map(resolve),
      conditions: Object.entries(Condition).flatMap(([operator, keys]) =>
        Object.entries(keys).map(([key, values]) => ({ operator, key, values: [values].flat().map(resolve) })),
      ),
    }));
};

type Value = ConditionKeys[string];

/**
 * `ForAllValues` holds if there is no value, and each other operator but `Null` and `…IfExists` fails
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
 */
const operators: Readonly<Record<string, (found: Value, values: readonly string[]) => boolean>> = {
  StringEquals: (found, values) => typeof found === 'string' && values.includes(found),
  StringEqualsIfExists: (found, values) => found === undefined || (typeof found === 'string' && values.includes(found)),
  'ForAllValues:StringEquals': (found = [], values) => [found].flat().every((one) => values.includes(one)),
  'ForAllValues:StringLike': (found = [], values) =>
    [found].flat().every((one) => values.some((value) => matchesPattern(one, value))),
  Null: (found, values) => values.includes(String(found === undefined)),
};

/** @throws Error if a statement has an operator that is not known here, or a key that is not among these */
export const requireKnown = (statements: readonly Statement[], keys: ReadonlySet<string>): void => {
  const unknown = statements
    .flatMap(({ conditions }) => conditions)
    .find(({ operator, key }) => !(operator in operators) || !keys.has(key));
  if (unknown !== undefined)
    throw new Error(`The local stack can't evaluate the condition ${unknown.operator} ${unknown.key}`);
};

const isAbout = ({ actions, resources, conditions }: Statement, { action, resource, keys }: Use): boolean =>
  actions.some((one) => matchesPattern(action.toLowerCase(), one.toLowerCase())) &&
  resources.some((one) => matchesPattern(resource, one)) &&
  conditions.every(({ operator, key, values }) => operators[operator]?.(keys[key], values) === true);

/**
 * Whether the statements allow it: one that denies wins, and nothing is allowed unless one allows it
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
 */
export const isAllowed = (statements: readonly Statement[], use: Use): boolean => {
  const effects = new Set(statements.filter((one) => isAbout(one, use)).map(({ effect }) => effect));
  return effects.has('Allow') && !effects.has('Deny');
};
