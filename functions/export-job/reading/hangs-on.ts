import { isObject } from '../../shared/json-object.ts';
import { namesNobody, valuesAt, type RecordRules } from './check-resource.ts';
import type { PageResource } from './page-resource.ts';
import type { Problem } from './problems.ts';
import { parseReference } from './references.ts';
import type { SeenNames } from './seen-names.ts';

/*
 * A resource that names no patient may be about a resource that does: a Provenance is about its target, a Task about its focus. If that
 * one belongs to another patient, so does this one. It may be received later, so a resource that is about one that is not in the record
 * yet waits until everything has been read.
 */

/** For types that need not name a patient in R4: the elements that say which resource they are about. */
const targetElements: Readonly<Record<string, readonly string[]>> = {
  AuditEvent: ['entity.what'],
  Communication: ['about'],
  CommunicationRequest: ['about'],
  DetectedIssue: ['implicated'],
  Linkage: ['item.resource'],
  List: ['entry.item'],
  MessageHeader: ['focus'],
  Observation: ['focus'],
  Provenance: ['target'],
  Task: ['focus'],
  VerificationResult: ['target'],
};

/** What a resource without a patient is about, and what to report if that belongs to another patient. */
export interface HangsOn {
  /** `Type/id` of each. */
  readonly names: readonly string[];
  readonly problem: Problem;
}

/** A resource of this name belongs to another patient. @param name its identity */
export const anothers = (name: string): string => `another's ${name}`;

/** A resource of this name was taken for another patient's, and turned out to be the member's. */
const membersAfterAll = (name: string): string => `member's after all ${name}`;

/** Notes that a resource is in the record after all, if it was left out before as another patient's. */
export const noteMembers = (seen: SeenNames, name: string): void => {
  if (seen.has(anothers(name))) seen.add(membersAfterAll(name));
};

/** The resources that a resource is about and that are not in the record so far; none if it names a patient. */
export const awaitedBy = (
  { type, resource }: Pick<PageResource, 'type' | 'resource'>,
  rules: RecordRules,
  seen: Pick<SeenNames, 'has'>,
): readonly string[] => {
  const values = (targetElements[type] ?? []).flatMap((path) => valuesAt(resource, path));
  if (values.length === 0) return [];
  const names = new Set(
    values.flatMap((value) => {
      const text = isObject(value) ? value['reference'] : undefined;
      if (typeof text !== 'string') return [];
      const parsed = parseReference(text, rules);
      const known = parsed === undefined ? rules.fullUrls?.get(text) : undefined;
      if (known !== undefined) return [`${String(known['resourceType'])}/${String(known['id'])}`];
      return parsed?.isOwn === true ? [`${parsed.type}/${parsed.id}`] : [];
    }),
  );
  const awaited = [...names].filter((name) => !seen.has(name));
  return awaited.length > 0 && namesNobody(resource, rules) ? awaited : [];
};

/** Whether a line that waited is about another patient's resource. */
export const isAnothers = (hangsOn: HangsOn | undefined, seen: Pick<SeenNames, 'has'>): boolean =>
  hangsOn?.names.some((name) => seen.has(anothers(name)) && !seen.has(membersAfterAll(name))) === true;
