/*
 * The object `kept` of an export: the names of the parts in its manifest, one per line. The job writes it before it
 * ends the export. The sweep deletes every other part.
 */

export const writeKeptParts = (objects: readonly string[]): string => objects.map((name) => `${name}\n`).join('');

export const readKeptParts = (text: string): ReadonlySet<string> =>
  new Set(text.split('\n').filter((name) => name !== ''));
