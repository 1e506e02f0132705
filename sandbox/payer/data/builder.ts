import { createHash } from 'node:crypto';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { fhirBase } from './record.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Collects the source texts of one member's record. */
export interface RecordBuilder {
  readonly random: Random;
  /** The member's own reference, `Patient/…`. */
  readonly patient: string;
  /** `YYYY-MM-DD` */
  readonly birthDate: string;
  /** Writes a resource and returns its reference, `Type/id`. */
  add(resourceType: string, profile: string | undefined, fields: Fields): string;
  texts(): string[];
}

/** The canonical URL of a US Core profile. */
export const usCore = (name: string): string => `http://hl7.org/fhir/us/core/StructureDefinition/${name}`;

/** A relative reference. */
export const ref = (reference: string, display?: string): Fields => ({ reference, ...(display && { display }) });

/** An absolute reference below the payer's FHIR base. */
export const absolute = (reference: string): Fields => ref(`${fhirBase}/${reference}`);

// The payer loaded its members' records in the fall of 2020, one resource a minute.
const loadedAtMs = Date.UTC(2020, 9, 1, 6);

export const createBuilder = (seed: number, name: string, birthDate: string): RecordBuilder => {
  const texts: string[] = [];
  const counts = new Map<string, number>();
  const patientId = uuid(`${seed}/${name}`);

  const nextId = (resourceType: string): string => {
    const count = counts.get(resourceType) ?? 0;
    counts.set(resourceType, count + 1);
    return resourceType === 'Patient' ? patientId : uuid(`${seed}/${name}/${resourceType}/${count}`);
  };

  return {
    random: createRandom(seed),
    patient: `Patient/${patientId}`,
    birthDate,
    add(resourceType, profile, fields) {
      const id = nextId(resourceType);
      const lastUpdated = new Date(loadedAtMs + texts.length * 60_000).toISOString();
      const meta = { versionId: '1', lastUpdated, ...(profile && { profile: [usCore(profile)] }) };
      texts.push(JSON.stringify({ resourceType, id, meta, ...fields }));
      return `${resourceType}/${id}`;
    },
    texts: () => texts,
  };
};

/** A UUID derived from a name, so that ids do not change when another resource is added. */
const uuid = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
