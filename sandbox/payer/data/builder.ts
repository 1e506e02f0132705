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
  /** Writes a resource and returns its reference, `Type/id`. A profile is a name in US Core, or a canonical URL. */
  add(resourceType: string, profile: string | readonly string[] | undefined, fields: Fields): string;
  /** The same builder, whose resources carry these security labels. */
  labeled(security: readonly Fields[]): RecordBuilder;
  texts(): string[];
}

/** When the payer stored a resource, from its place in the record and its fields. Epoch milliseconds. */
export type StoredAt = (index: number, fields: Fields) => number;

/** The canonical URL of a US Core profile. */
export const usCore = (name: string): string => `http://hl7.org/fhir/us/core/StructureDefinition/${name}`;

/** The canonical URL of a CARIN Blue Button profile, which names its version. */
export const c4bb = (name: string): string => `http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-${name}|2.0.0`;

/** The canonical URL of a PDex profile. */
export const pdex = (name: string, version?: string): string =>
  `http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/${name}${version === undefined ? '' : `|${version}`}`;

/** A relative reference. */
export const ref = (reference: string, display?: string): Fields => ({ reference, ...(display && { display }) });

/** An absolute reference below the payer's FHIR base. */
export const absolute = (reference: string): Fields => ref(`${fhirBase}/${reference}`);

/** The payer loaded its members' records in the fall of 2020, one resource a minute. */
const loadedInFall2020: StoredAt = (index) => Date.UTC(2020, 9, 1, 6) + index * 60_000;

/** The fields that say when something happened, the most telling first. */
const ownDates = ['created', 'recorded', 'recordedDate', 'authoredOn', 'authored', 'date', 'whenHandedOver', 'issued'];
const furtherDates = ['occurrenceDateTime', 'receivedTime', 'effectiveDateTime', 'startDate'];

/** The payer stores a resource in the night after it happened, and what has no date on the member's first day. */
export const dayAfter = (firstDay: string): StoredAt => {
  return (index, fields) => {
    const period = (fields['period'] ?? fields['performedPeriod'] ?? {}) as { start?: string; end?: string };
    const dates = [...[...ownDates, ...furtherDates].map((name) => fields[name]), period.end, period.start];
    const date = dates.find((value) => typeof value === 'string') ?? firstDay;
    return Date.parse(date.slice(0, 10)) + 30 * 3_600_000 + index * 1000;
  };
};

export const createBuilder = (
  seed: number,
  name: string,
  birthDate: string,
  storedAt: StoredAt = loadedInFall2020,
): RecordBuilder => {
  const texts: string[] = [];
  const counts = new Map<string, number>();
  const patientId = uuid(`${seed}/${name}`);

  const nextId = (resourceType: string): string => {
    const count = counts.get(resourceType) ?? 0;
    counts.set(resourceType, count + 1);
    return resourceType === 'Patient' ? patientId : uuid(`${seed}/${name}/${resourceType}/${count}`);
  };

  const random = createRandom(seed);
  const builder = (security?: readonly Fields[]): RecordBuilder => ({
    random,
    patient: `Patient/${patientId}`,
    birthDate,
    add(resourceType, profile, fields) {
      const id = nextId(resourceType);
      const lastUpdated = new Date(storedAt(texts.length, fields)).toISOString();
      const profiles = profile === undefined ? [] : [profile].flat().map(canonical);
      const meta = {
        versionId: '1',
        lastUpdated,
        ...(profiles.length > 0 && { profile: profiles }),
        ...(security && { security }),
      };
      texts.push(JSON.stringify({ resourceType, id, meta, ...fields }));
      return `${resourceType}/${id}`;
    },
    labeled: builder,
    texts: () => texts,
  });
  return builder();
};

const canonical = (profile: string): string => (profile.startsWith('http') ? profile : usCore(profile));

/** A UUID derived from a name, so that ids do not change when another resource is added. */
const uuid = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
