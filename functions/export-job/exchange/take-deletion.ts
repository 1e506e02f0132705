import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
import type { PageResource, SkippedResource } from '../reading/page-resource.ts';
import { parseReference } from '../reading/references.ts';
import type { LineTaking } from './line-taking.ts';

/** The name of the parts of lines that list deletions, which are files of their own. */
export const deletedParts = '$deleted';

/** Whether an entry says that a resource is deleted, and nothing more; and of a Patient, that it is a member's. */
const isDeletion = ({ rules }: LineTaking, { request, resource, response }: JsonObject): boolean => {
  if (resource !== undefined || response !== undefined || !isObject(request) || request['method'] !== 'DELETE')
    return false;
  const { url } = request;
  const parsed = typeof url === 'string' ? parseReference(url, rules) : undefined;
  return (
    parsed !== undefined && (parsed.type !== 'Patient' || (parsed.isOwn && rules.members?.has(parsed.id) === true))
  );
};

/**
 * Takes a line of a file that lists deletions: a Bundle whose entries have DELETE requests
 * (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest).
 * @returns whether it is passed on
 */
export const takeDeletion = (taking: LineTaking, given: PageResource | SkippedResource): boolean => {
  const { leg, file, report, rewrite } = taking;
  const isList =
    given.skipped === undefined &&
    given.type === 'Bundle' &&
    Array.isArray(given.resource['entry']) &&
    objectsIn(given.resource['entry']).length === given.resource['entry'].length &&
    objectsIn(given.resource['entry']).every((entry) => isDeletion(taking, entry));
  if (!isList) {
    report({ kind: 'deletionLeftOut', type: 'Bundle', file: file.number });
    return false;
  }
  leg.parts.add(deletedParts, rewrite(given));
  return true;
};
