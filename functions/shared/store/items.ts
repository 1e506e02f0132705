import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Attribute, Attributes, ValueOf, ValuesOf } from './attributes.ts';

/** An item as DynamoDB holds it. */
export type Item = Record<string, AttributeValue>;

/** An attribute as DynamoDB returns it, in an answer or in a stream, where binary values are base64. */
interface Stored {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
  readonly B?: Uint8Array | string | undefined;
  readonly SS?: readonly string[] | undefined;
  readonly BOOL?: boolean | undefined;
  readonly M?: Readonly<Record<string, Stored>> | undefined;
}
export type StoredItem = Readonly<Record<string, Stored>>;

/** One value in DynamoDB's form. */
export const writeValue = <A extends Attribute>(attribute: A, value: ValueOf<A>): AttributeValue => {
  switch (attribute.type) {
    case 'M':
      return { M: writeItem(attribute.fields, value as ValuesOf<Attributes>) };
    case 'N':
      return { N: (value as number).toString() };
    case 'SS':
      return { SS: [...(value as readonly string[])] };
    default:
      return { [attribute.type]: value } as unknown as AttributeValue;
  }
};

/** Values as an item, without undefined ones. */
export const writeItem = <A extends Attributes>(attributes: A, values: ValuesOf<A>): Item =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, writeValue(attributes[name]!, value as ValueOf<Attribute>)]],
    ),
  );

const readValue = (attribute: Attribute, value: Stored | undefined): ValueOf<Attribute> | undefined => {
  if (attribute.type === 'N') return value?.N === undefined ? undefined : Number(value.N);
  if (attribute.type !== 'M') return value?.[attribute.type];
  const map = value?.M;
  if (map === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(attribute.fields).map(([name, field]) => [name, readValue(field, map[name])]),
  );
};

/** Reads attributes of an item by name; undefined if it has none of that name and type. */
export const readerOf =
  <A extends Attributes>(attributes: A, item: StoredItem) =>
  <K extends keyof A & string>(name: K): ValueOf<A[K]> | undefined =>
    readValue(attributes[name]!, item[name]) as ValueOf<A[K]> | undefined;
