import type { AttributeValue, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { Attribute, Attributes, ValueOf, ValuesOf } from './attributes.ts';
import { writeItem, writeValue, type Item } from './items.ts';

/** Writes names and values into an expression. */
interface Terms {
  readonly name: (attribute: string) => string;
  readonly value: (name: string, value: AttributeValue) => string;
}

/** A condition on an item, or a part of one. */
export type Clause = (terms: Terms) => string;

/** Our attribute names that are reserved words in DynamoDB. */
const reserved = new Set(['error', 'group', 'key', 'name', 'owner', 'request', 'scope', 'status', 'type']);

/** The names and values that go with a request's expressions. */
interface Named {
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Item;
}

/** Collects the names and values of expressions. Each value is named after its attribute. */
const collectTerms = (): { terms: Terms; named: () => Named } => {
  const names: Record<string, string> = {};
  const values: Item = {};
  const isSame = (a: AttributeValue, b: AttributeValue): boolean =>
    (a.S !== undefined && a.S === b.S) || (a.N !== undefined && a.N === b.N);
  const terms: Terms = {
    name: (attribute) => {
      if (!reserved.has(attribute)) return attribute;
      names[`#${attribute}`] = attribute;
      return `#${attribute}`;
    },
    value: (name, value) => {
      let term = `:${name}`;
      for (let number = 2; values[term] !== undefined && !isSame(values[term]!, value); number += 1) {
        term = `:${name}${number}`;
      }
      values[term] = value;
      return term;
    },
  };
  const named = (): Named => ({
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  });
  return { terms, named };
};

/** The clauses that conditions on a table's attributes are made of. */
export const clausesOn = <A extends Attributes>(attributes: A) => {
  type Name = keyof A & string;
  return {
    exists:
      (attribute: Name): Clause =>
      ({ name }) =>
        `attribute_exists(${name(attribute)})`,
    absent:
      (attribute: Name): Clause =>
      ({ name }) =>
        `attribute_not_exists(${name(attribute)})`,
    is:
      <K extends Name>(attribute: K, comparison: '=' | '<>' | '<' | '<=' | '>' | '>=', than: ValueOf<A[K]>): Clause =>
      ({ name, value }) =>
        `${name(attribute)} ${comparison} ${value(attribute, writeValue(attributes[attribute]!, than))}`,
    contains:
      (attribute: Name, text: string): Clause =>
      ({ name, value }) =>
        `contains(${name(attribute)}, ${value(attribute, { S: text })})`,
    hasFewerThan:
      (attribute: Name, count: number): Clause =>
      ({ name, value }) =>
        `size(${name(attribute)}) < ${value(`${attribute}Size`, { N: String(count) })}`,
  };
};

const joined =
  (word: string) =>
  (...clauses: readonly Clause[]): Clause =>
  (terms) =>
    clauses.map((clause) => clause(terms)).join(` ${word} `);

/** True if every clause is true. */
export const allOf = joined('AND');

/** True if any clause is true. */
export const anyOf =
  (...clauses: readonly Clause[]): Clause =>
  (terms) =>
    `(${joined('OR')(...clauses)(terms)})`;

type NamesOf<A extends Attributes, T extends Attribute['type']> = {
  [K in keyof A & string]: A[K]['type'] extends T ? K : never;
}[keyof A & string];

/** What an update does to an item. */
export interface Change<A extends Attributes> {
  readonly set?: ValuesOf<A>;
  /** Attributes that take another attribute's value. */
  readonly copy?: { readonly [K in keyof A & string]?: keyof A & string };
  /** Numbers to add to. */
  readonly increase?: { readonly [K in NamesOf<A, 'N'>]?: number };
  /** Sets to add a member to. */
  readonly include?: { readonly [K in NamesOf<A, 'SS'>]?: string };
  readonly remove?: readonly (keyof A & string)[];
  /** The update is made only if all of these are true. */
  readonly when: readonly Clause[];
}

type UpdateExpressions = Named & Required<Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression'>>;

/** An update as UpdateItem takes it. */
export const updateOf = <A extends Attributes>(attributes: A, change: Change<A>): UpdateExpressions => {
  const { terms, named } = collectTerms();
  const { name, value } = terms;
  const { set = {}, copy = {}, increase = {}, include = {}, remove = [], when } = change;
  const sets = [
    ...Object.entries<number>(increase).map(
      ([to, by]) => `${name(to)} = ${name(to)} + ${value(`${to}Increase`, { N: String(by) })}`,
    ),
    ...Object.entries(writeItem(attributes, set)).map(([to, content]) => `${name(to)} = ${value(to, content)}`),
    ...Object.entries<string>(copy).map(([to, from]) => `${name(to)} = ${name(from)}`),
  ];
  const adds = Object.entries<string>(include).map(([to, member]) => `${name(to)} ${value(to, { SS: [member] })}`);
  const parts = [
    ['SET', sets],
    ['REMOVE', remove.map(name)],
    ['ADD', adds],
  ] as const;
  return {
    UpdateExpression: parts
      .flatMap(([action, items]) => (items.length === 0 ? [] : `${action} ${items.join(', ')}`))
      .join(' '),
    ConditionExpression: allOf(...when)(terms),
    ...named(),
  };
};

/** A condition as PutItem takes it. */
export const conditionOf = (when: Clause): Named & { readonly ConditionExpression: string } => {
  const { terms, named } = collectTerms();
  return { ConditionExpression: when(terms), ...named() };
};

/** Which attributes a read returns. All by placeholders, since some are reserved words. */
export const projectionOf = (
  attributes: readonly string[],
): { readonly ProjectionExpression: string; readonly ExpressionAttributeNames: Record<string, string> } => ({
  ProjectionExpression: attributes.map((name) => `#${name}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
});

/** Which items a Scan returns, and which of their attributes. */
export const filterOf = (
  attributes: readonly string[],
  ...when: readonly Clause[]
): Named & { readonly ProjectionExpression: string; readonly FilterExpression: string } => {
  const { terms, named } = collectTerms();
  const [ProjectionExpression, FilterExpression] = [attributes.map(terms.name).join(', '), allOf(...when)(terms)];
  return { ProjectionExpression, FilterExpression, ...named() };
};
