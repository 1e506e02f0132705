/** A member's record at a payer, which a complete export must match. Each resource is made on request. */
export interface PayerRecord {
  readonly patient: string;
  /** How many resources of each type the payer returns in searches. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many practitioners the record refers to, which no search returns. */
  readonly practitioners: number;
  /** Bytes of text in each Observation. @default 0 */
  readonly fillerBytes?: number;
  /** Bytes of each document. @default no documents */
  readonly documents?: readonly number[];
  /** Bytes of each Binary, to which a document more leads. @default none */
  readonly attachments?: readonly number[];
}

const patientId = 'member-1';

/** A record of about this many resources, besides its documents. */
export const recordOf = (
  resources: number,
  {
    documents = [],
    attachments = [],
    fillerBytes = 0,
  }: Pick<PayerRecord, 'documents' | 'attachments' | 'fillerBytes'> = {},
): PayerRecord => {
  const encounters = Math.floor(resources / 10);
  const practitioners = Math.min(20, encounters);
  return {
    patient: patientId,
    counts: {
      Patient: 1,
      ...(documents.length + attachments.length === 0
        ? {}
        : { DocumentReference: documents.length + attachments.length }),
      Encounter: encounters,
      Observation: resources - encounters - practitioners - 1,
    },
    practitioners,
    documents,
    attachments,
    fillerBytes,
  };
};

/** The content of a Binary, in chunks. It has every byte, and none like another Binary's. */
export const binaryOf = function* ({ attachments = [] }: PayerRecord, index: number): Generator<Buffer> {
  const size = attachments[index] ?? 0;
  const chunk = Buffer.from(Array.from({ length: 65_521 }, (_, at) => (at * 31 + index) % 256));
  for (let sent = 0; sent < size; sent += chunk.length) yield chunk.subarray(0, size - sent);
};

const fillers = new Map<number, string>();

/** A note of about this many bytes. */
const noteOf = (bytes: number): string => {
  if (bytes === 0) return '';
  const known = fillers.get(bytes);
  if (known !== undefined) return known;
  const made = `, "note": [{"text": "${'The value was read twice. '.repeat(bytes / 26)}"}]`;
  fillers.set(bytes, made);
  return made;
};

/** A resource as the payer writes it. An export drops its white space, and keeps its escapes and decimals. */
export const textOf = (record: PayerRecord, type: string, index: number, base: string): string => {
  const { patient, practitioners, documents = [], attachments = [], fillerBytes = 0 } = record;
  const subject = `"subject": {"reference": "${base}/Patient/${patient}"}`;
  switch (type) {
    case 'Patient':
      return `{"resourceType": "Patient", "id": "${patient}", "name": [{"family": "Secretname"}], "birthDate": "1950-02-03"}`;
    case 'Practitioner':
      return `{"resourceType": "Practitioner", "id": "p${index}"}`;
    case 'Encounter':
      return `{"resourceType": "Encounter", "id": "e${index}", "status": "finished",\n ${subject}, "participant": [{"individual": {"reference": "Practitioner/p${index % Math.max(1, practitioners)}"}}]}`;
    case 'DocumentReference':
      if (index >= documents.length) {
        const binary = index - documents.length;
        // Every second one does not say.
        const size = binary % 2 === 0 ? `, "size": ${attachments[binary]}` : '';
        return `{"resourceType": "${type}", "id": "d${index}", "status": "current", ${subject}, "content": [{"attachment": {"url": "${base}/Binary/b${binary}"${size}}}]}`;
      }
      return `{"resourceType": "${type}", "id": "d${index}", "status": "current", ${subject}, "content": [{"attachment": {"data": "${'QUJD'.repeat((documents[index] ?? 0) / 4)}"}}]}`;
    default:
      return `{"resourceType": "${type}", "id": "${type[0]}${index}", "status": "final", ${subject},\n  "valueQuantity": {"value": ${index}.00, "unit": "\\u006dg \\u0026 \\"more\\""}${noteOf(fillerBytes)}}`;
  }
};

/** The letter that ids of a type begin with. */
const initialOf = (type: string): string =>
  type === 'Practitioner' || type === 'Encounter' || type === 'DocumentReference' ? type[0]!.toLowerCase() : type[0]!;

/** The id of a resource. */
const idOf = ({ patient }: PayerRecord, type: string, index: number): string =>
  type === 'Patient' ? patient : `${initialOf(type)}${index}`;

/** The line that the export must have for a resource. */
export const expectedLine = (
  record: PayerRecord,
  type: string,
  index: number,
  base: string,
  facade: string,
): string => {
  const compact = textOf(record, type, index, base).replaceAll(/(?<=[:,])\s+/g, '');
  return compact.replaceAll(`"${base}/`, `"${facade}/`);
};

/** The line that the export must have for each resource of the record, by type and id. */
export const expectedLines = (record: PayerRecord, base: string, facade: string): Map<string, string> => {
  const lines = new Map<string, string>();
  for (const [type, count] of Object.entries({ ...record.counts, Practitioner: record.practitioners })) {
    for (let index = 0; index < count; index += 1) {
      lines.set(`${type}/${idOf(record, type, index)}`, expectedLine(record, type, index, base, facade));
    }
  }
  return lines;
};
