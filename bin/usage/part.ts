/**
 * A part of all ids: those that begin with a text, followed by one of some characters; or one id; or no id at all.
 */
export type Part =
  | { readonly kind: 'some'; readonly prefix: string; readonly next: string }
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'none' };

/** What an id consists of (`config/rules.ts`). The hyphen comes last, where a pattern takes it for itself. */
const characters = 'abcdefghijklmnopqrstuvwxyz0123456789-';

/** The condition of a query that asks for this part only. */
export const conditionOf = (field: string, part: Part): string => {
  if (part.kind === 'none') return `not ispresent(${field})`;
  return part.kind === 'one' ? `${field} like /^${part.id}$/` : `${field} like /^${part.prefix}[${part.next}]/`;
};

const halves = ({ prefix, next }: { readonly prefix: string; readonly next: string }): Part[] => {
  const middle = Math.ceil(next.length / 2);
  return [next.slice(0, middle), next.slice(middle)].map((half) => ({ kind: 'some', prefix, next: half }));
};

/**
 * Splits all ids, or a part of them, into parts that have every id once; undefined if it cannot be split.
 */
export const split = (part: Part | undefined): Part[] | undefined => {
  if (part === undefined) return [{ kind: 'none' }, ...halves({ prefix: '', next: characters })];
  if (part.kind !== 'some') return undefined;
  if (part.next.length > 1) return halves(part);
  const prefix = part.prefix + part.next;
  return [{ kind: 'one', id: prefix }, ...halves({ prefix, next: characters })];
};
