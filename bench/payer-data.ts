import { generateRecords } from '../sandbox/payer/data/generate.ts';
import { fhirBase, type OnTheFlyResources } from '../sandbox/payer/data/record.ts';
import { keys } from './keys.ts';

/** The paths that the payer's process serves. */
export const payerPaths = {
  token: '/oauth2/token',
  authorize: '/oauth2/authorize',
  fhir: '/r4',
  secrets: '/secrets',
  records: '/records',
};

export const patientId = 'bench-member';
const scope = 'launch/patient patient/*.rs offline_access';

export const tokenAnswer = JSON.stringify({
  access_token: 'a'.repeat(64),
  refresh_token: 'r'.repeat(64),
  token_type: 'Bearer',
  expires_in: 3600,
  scope,
  patient: patientId,
});

/** Secrets Manager's answer to GetSecretValue. */
export const secretAnswer = JSON.stringify({
  Name: 'payer',
  VersionId: '00000000-0000-0000-0000-000000000000',
  SecretString: JSON.stringify({ client_secret: 'no secret', private_key_jwk: keys.gateway.privateJwk }),
});

const patientBytes = 2048;

/** A 2 KB Patient with links below the payer's base. */
export const patientOf = (base: string): Buffer => {
  const patient = (text: string): string =>
    JSON.stringify({
      resourceType: 'Patient',
      id: patientId,
      meta: { versionId: '1', lastUpdated: '2024-05-06T07:08:09.000Z' },
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${text}</div>` },
      identifier: [{ system: 'http://example.org/member', value: '01-testmemid' }],
      name: [{ family: 'Venegas', given: ['Mayte'] }],
      gender: 'female',
      birthDate: '2011-01-04',
      generalPractitioner: [{ reference: `${base}/Practitioner/1` }, { reference: `${base}/Organization/1` }],
      managingOrganization: { reference: `${base}/Organization/2` },
      link: [{ other: { reference: `${base}/Patient/2` }, type: 'seealso' }],
    });
  return Buffer.from(patient('x'.repeat(patientBytes - Buffer.byteLength(patient('')))));
};

let held: OnTheFlyResources | undefined;

const readings = (): OnTheFlyResources => {
  if (held !== undefined) return held;
  const found = generateRecords().find(({ onTheFly }) => onTheFly !== undefined)?.onTheFly;
  if (found === undefined) throw new Error('The demo payer has no large record');
  held = found;
  return found;
};

interface Block {
  readonly base: string;
  readonly bytes: Buffer;
  /** Where each entry ends. */
  readonly ends: readonly number[];
}

const blockEntries = 1000;
let made: Block | undefined;

/** Entries of a search, each followed by a comma, built once. */
const blockOf = (base: string): Block => {
  if (made?.base === base) return made;
  const source = readings();
  const entries = Array.from({ length: blockEntries }, (_, index) => {
    const resource = source.text(index).replaceAll(fhirBase, base);
    return Buffer.from(`{"fullUrl":"${base}/Observation/${index}","resource":${resource},"search":{"mode":"match"}},`);
  });
  let end = 0;
  made = { base, bytes: Buffer.concat(entries), ends: entries.map(({ length }) => (end += length)) };
  return made;
};

/** How many entries make a search of this many bytes. */
export const entriesIn = (base: string, bytes: number): number =>
  Math.round(bytes / (blockOf(base).bytes.length / blockEntries));

const chunkBytes = 64 * 1024;

/**
 * A searchset of glucose readings, about 1.3 KB each with four links, in chunks of up to 64 KB. The same thousand
 * entries repeat, so a search of any size takes almost no memory and no time to write.
 */
export const searchChunks = function* (base: string, entries: number): Generator<Buffer> {
  const { bytes, ends } = blockOf(base);
  const self = `{"relation":"self","url":"${base}/Observation?_count=${entries}"}`;
  yield Buffer.from(`{"resourceType":"Bundle","type":"searchset","total":${entries + 1},"link":[${self}],"entry":[`);
  for (let left = entries; left > 0; left -= blockEntries) {
    const end = ends[Math.min(left, blockEntries) - 1] ?? 0;
    for (let at = 0; at < end; at += chunkBytes) yield bytes.subarray(at, Math.min(at + chunkBytes, end));
  }
  // No comma follows the last entry.
  yield Buffer.from(`{"fullUrl":"${base}/Patient/${patientId}","resource":{"resourceType":"Patient"}}]}`);
};

/** A member's record of one Patient and glucose readings, which a payer sends page by page. */
export interface PagedRecord {
  readonly resources: number;
  /** How long the payer takes for each page, in milliseconds. */
  readonly pageMs: number;
}

export const pageSize = 100;

/** The FHIR base of a payer that has this record, below its origin. */
export const recordPath = ({ resources, pageMs }: PagedRecord): string =>
  `${payerPaths.records}/${resources}/${pageMs}/r4`;

/** Reads the record from a path below {@link recordPath}. */
export const recordOfPath = (path: string): PagedRecord => {
  const [, , resources, pageMs] = path.split('/').map(Number);
  return { resources: resources ?? 0, pageMs: pageMs ?? 0 };
};

/** A page of the record. Its next link comes before its entries, as most servers send it. @param page from 0 */
export const recordPage = (base: string, { resources }: PagedRecord, page: number): string => {
  const source = readings();
  const from = page * pageSize;
  const to = Math.min(resources, from + pageSize);
  const subject = /Patient\/[\w-]+/.exec(source.text(0))?.[0] ?? '';
  const textOf = (index: number): string =>
    index === 0
      ? `{"resourceType":"Patient","id":"${patientId}"}`
      : source.text(index).replaceAll(fhirBase, base).replaceAll(subject, `Patient/${patientId}`);
  const entries = Array.from({ length: Math.max(0, to - from) }, (_, at) => {
    const text = textOf(from + at);
    return `{"fullUrl":"${base}/Observation/${from + at}","resource":${text},"search":{"mode":"match"}}`;
  });
  const next = `,{"relation":"next","url":"${base}/Patient/${patientId}/$everything?page=${page + 1}"}`;
  const links = `{"relation":"self","url":"${base}"}${to < resources ? next : ''}`;
  return `{"resourceType":"Bundle","type":"searchset","total":${resources},"link":[${links}],"entry":[${entries.join(',')}]}`;
};
