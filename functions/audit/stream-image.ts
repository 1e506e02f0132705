import { createHash } from 'node:crypto';
import type { AttributeValue } from 'aws-lambda';

/** An item as a table's stream gives it. */
export type Image = Readonly<Record<string, AttributeValue>>;

/** A string that may be missing. */
export const optionalText = (image: Image, name: string): string | undefined => image[name]?.S;

/** A string attribute. @throws Error naming the attribute, never what is in it */
export const text = (image: Image, name: string): string => {
  const value = image[name]?.S;
  if (value === undefined || value === '') throw new Error(`${name} is not a string`);
  return value;
};

/** A number that may be missing. */
export const optionalNumber = (image: Image, name: string): number | undefined =>
  image[name]?.N === undefined ? undefined : Number(image[name].N);

/** A number attribute. @throws Error naming the attribute */
export const number = (image: Image, name: string): number => {
  const value = optionalNumber(image, name);
  if (value === undefined || !Number.isFinite(value)) throw new Error(`${name} is no number`);
  return value;
};

/** The same id for the same event, however often its record comes. */
export const eventIdOf = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
