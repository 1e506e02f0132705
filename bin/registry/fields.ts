import { isDeepStrictEqual } from 'node:util';
import { visibleLine } from '../../config/checks/visible.ts';

/** A field that differs, such as `quirks.pkce`, and how. */
export interface FieldChange {
  readonly field: string;
  readonly what: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Names of fields whose values are not shown: hashes of secrets, and what a payer may treat as one. */
const isHidden = (field: string): boolean => /^quirks\.extra\w+Parameters\./.test(field);

const longestValue = 80;
const mostMembers = 5;

const shown = (value: unknown): string => {
  const text = visibleLine(JSON.stringify(value));
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
};

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const without = (members: readonly unknown[], others: readonly unknown[]): unknown[] =>
  members.filter((member) => !others.some((other) => isDeepStrictEqual(member, other)));

const named = (verb: string, names: readonly string[]): string[] => {
  const more = names.length - mostMembers;
  const text = names.slice(0, mostMembers).join(', ');
  return names.length === 0 ? [] : [`${verb} ${text}${more > 0 ? ` and ${more} more` : ''}`];
};

/** A key by its `kid`, which is public; a hash not at all. */
const memberName = (member: unknown): string =>
  isObject(member) && typeof member['kid'] === 'string' ? `key ${shown(member['kid'])}` : shown(member);

const listChange = (field: string, before: readonly unknown[], after: readonly unknown[]): string => {
  const [added, removed] = [without(after, before), without(before, after)];
  if (added.length + removed.length === 0) return 'in another order';
  if (field === 'secretHashes') {
    const counted = [
      [added, 'added'],
      [removed, 'removed'],
    ] as const;
    return counted.flatMap(([{ length }, verb]) => (length === 0 ? [] : `${length} ${verb}`)).join(', ');
  }
  return [...named('added', added.map(memberName)), ...named('removed', removed.map(memberName))].join('; ');
};

const change = (field: string, before: unknown, after: unknown): FieldChange[] => {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) return fieldChanges(before, after, `${field}.`);
  if (isHidden(field)) {
    return [{ field, what: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed' }];
  }
  if (Array.isArray(before) && Array.isArray(after)) return [{ field, what: listChange(field, before, after) }];
  if (isObject(before ?? after)) {
    const names = Object.keys((before ?? after) as Fields).map(visibleLine);
    return [{ field, what: `${before === undefined ? 'added' : 'removed'}: ${names.join(', ')}` }];
  }
  const old = before === undefined ? 'none' : shown(before);
  return [{ field, what: `${old} → ${after === undefined ? 'none' : shown(after)}` }];
};

/** The fields by which two entries differ, those of nested objects by their path. It shows no secret, nor its hash. */
export const fieldChanges = (before: object, after: object, path = ''): FieldChange[] => {
  const [old, now] = [before as Fields, after as Fields];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names.flatMap((name) => change(`${path}${visibleLine(name)}`, old[name], now[name]));
};
