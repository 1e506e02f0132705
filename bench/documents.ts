import { generateRecords } from '../sandbox/payer/data/generate.ts';
import { fhirBase } from '../sandbox/payer/data/record.ts';

/** The document with the most links. */
export const everyLine = 'a link in every line';

/** A payer's answer, as input for the link rewriter. */
export interface Document {
  readonly name: string;
  readonly bytes: Buffer;
}

const searchset = (base: string, resources: readonly string[]): string => {
  const link = [
    { relation: 'self', url: `${base}/Observation?patient=1` },
    { relation: 'next', url: `${base}?_getpages=1&_getpagesoffset=100` },
  ];
  const entries = resources.map((text) => {
    const { resourceType, id } = JSON.parse(text) as { resourceType: string; id: string };
    return `{"fullUrl":"${base}/${resourceType}/${id}","resource":${text},"search":{"mode":"match"}}`;
  });
  const head = JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: resources.length, link });
  return `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`;
};

/** Repeats the resources until the document has the given size. */
const repeated = (resources: readonly string[], bytes: number): string[] => {
  const once = resources.reduce((sum, text) => sum + text.length, 0);
  return Array.from({ length: Math.max(1, Math.round(bytes / once)) }, () => resources).flat();
};

const clinical = (base: string): string[] =>
  (generateRecords()[0]?.resources ?? []).map((text) => text.replaceAll(fhirBase, base));

const coding = (system: string, code: string, display: string) => ({ coding: [{ system, code, display }] });
const money = (value: number) => ({ value, currency: 'USD' });

const claimItem = (sequence: number) => ({
  sequence,
  diagnosisSequence: [1],
  productOrService: coding('http://www.ama-assn.org/go/cpt', `992${10 + (sequence % 6)}`, 'Office visit'),
  servicedPeriod: { start: `2023-0${1 + (sequence % 9)}-04`, end: `2023-0${1 + (sequence % 9)}-04` },
  locationCodeableConcept: coding('https://example.org/place-of-service', '11', 'Office'),
  quantity: { value: 1 },
  adjudication: ['submitted', 'eligible', 'benefit', 'copay', 'deductible'].map((code, index) => ({
    category: coding('http://terminology.hl7.org/CodeSystem/adjudication', code, code),
    amount: money(((sequence * 37 + index * 13) % 900) + 0.25),
  })),
});

/** Claims are long and have few links. Most of their text is codes and amounts. */
const claims = (base: string): string[] =>
  Array.from({ length: 20 }, (_, claim) =>
    JSON.stringify({
      resourceType: 'ExplanationOfBenefit',
      id: `claim-${claim}`,
      meta: { profile: ['http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit'] },
      status: 'active',
      type: coding('http://terminology.hl7.org/CodeSystem/claim-type', 'professional', 'Professional'),
      use: 'claim',
      patient: { reference: `${base}/Patient/1` },
      created: '2023-10-01',
      insurer: { reference: `${base}/Organization/plan` },
      provider: { reference: `${base}/Practitioner/${claim}` },
      outcome: 'complete',
      diagnosis: [
        { sequence: 1, diagnosisCodeableConcept: coding('http://hl7.org/fhir/sid/icd-10-cm', 'J45.20', 'Asthma') },
      ],
      insurance: [{ focal: true, coverage: { reference: `${base}/Coverage/1` } }],
      item: Array.from({ length: 12 }, (_unused, item) => claimItem(item + 1)),
      total: [
        {
          category: coding('http://terminology.hl7.org/CodeSystem/adjudication', 'submitted', 'Submitted'),
          amount: money(1234.5),
        },
      ],
    }),
  );

const oneString = (base: string, bytes: number): string =>
  JSON.stringify({
    resourceType: 'DocumentReference',
    subject: { reference: `${base}/Patient/1` },
    content: [{ attachment: { contentType: 'application/pdf', data: 'QUJD'.repeat(bytes / 4) } }],
  });

const linkInEveryLine = (base: string, bytes: number): string => {
  const line = (index: number): string => `{"reference":"${base}/Observation/${index}"}`;
  const lines = Array.from({ length: Math.round(bytes / (line(0).length + 6)) }, (_, index) => line(index));
  return `{"resourceType":"List","entry":[\n${lines.join(',\n')}\n]}`;
};

/** The answers for the rewriter's benchmark, each about this size. */
export const documents = (base: string, bytes: number): Document[] =>
  [
    { name: 'clinical', text: searchset(base, repeated(clinical(base), bytes)) },
    { name: 'claims', text: searchset(base, repeated(claims(base), bytes)) },
    { name: 'one huge string', text: oneString(base, bytes) },
    { name: everyLine, text: linkInEveryLine(base, bytes) },
  ].map(({ name, text }) => ({ name, bytes: Buffer.from(text) }));

/** Splits a document into chunks of one size, as a network would deliver it. */
export const chunksOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
