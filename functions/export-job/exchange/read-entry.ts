import { periodHolds } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import { isPatientId } from '../../shared/payer/patient-id.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import type { MemberFault } from '../reading/problems.ts';
import { parseReference } from '../reading/references.ts';

const matchExtension = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-parameters';
const coverageExtension = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-coverage';

/** A reference that has only a base of the payer's, the patient and a version. A path to the patient could hold the payer's own words. */
const plainReference = /^(?:https?:.*\/|\/)?Patient\/[^/]+(?:\/_history\/[A-Za-z0-9.-]{1,64})?\/?$/i;

/** The places of a Group's contained resources by type and id; of two with one name the first. */
type Contained = ReadonlyMap<string, number>;

export const containedIn = (contained: readonly unknown[]): Contained => {
  const found = new Map<string, number>();
  for (const [at, one] of contained.entries()) {
    if (!isObject(one)) continue;
    const name = nameOf(one);
    if (!found.has(name)) found.set(name, at);
  }
  return found;
};

const idIn = (reference: unknown): string | undefined =>
  typeof reference === 'string' && reference.startsWith('#') ? reference.slice(1) : undefined;

/** The ids of contained resources that extensions of an entry refer to; undefined for one that refers to none. */
const referred = (entity: JsonObject, url: string): ReadonlySet<string | undefined> =>
  new Set(
    objectsIn(entity['extension'])
      .filter((extension) => extension['url'] === url)
      .map(({ valueReference }) => idIn(isObject(valueReference) ? valueReference['reference'] : undefined)),
  );

/** An entry that was read: whom it names, and which Patient at the payer. */
export interface Entry {
  readonly submitted: string;
  readonly reference: string | undefined;
  readonly coverage: string | undefined;
  /** When the entry ends, a FHIR dateTime; undefined if it gives no end. */
  readonly until: string | undefined;
  /** Why the member is not matched although the entry names it. */
  readonly takenBack: MemberFault | undefined;
}

/** `stranger` names somebody who was not submitted; `form` cannot be read. */
export type EntryFault = 'stranger' | 'form';

export interface ReadEntry {
  readonly entry: Entry | EntryFault;
  /** The places of the contained resources that it refers to. */
  readonly refersTo: readonly number[];
  /** A new entry, built only from the parts that were read and checked. */
  readonly checked?: JsonObject;
  /** The payer's entry, if it has nothing else: the same, with the payer's spelling of the reference. */
  readonly given?: JsonObject;
}

export const nameOf = ({ resourceType, id }: JsonObject): string => `${String(resourceType)} ${String(id)}`;

/**
 * What takes an entry back: the member is no longer in the Group, is in it at another time, or an extension changes what the entry says.
 * https://hl7.org/fhir/R4/group-definitions.html#Group.member.inactive
 */
const takenBackBy = ({ inactive, period, modifierExtension }: JsonObject, nowMs: number): MemberFault | undefined => {
  if (modifierExtension !== undefined) return 'modified';
  if (inactive === true) return 'inactive';
  return period === undefined || (isObject(period) && periodHolds(period, nowMs)) ? undefined : 'notNow';
};

const endOf = ({ period }: JsonObject): string | undefined => {
  const end = isObject(period) ? period['end'] : undefined;
  return typeof end === 'string' ? end : undefined;
};

const toContained = (id: string) => ({ reference: `#${id}` });

export const entryOf = (
  contained: Contained,
  member: unknown,
  isMatched: boolean,
  {
    submitted,
    bases,
    nowMs,
  }: { readonly submitted: ReadonlyMap<string, unknown>; readonly bases: AnswerBases; readonly nowMs: number },
): ReadEntry => {
  const given = isObject(member) ? member : {};
  const { entity, inactive } = given;
  if (!isObject(entity)) return { entry: 'form', refersTo: [] };
  const isBoolean = inactive === undefined || typeof inactive === 'boolean';
  const text = entity['reference'];
  // Of members who were not matched the entry itself may be the submitted Patient.
  const own = isMatched ? undefined : idIn(text);
  const all = referred(entity, matchExtension);
  const coverages = referred(entity, coverageExtension);
  const [named] = all;
  const id = named ?? own;
  const [coverage] = coverages;
  const isOne = all.size <= 1 && coverages.size <= 1 && (own === undefined || own === id);
  const patientAt = id === undefined ? undefined : contained.get(`Patient ${id}`);
  const coverageAt = coverage === undefined || !isFhirId(coverage) ? undefined : contained.get(`Coverage ${coverage}`);
  const refersTo = [patientAt, coverageAt].filter((at) => at !== undefined);
  if (id === undefined || patientAt === undefined || !isBoolean || !isOne) return { entry: 'form', refersTo };
  if (!submitted.has(id)) return { entry: 'stranger', refersTo };
  const parsed = typeof text === 'string' ? parseReference(text, bases) : undefined;
  const isOwn = parsed?.type === 'Patient' && parsed.isOwn && isPatientId(parsed.id);
  if (isMatched && !isOwn) return { entry: 'form', refersTo };
  const read = [
    ...(named === undefined ? [] : [{ url: matchExtension, valueReference: toContained(id) }]),
    ...(coverageAt === undefined ? [] : [{ url: coverageExtension, valueReference: toContained(coverage!) }]),
  ];
  const [firstGiven] = objectsIn(entity['extension']);
  const extension = firstGiven?.['url'] === coverageExtension ? read.toReversed() : read;
  const reference = isOwn ? `Patient/${parsed.id}` : undefined;
  const takenBack = takenBackBy(given, nowMs);
  const isOver = isMatched && takenBack !== undefined;
  const withReference = (one: string | undefined): JsonObject => ({
    entity: {
      ...(extension.length === 0 ? {} : { extension }),
      ...(one === undefined ? {} : { reference: one }),
      ...(entity['type'] === 'Patient' ? { type: 'Patient' } : {}),
    },
    ...(isOver || inactive !== undefined ? { inactive: isOver || inactive } : {}),
  });
  const made = reference ?? (own === id ? `#${id}` : undefined);
  return {
    entry: {
      submitted: id,
      reference,
      coverage: coverageAt === undefined ? undefined : coverage,
      until: endOf(given),
      takenBack,
    },
    refersTo,
    checked: withReference(made),
    given: withReference(isOwn && plainReference.test(String(text)) ? String(text) : made),
  };
};
