import { createHash } from 'node:crypto';
import type { AttributeValue } from 'aws-lambda';
import type { Attributes, ValueOf } from '../shared/store/attributes.ts';
import { readerOf } from '../shared/store/items.ts';

/** An item in a table's stream. */
export type StreamImage = Readonly<Record<string, AttributeValue>>;

/** A missing, empty or non-numeric attribute makes an event impossible. */
const isReadable = <Value>(value: Value | undefined): value is Value =>
  typeof value === 'number' ? Number.isFinite(value) : value !== undefined && value !== '';

/** Reads required attributes of an image. @throws Error naming the attribute, never its value */
export const requiredReader = <A extends Attributes>(attributes: A, image: StreamImage) => {
  const read = readerOf(attributes, image);
  return <K extends keyof A & string>(name: K): ValueOf<A[K]> => {
    const value = read(name);
    if (!isReadable(value)) throw new Error(`${name} is not there or cannot be read`);
    return value;
  };
};

/** The same id for the same event, however often its record is repeated. */
export const eventIdOf = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
