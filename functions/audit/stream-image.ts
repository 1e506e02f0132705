import { createHash } from 'node:crypto';
import type { AttributeValue } from 'aws-lambda';
import type { Attributes, ValueOf } from '../shared/store/attributes.ts';
import { readerOf } from '../shared/store/items.ts';

/** An item as a table's stream gives it. */
export type StreamImage = Readonly<Record<string, AttributeValue>>;

/** What is not there, is empty or is no number cannot be told of. */
const isReadable = (value: unknown): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : value !== undefined && value !== '';

/** Reads attributes of an image that must be there. @throws Error naming the attribute, never what is in it */
export const requiredReader = <A extends Attributes>(attributes: A, image: StreamImage) => {
  const read = readerOf(attributes, image);
  return <K extends keyof A & string>(name: K): ValueOf<A[K]> => {
    const value = read(name);
    if (value === undefined || !isReadable(value)) throw new Error(`${name} is not there or cannot be read`);
    return value;
  };
};

/** The same id for the same event, however often its record comes. */
export const eventIdOf = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
