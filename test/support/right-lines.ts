/** How a right is written as a line. */
import { type StageTemplate, type Statement, nameOf } from './stage-template.ts';

type Conditions = Statement['Condition'];

/**
 * What a value of the template names, its parts joined: `Tables/Grants`, `Audit/Bucket/*`, `dynamodb.us-east-1.…`.
 */
export const namedIn = (template: StageTemplate, value: unknown): string => {
  const { 'Fn::Join': [separator, parts] = ['', undefined] } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as { 'Fn::Join'?: [string, unknown[]] };
  return parts === undefined ? nameOf(template, value) : parts.map((part) => namedIn(template, part)).join(separator);
};

const only = (conditions: Conditions, operator: string, key: string): unknown => {
  const tests = conditions?.[operator];
  return tests !== undefined && Object.keys(tests).length === 1 ? tests[key] : undefined;
};

/** The conditions that the stack's policies have, in words; any other as it stands, so that it fits nothing. */
const conditionOf = (template: StageTemplate, conditions: Conditions): string => {
  const operators = Object.keys(conditions ?? {}).sort();
  if (operators.length === 0) return '';
  const service = only(conditions, 'StringEquals', 'kms:ViaService');
  if (operators.length === 1 && service !== undefined)
    return ` through ${/^\w+/.exec(namedIn(template, service))?.[0]}`;
  if (operators.length === 1 && only(conditions, 'Null', 'lambda:SourceFunctionArn') === 'false')
    return ' from its code';
  // The first alone holds where a request names no key at all.
  const keys = only(conditions, 'ForAllValues:StringLike', 'dynamodb:LeadingKeys');
  const named = only(conditions, 'Null', 'dynamodb:LeadingKeys') === 'false';
  if (operators.length === 2 && keys !== undefined && named) return ` with keys ${[keys].flat().map(String).join(' ')}`;
  return ` if ${JSON.stringify(conditions)}`;
};

/** `Allow dynamodb:PutItem on Tables/Grants with keys jti.*`. */
export const rightLine = (
  template: StageTemplate,
  {
    Effect,
    Condition,
    action,
    resource,
  }: Pick<Statement, 'Effect' | 'Condition'> & { action: string; resource: unknown },
): string => `${Effect} ${action} on ${namedIn(template, resource)}${conditionOf(template, Condition)}`;
