import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { isReadableId, parseReference } from '../reading/references.ts';
import type { LineTaking } from './line-rules.ts';

/** The name of the parts of lines that list deletions, which are files of their own. */
export const deletedParts = '$deleted';

/** The deleted resource, `Type/id`, if an entry says that, and nothing more; and of a Patient, that it is a member's. */
const deletedIn = (
  { rules }: LineTaking,
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
  return type !== 'Patient' || (isOwn && rules.members?.has(id) === true) ? name : undefined;
};

/** The deleted resources that a line lists; undefined if it is no such list. */
const deletionsIn = (taking: LineTaking, given: PageResource | SkippedResource): readonly string[] | undefined => {
  if (given.skipped !== undefined || given.type !== 'Bundle') return undefined;
  const { entry, implicitRules, modifierExtension } = given.resource;
  if (!Array.isArray(entry) || implicitRules !== undefined || modifierExtension !== undefined) return undefined;
  const urls = objectsIn(entry).flatMap((one) => deletedIn(taking, one) ?? []);
  return urls.length === entry.length ? urls : undefined;
};

/**
 * Takes a line of a file that lists deletions: a Bundle whose entries have DELETE requests
 * (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest). It is made anew of what was checked: nothing else
 * of the payer's is passed on.
 * @returns whether it is passed on
 */
export const takeDeletion = (taking: LineTaking, given: PageResource | SkippedResource): boolean => {
  const { leg, file, report } = taking;
  const urls = deletionsIn(taking, given);
  if (urls === undefined) {
    report({ kind: 'deletionLeftOut', type: 'Bundle', file: file.number });
    return false;
  }
  const made = {
    resourceType: 'Bundle',
    type: 'transaction',
    // R4 has no empty lists.
    ...(urls.length === 0 ? {} : { entry: urls.map((url) => ({ request: { method: 'DELETE', url } })) }),
  };
  leg.parts.add(deletedParts, [Buffer.from(`${JSON.stringify(made)}\n`)]);
  return true;
};
