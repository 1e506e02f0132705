/**
 * Decides as IAM does: a statement that denies wins, then one that allows, and without either nothing is allowed
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
 */
import { nameOf, principalsOf, type StageTemplate, type Statement } from './stage-template.ts';

/** A call, with names as `nameOf` writes them. */
export interface Call {
  /** A service such as `cloudwatch.amazonaws.com`, or a role; omitted if the policy is the caller's own. */
  readonly principal?: string;
  readonly action: string;
  /** If omitted, the resource that the policy belongs to. */
  readonly resource?: string;
  /** The call's condition keys, by name. */
  readonly context?: Readonly<Record<string, string>>;
}

type Decision = 'allowed' | 'denied' | 'not allowed';

const pattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
const isLike = (value: string, patterns: readonly string[]): boolean =>
  patterns.some((one) => pattern(one).test(value));
const ignoringCase = (value: string, patterns: readonly string[]): boolean =>
  isLike(
    value.toLowerCase(),
    patterns.map((one) => one.toLowerCase()),
  );

/** A key that the call lacks fails every operator except the negated ones and `Null`. */
const operators: Readonly<Record<string, (value: string | undefined, expected: readonly string[]) => boolean>> = {
  StringEquals: (value, expected) => value !== undefined && expected.includes(value),
  StringNotEquals: (value, expected) => value === undefined || !expected.includes(value),
  StringLike: (value, expected) => value !== undefined && isLike(value, expected),
  StringLikeIfExists: (value, expected) => value === undefined || isLike(value, expected),
  ArnLikeIfExists: (value, expected) => value === undefined || isLike(value, expected),
  'ForAllValues:StringLike': (value, expected) => value === undefined || isLike(value, expected),
  ArnLike: (value, expected) => value !== undefined && isLike(value, expected),
  ArnEquals: (value, expected) => value !== undefined && isLike(value, expected),
  ArnNotEquals: (value, expected) => value === undefined || !isLike(value, expected),
  Bool: (value, expected) => value !== undefined && expected.includes(value),
  Null: (value, expected) => expected.includes(String(value === undefined)),
  NumericLessThan: (value, expected) => value !== undefined && expected.some((one) => Number(value) < Number(one)),
};

const conditionsHold = (
  template: StageTemplate,
  { Condition = {} }: Statement,
  context: Call['context'] = {},
): boolean =>
  Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => {
      const holds = operators[operator];
      if (holds === undefined) throw new Error(`The condition operator ${operator} is not known here`);
      const expected = [values].flat().map((one) => nameOf(template, one));
      return holds(context[key], expected);
    }),
  );

const isAbout = (template: StageTemplate, statement: Statement, call: Call): boolean => {
  const principals = principalsOf(template, statement);
  const resources = [statement.Resource].flat().map((resource) => nameOf(template, resource));
  return (
    (call.principal === undefined || principals.some((one) => one === '*' || one === call.principal)) &&
    ignoringCase(call.action, [statement.Action].flat()) &&
    (call.resource === undefined || isLike(call.resource, resources)) &&
    conditionsHold(template, statement, call.context)
  );
};

/** What the statements of one or more policies decide about a call. */
export const decide = (template: StageTemplate, statements: readonly Statement[], call: Call): Decision => {
  const about = statements.filter((statement) => isAbout(template, statement, call));
  const effects = new Set(about.map(({ Effect }) => Effect));
  if (effects.has('Deny')) return 'denied';
  return effects.has('Allow') ? 'allowed' : 'not allowed';
};
