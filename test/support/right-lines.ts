/** A used right, and how a right is written as a line. */
import { conditionsOf, nameOf, type StageTemplate, type Statement } from './stage-template.ts';

/** A call that a function made to AWS. */
export interface UsedRight {
  /** The path of the function's construct, such as `Functions/Token`. */
  readonly function: string;
  /** Such as `dynamodb:GetItem`. */
  readonly action: string;
  /** The path of the resource's construct, such as `Tables/Grants`; for objects, `Audit/Bucket/*`. */
  readonly resource: string;
  /** The only partition keys that it was used on, if a right may be narrowed to them: `jti.*`. */
  readonly keys?: string;
  /** The attributes that it named, if it named any. */
  readonly attributes?: readonly string[];
  /** Whether it read these attributes and no other. */
  readonly isProjection?: boolean;
  /** Whether a write, by a function that may not read what it writes, returned nothing. */
  readonly returnsNothing?: boolean;
  /** The keys of the encryption contexts that it gave to KMS. */
  readonly contextKeys?: readonly string[];
}

/** `Allow dynamodb:PutItem on Tables/Grants if …`, with every condition and its value. */
export const rightLine = (
  template: StageTemplate,
  {
    Effect,
    Condition,
    action,
    resource,
  }: Pick<Statement, 'Effect' | 'Condition'> & { action: string; resource: unknown },
): string =>
  `${Effect} ${action} on ${nameOf(template, resource)}${conditionsOf(template, Condition === undefined ? {} : { Condition })}`;

/** A service's use of a key on behalf of a function: the only way in which a function's role may use one. */
export const through = (service: string): string => ` if StringEquals kms:ViaService=${service}.{region}.amazonaws.com`;

/** Lambda's own work with a function's role; what the function's code calls carries the function's ARN. */
export const byItsCode = ' if Null lambda:SourceFunctionArn=false';

/** Items whose partition key matches the pattern. The first condition alone also holds if a request names no key. */
const onlyKeys = (pattern: string): string =>
  ` if ForAllValues:StringLike dynamodb:LeadingKeys=${pattern} and Null dynamodb:LeadingKeys=false`;

/** Limits a right to requests that name only these attributes. A read without names would return all of them, and so might a write. */
const onlyAttributes = (attributes: readonly string[], isProjection: boolean): string =>
  ` if ForAllValues:StringEquals dynamodb:Attributes=${attributes.toSorted().join('|')} and Null dynamodb:Attributes=false` +
  (isProjection ? ' and StringEquals dynamodb:Select=SPECIFIC_ATTRIBUTES' : '');

/** Limits a right to writes that return nothing. */
const onlyNothing = 'StringEqualsIfExists dynamodb:ReturnValues=NONE';

/** Limits a right to requests whose encryption context has these keys and no others. */
const onlyContext = (keys: readonly string[]): string =>
  ` if ForAllValues:StringEquals kms:EncryptionContextKeys=${keys.toSorted().join('|')} and Null kms:EncryptionContextKeys=false`;

const withoutAnswer = ({ keys, attributes, isProjection = false, contextKeys }: UsedRight): string => {
  if (keys !== undefined) return onlyKeys(keys);
  if (attributes !== undefined) return onlyAttributes(attributes, isProjection);
  return contextKeys === undefined ? '' : onlyContext(contextKeys);
};

/** The part of a used right's line after its resource. */
export const conditionOfUse = (right: UsedRight): string => {
  const condition = withoutAnswer(right);
  // A write that is limited to attributes could return the others.
  const isWrite = right.keys === undefined && right.attributes !== undefined && right.isProjection !== true;
  if (!isWrite && right.returnsNothing !== true) return condition;
  return condition === '' ? ` if ${onlyNothing}` : `${condition} and ${onlyNothing}`;
};
