import { isObject, parseObject, type JsonObject } from '../shared/json/json-object.ts';

const differing = (before: JsonObject, after: JsonObject): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .sort();

/**
 * Names the fields that differ between two texts of an entry. Of a field that is an object it names the inner ones:
 * `scopes`, `quirks.pkce`. It never returns a value.
 */
export const changedFields = (before: string | undefined, after: string | undefined): string[] => {
  const [was, is] = [parseObject(before ?? '{}'), parseObject(after ?? '{}')];
  if (was === undefined || is === undefined) return ['entry'];
  return differing(was, is).flatMap((name) => {
    const [old, now] = [was[name], is[name]];
    return isObject(old) && isObject(now) ? differing(old, now).map((inner) => `${name}.${inner}`) : [name];
  });
};
