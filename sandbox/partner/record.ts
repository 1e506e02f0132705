import { parseFhir, resourceTexts } from './fhir.ts';
import type { Bundle, Resource } from './fhir.ts';
import { StatusError } from './status-error.ts';

/** Reads one URL below the FHIR base. A status other than 2xx is returned, not thrown. */
export type Read = (url: string) => Promise<{ readonly status: number; readonly text: string }>;

/** A FHIR read that did not return a resource. */
export class ReadError extends StatusError {
  override readonly name = 'ReadError';
}

const pageSize = 100;
const mostPages = 500;

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

/** A part of a record as it comes: the member's own Patient, then page by page. */
export interface RecordPage {
  readonly resources: readonly Resource[];
  /** The resources' JSON, with every number as the payer wrote it. */
  readonly texts: () => readonly string[];
}

/**
 * Reads a member's record below `base` (no trailing slash) page by page: the Patient, then `Patient/{id}/$everything`,
 * or type by type if the payer has no such operation. Stop early to read only its beginning.
 * @throws {ReadError} if a page is refused or is not the requested one
 */
export const recordPages = async function* (base: string, read: Read, patientId?: string): AsyncGenerator<RecordPage> {
  const patient = await readPatient(base, read, patientId);
  yield patient;
  const id = encodeURIComponent(patient.resources[0]?.id ?? '');
  const everything = `${base}/Patient/${id}/$everything?_count=${pageSize}`;
  if (yield* pagesFrom(base, read, everything, [404, 405, 501])) return;
  for (const type of clinicalTypes) {
    yield* pagesFrom(base, read, `${base}/${type}?patient=${id}&_count=${pageSize}`, [404]);
  }
};

/** Every resource once, the member's own Patient, and the number of pages. */
export interface WholeRecord {
  readonly patient: Resource;
  readonly resources: readonly Resource[];
  readonly pages: number;
}

/** Reads a whole record into memory. For a record of unknown size, use {@link recordPages}. */
export const readRecord = async (base: string, read: Read, patientId?: string): Promise<WholeRecord> => {
  const resources: Resource[] = [];
  let pages = -1;
  for await (const page of recordPages(base, read, patientId)) {
    resources.push(...page.resources);
    pages += 1;
  }
  return { patient: resources[0] as Resource, resources: distinct(resources), pages };
};

const readPatient = async (base: string, read: Read, patientId: string | undefined): Promise<RecordPage> => {
  const url = patientId === undefined ? `${base}/Patient` : `${base}/Patient/${encodeURIComponent(patientId)}`;
  const answer = await read(url);
  const found = checked(answer);
  if (patientId !== undefined) return { resources: [found], texts: () => [answer.text] };
  const resources = resourcesOf(found);
  const index = resources.findIndex(({ resourceType }) => resourceType === 'Patient');
  if (index === -1) throw new ReadError(200, 'The payer named no patient for this member.');
  return {
    resources: resources.slice(index, index + 1),
    texts: () => resourceTexts(answer.text).slice(index, index + 1),
  };
};

/** @returns false if the first page is answered with one of the statuses that mean that there is none */
const pagesFrom = async function* (
  base: string,
  read: Read,
  first: string,
  absent: readonly number[],
): AsyncGenerator<RecordPage, boolean> {
  let url: string | undefined = first;
  for (let pages = 0; url !== undefined; pages += 1) {
    if (pages === mostPages) throw new ReadError(200, `The record has more than ${mostPages} pages.`);
    // The token is sent only to the server that it was issued for, whatever a link says (SMART App Launch).
    if (!url.startsWith(`${base}/`) && !url.startsWith(`${base}?`)) {
      throw new ReadError(200, 'A page of the record links to another server.');
    }
    const answer: Awaited<ReturnType<Read>> = await read(url);
    if (pages === 0 && absent.includes(answer.status)) return false;
    const bundle = checked(answer) as Bundle;
    yield { resources: resourcesOf(bundle), texts: () => resourceTexts(answer.text) };
    url = bundle.link?.find((link) => link.relation === 'next')?.url;
  }
  return true;
};

const resourcesOf = ({ entry = [] }: Bundle): readonly Resource[] =>
  entry.filter(({ search }) => search?.mode !== 'outcome').flatMap(({ resource }) => resource ?? []);

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
export const countsByType = (
  resources: readonly Resource[],
): readonly { readonly type: string; readonly count: number }[] => {
  const counts = new Map<string, number>();
  for (const { resourceType } of resources) counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
  return [...counts]
    .map(([type, count]) => ({ type, count }))
    .sort((a, b) => b.count - a.count || a.type.localeCompare(b.type));
};
