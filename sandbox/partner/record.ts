import { dateOf, nameOf, parseFhir, titleOf, valueOf } from './fhir.ts';
import type { Bundle, Observation, Resource } from './fhir.ts';

/** Reads one URL below the FHIR base. A status other than 2xx is returned, not thrown. */
export type Read = (url: string) => Promise<{ readonly status: number; readonly text: string }>;

/** What the record page shows. Only this summary of a member's record stays in memory. */
export interface RecordSummary {
  readonly name: string;
  readonly birthDate: string;
  readonly counts: readonly { readonly type: string; readonly count: number }[];
  readonly total: number;
  readonly latest: readonly { readonly title: string; readonly value: string; readonly date: string }[];
  readonly pages: number;
  readonly readAtMs: number;
}

/** A FHIR read that did not return a resource. */
export class ReadError extends Error {
  override readonly name = 'ReadError';
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

const pageSize = 100;
const mostPages = 500;
const latestShown = 12;

/** The clinical types of US Core and PDex, read one by one if a payer has no `$everything`. */
const clinicalTypes = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'MedicationRequest',
  'Observation',
  'Procedure',
];

/**
 * Reads all pages of a member's record below `base` (no trailing slash): with `Patient/{id}/$everything`, or type by
 * type if the payer has no such operation.
 * @throws {ReadError} if a page is refused or is not the requested one
 */
export const readRecord = async (base: string, read: Read, patientId?: string): Promise<WholeRecord> => {
  const patient = await readPatient(base, read, patientId);
  const id = patient.id ?? '';
  const everything = `${base}/Patient/${encodeURIComponent(id)}/$everything?_count=${pageSize}`;
  const byOperation = await readPages(base, read, everything, [404, 405, 501]);
  if (byOperation)
    return { patient, resources: distinct([patient, ...byOperation.resources]), pages: byOperation.pages };
  const resources: Resource[] = [patient];
  let pages = 1;
  for (const type of clinicalTypes) {
    const found = await readPages(
      base,
      read,
      `${base}/${type}?patient=${encodeURIComponent(id)}&_count=${pageSize}`,
      [404],
    );
    resources.push(...(found?.resources ?? []));
    pages += found?.pages ?? 0;
  }
  return { patient, resources: distinct(resources), pages };
};

/** Every resource once, the member's own Patient, and the number of pages. */
export interface WholeRecord {
  readonly patient: Resource;
  readonly resources: readonly Resource[];
  readonly pages: number;
}

const readPatient = async (base: string, read: Read, patientId: string | undefined): Promise<Resource> => {
  if (patientId !== undefined) return readResource(read, `${base}/Patient/${encodeURIComponent(patientId)}`);
  const found = (await readResource(read, `${base}/Patient`)) as Bundle;
  const patients = (found.entry ?? []).flatMap((entry) => entry.resource ?? []);
  const patient = patients.find((resource) => resource.resourceType === 'Patient');
  if (!patient) throw new ReadError(200, 'The payer named no patient for this member.');
  return patient;
};

const readPages = async (
  base: string,
  read: Read,
  first: string,
  absent: readonly number[],
): Promise<{ resources: readonly Resource[]; pages: number } | undefined> => {
  const resources: Resource[] = [];
  let url: string | undefined = first;
  let pages = 0;
  for (; url !== undefined; pages += 1) {
    if (pages === mostPages) throw new ReadError(200, `The record has more than ${mostPages} pages.`);
    // The token is sent only to the server that it was issued for, whatever a link says (SMART App Launch).
    if (!url.startsWith(`${base}/`) && !url.startsWith(`${base}?`)) {
      throw new ReadError(200, 'A page of the record links to another server.');
    }
    const answer = await read(url);
    if (pages === 0 && absent.includes(answer.status)) return undefined;
    const bundle = checked(answer) as Bundle;
    const entries = (bundle.entry ?? []).filter((entry) => entry.search?.mode !== 'outcome');
    resources.push(...entries.flatMap((entry) => entry.resource ?? []));
    url = bundle.link?.find((link) => link.relation === 'next')?.url;
  }
  return { resources, pages };
};

const readResource = async (read: Read, url: string): Promise<Resource> => {
  return checked(await read(url));
};

const checked = (answer: { status: number; text: string }): Resource => {
  const resource = parsedOrNothing(answer.text);
  if (answer.status >= 200 && answer.status < 300 && resource) return resource;
  const issues = resource?.['issue'] as readonly { diagnostics?: string; details?: { text?: string } }[] | undefined;
  const detail = issues?.[0]?.diagnostics ?? issues?.[0]?.details?.text;
  throw new ReadError(answer.status, detail ?? 'The answer was not FHIR JSON.');
};

const parsedOrNothing = (text: string): Resource | undefined => {
  try {
    return parseFhir(text);
  } catch {
    return undefined;
  }
};

const distinct = (resources: readonly Resource[]): readonly Resource[] => {
  return [...new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource])).values()];
};

/** How many of each type, most frequent first. */
export const countsByType = (resources: readonly Resource[]): RecordSummary['counts'] => {
  const counts = new Map<string, number>();
  for (const { resourceType } of resources) counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
  return [...counts]
    .map(([type, count]) => ({ type, count }))
    .sort((a, b) => b.count - a.count || a.type.localeCompare(b.type));
};

/** The summary of a record that was read at `readAtMs`. */
export const summaryOf = (record: WholeRecord, readAtMs: number): RecordSummary => {
  const observations = record.resources.filter(
    (resource): resource is Observation => resource.resourceType === 'Observation',
  );
  const newestFirst = observations.sort((a, b) => instantOf(b) - instantOf(a));
  const birthDate = record.patient['birthDate'];
  return {
    name: nameOf(record.patient),
    birthDate: typeof birthDate === 'string' ? birthDate : '',
    counts: countsByType(record.resources),
    total: record.resources.length,
    latest: newestFirst.slice(0, latestShown).map((observation) => ({
      title: titleOf(observation),
      value: valueOf(observation),
      date: dateOf(observation),
    })),
    pages: record.pages,
    readAtMs,
  };
};

/** Milliseconds, to sort dates of different precision and offset; 0 if there is none. */
const instantOf = (observation: Observation): number => {
  return Date.parse(dateOf(observation)) || 0;
};
