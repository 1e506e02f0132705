import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import { anothers } from '../reading/hangs-on.ts';
import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { isReadableId, parseReference } from '../reading/references.ts';
import type { LineTaking } from './line-rules.ts';

/** The name of the parts of lines that list deletions, which are files of their own. */
export const deletedParts = '$deleted';

/**
 * The deleted resource, `Type/id`, if an entry says that, and nothing more. Whose it was, it does not say: a Patient must be a member's, and no other
 * resource one that came as somebody else's.
 */
const deletedIn = (
  { rules, leg: { seen }, lines: { types } }: LineTaking,
  { request, resource, response, modifierExtension }: JsonObject,
): string | undefined => {
  if (resource !== undefined || response !== undefined || modifierExtension !== undefined) return undefined;
  if (!isObject(request) || request['method'] !== 'DELETE' || request['modifierExtension'] !== undefined)
    return undefined;
  const { url } = request;
  const parsed = typeof url === 'string' ? parseReference(url, rules) : undefined;
  if (parsed === undefined || !isReadableId(parsed.id)) return undefined;
  const { type, id, isOwn } = parsed;
  const name = `${type}/${id}`;
  const text = String(url).replace(/\/$/, '');
  // A deleted version is not a deleted resource. A type that the profile reads elsewhere may be deleted here too.
  if (!text.endsWith(name) || !(isOwn || text === name)) return undefined;
  if (types?.has(type) === false || seen.has(anothers(name))) return undefined;
  return type !== 'Patient' || (isOwn && rules.members?.has(id) === true) ? name : undefined;
};

/** The entries of a line; undefined if it is not a list of deletions. */
const entriesIn = (given: PageResource | SkippedResource): readonly unknown[] | undefined => {
  if (given.skipped !== undefined || given.type !== 'Bundle') return undefined;
  const { entry, implicitRules, modifierExtension } = given.resource;
  return Array.isArray(entry) && implicitRules === undefined && modifierExtension === undefined ? entry : undefined;
};

/**
 * Takes a line of a file that lists deletions: a Bundle whose entries have DELETE requests
 * (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest). It is made anew of what was checked: nothing else
 * of the payer's is passed on.
 * @returns whether it, or a part of it, is passed on
 */
export const takeDeletion = (taking: LineTaking, given: PageResource | SkippedResource): boolean => {
  const { leg, file, report } = taking;
  const entries = entriesIn(given);
  if (entries === undefined) {
    report({ kind: 'deletionLeftOut', type: 'Bundle', file: file.number });
    return false;
  }
  const urls = objectsIn(entries).flatMap((one) => deletedIn(taking, one) ?? []);
  const count = entries.length - urls.length;
  if (count > 0) report({ kind: 'deletionLeftOut', type: 'Bundle', file: file.number, count });
  if (count > 0 && urls.length === 0) return false;
  const made = {
    resourceType: 'Bundle',
    type: 'transaction',
    // R4 has no empty lists.
    ...(urls.length === 0 ? {} : { entry: urls.map((url) => ({ request: { method: 'DELETE', url } })) }),
  };
  leg.parts.add(deletedParts, [Buffer.from(`${JSON.stringify(made)}\n`)]);
  return true;
};
