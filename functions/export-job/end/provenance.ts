import { createHash } from 'node:crypto';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { html } from '../../shared/pages/html.ts';
import type { PlanFile } from '../state/state.ts';

/** The facts in our Provenance: who passed the record on, from where and when, and what is missing. */
export interface ProvenanceFacts {
  readonly exportId: string;
  /** The facade's FHIR base, without a trailing slash. */
  readonly facade: string;
  /** The patient's id at the payer. */
  readonly patient: string;
  readonly payerName: string;
  /** FHIR instant; changes after it may be missing. */
  readonly transactionTime: string;
  /** FHIR instant at which the export ended. */
  readonly recorded: string;
  /** What is missing: one sentence for each type. Partners see it. */
  readonly missing: readonly string[];
  /** What the error files name, one sentence each. Those of `missing` may be among them. */
  readonly named: readonly string[];
}

const participantTypes = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
const usCoreParticipantTypes = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type';
const usCoreProvenance = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance';

/** The most sentences of the error files that the Provenance repeats. */
const mostNamed = 50;

const narrative = ({ payerName, transactionTime, missing, named }: ProvenanceFacts): string => {
  const from = `This record was read from ${payerName} as of ${transactionTime} and passed on by a gateway.`;
  const nothing = html``;
  const listed = (title: string, sentences: readonly string[]) =>
    sentences.length === 0
      ? nothing
      : html`<p>${title}</p><ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
  const others = [...new Set(named)].filter((sentence) => !missing.includes(sentence));
  const more = others.length - mostNamed;
  const rest = [
    listed('Missing:', missing),
    listed('Left out, or remarked on:', others.slice(0, mostNamed)),
    more > 0 ? html`<p>The error files of the export name ${String(more)} more.</p>` : nothing,
    missing.length + others.length === 0 ? html`<p>Nothing is known to be missing.</p>` : nothing,
  ];
  return html`<div xmlns="http://www.w3.org/1999/xhtml"><p>${from}</p>${rest}</div>`.html;
};

/** Who passed a record on, and who had it. */
const agentsOf = ({ facade, payerName }: Pick<ProvenanceFacts, 'facade' | 'payerName'>) => [
  {
    type: { coding: [{ system: usCoreParticipantTypes, code: 'transmitter', display: 'Transmitter' }] },
    who: {
      identifier: { system: 'urn:ietf:rfc:3986', value: new URL(facade).origin },
      display: 'Payer-to-payer gateway',
    },
  },
  {
    type: { coding: [{ system: participantTypes, code: 'custodian', display: 'Custodian' }] },
    who: { identifier: { system: 'urn:ietf:rfc:3986', value: facade }, display: payerName },
  },
];

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** When the record was read. A period never ends before its start (https://hl7.org/fhir/R4/datatypes.html#Period, per-1). */
const periodOf = ({ transactionTime, recorded }: Pick<ProvenanceFacts, 'transactionTime' | 'recorded'>) => ({
  start: Date.parse(transactionTime) <= Date.parse(recorded) ? transactionTime : recorded,
  end: recorded,
});

/** An R4 and US Core Provenance about the whole record, as one line without a line break. */
export const provenanceLine = (facts: ProvenanceFacts): string => {
  const { exportId, facade, patient, payerName, recorded } = facts;
  return JSON.stringify({
    resourceType: 'Provenance',
    id: idOf(exportId),
    meta: { profile: [usCoreProvenance] },
    text: { status: 'generated', div: narrative(facts) },
    target: [{ reference: `${facade}/Patient/${patient}` }],
    occurredPeriod: periodOf(facts),
    recorded,
    agent: agentsOf(facts),
    entity: [
      { role: 'source', what: { identifier: { system: 'urn:ietf:rfc:3986', value: facade }, display: payerName } },
    ],
  });
};

/** A file of a former plan's, as its Provenance says where it came from. */
const fileLine = (
  { exportId, facade, payerName, transactionTime, recorded }: Omit<ProvenanceFacts, 'patient' | 'missing' | 'named'>,
  target: object,
  { number, type, said, came, kept }: PlanFile,
): string => {
  const counts = `${came} lines came${said === undefined ? '' : ` of ${said} that the payer names`}, and ${kept} of them are passed on.`;
  const text = html`<div xmlns="http://www.w3.org/1999/xhtml"><p>File ${String(number)} (${type}) of ${payerName}, as of ${transactionTime}, passed on by a gateway. ${counts}</p></div>`;
  return JSON.stringify({
    resourceType: 'Provenance',
    id: idOf(`${exportId} ${number}`),
    meta: { profile: [usCoreProvenance] },
    text: { status: 'generated', div: text.html },
    target: [target],
    occurredPeriod: periodOf({ transactionTime, recorded }),
    recorded,
    agent: agentsOf({ facade, payerName }),
    entity: [
      {
        role: 'source',
        what: {
          type,
          identifier: { system: 'urn:ietf:rfc:3986', value: facade },
          display: `File ${number} of the manifest of ${transactionTime}`,
        },
      },
    ],
  });
};

/** A Provenance for each of a former plan's files, about the Group that it was asked for. */
export const planProvenance = (
  facts: Parameters<typeof fileLine>[0],
  input: ExchangeInput,
  files: readonly PlanFile[],
): readonly string[] => {
  const target =
    input.kind === 'group'
      ? { reference: `${facts.facade}/Group/${input.group}` }
      : { type: 'Group', identifier: { system: 'urn:ietf:rfc:3986', value: facts.facade } };
  return files.filter(({ kind }) => kind === 'output').map((file) => fileLine(facts, target, file));
};
