import type { MemberRecord, OnTheFlyResources } from '../data/record.ts';
import { patientCompartment, searchParametersOf } from './definitions.ts';
import { storeResource, type StoredResource } from './resource.ts';
import { referencesOf } from './values.ts';

/** The members' records that an API serves. */
export type RecordStore = readonly MemberRecord[];

/** Everything that one member may see. */
export interface MemberView {
  readonly patientId: string;
  readonly resources: ReadonlyMap<string, StoredResource>;
  readonly onTheFly?: OnTheFlyResources;
}

/** Loads the records and determines what each member may see. */
export const loadViews = (records: RecordStore, baseUrl: string): ReadonlyMap<string, MemberView> => {
  const all = new Map<string, StoredResource>();
  for (const source of records.flatMap(({ resources }) => resources)) {
    const stored = storeResource(source, baseUrl);
    all.set(stored.reference, stored);
  }
  const patients = new Map(Array.from(all.values(), (resource) => [resource.reference, patientsOf(resource)]));
  return new Map(
    records.map(({ patientId, onTheFly }) => [
      patientId,
      { patientId, resources: visibleTo(patientId, all, patients), ...(onTheFly && { onTheFly }) },
    ]),
  );
};

/** The part of a view that has these resource types. */
export const onlyTypes = ({ patientId, resources, onTheFly }: MemberView, types: readonly string[]): MemberView => {
  const shared = Array.from(resources).filter(([, { body }]) => types.includes(body.resourceType));
  return {
    patientId,
    resources: new Map(shared),
    ...(onTheFly && types.includes(onTheFly.resourceType) && { onTheFly }),
  };
};

/**
 * The member's compartment, and what it refers to outside all compartments: practitioners, places, medications, notes.
 */
const visibleTo = (
  patientId: string,
  all: ReadonlyMap<string, StoredResource>,
  patients: ReadonlyMap<string, readonly string[]>,
): Map<string, StoredResource> => {
  const mine = `Patient/${patientId}`;
  const pending = Array.from(all.keys()).filter((reference) => patients.get(reference)?.includes(mine));
  const visible = new Set(pending);
  for (let reference = pending.pop(); reference !== undefined; reference = pending.pop()) {
    for (const target of linksIn(all.get(reference)?.body)) {
      if (visible.has(target) || patients.get(target)?.length !== 0) continue;
      visible.add(target);
      pending.push(target);
    }
  }
  return new Map(Array.from(all).filter(([reference]) => visible.has(reference)));
};

/** The patients whose compartments contain the resource. */
export const patientsOf = (resource: StoredResource): string[] => {
  const { resourceType } = resource.body;
  const parameters = searchParametersOf(resourceType);
  const references = (patientCompartment().get(resourceType) ?? []).flatMap((code) => {
    const parameter = parameters.get(code);
    return parameter ? referencesOf(resource, parameter) : [];
  });
  return [resource.reference, ...references].filter((reference) => reference.startsWith('Patient/'));
};

/** All relative references, and attachment URLs below the base, anywhere in a value. */
export const linksIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (typeof inner !== 'string') return linksIn(inner);
    return name === 'reference' || name === 'url' ? [inner] : [];
  });
};
