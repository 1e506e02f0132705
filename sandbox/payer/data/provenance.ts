import { absolute, ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, systems } from './codes.ts';
import type { Directory } from './directory.ts';
import type { Visit } from './visits.ts';

/** Records who wrote the targets, and that the plan transmitted them. */
export const addProvenance = (
  record: RecordBuilder,
  directory: Pick<Directory, 'plan' | 'clinic' | 'hospital'>,
  visit: Visit,
  targets: readonly string[],
): void => {
  const participants = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
  const author = visit.kind === 'emergency' ? directory.hospital : directory.clinic;
  record.add('Provenance', 'us-core-provenance', {
    target: [ref(record.patient), ...targets.map(absolute)],
    recorded: visit.at('17:30'),
    agent: [
      {
        type: concept(participants, 'author', 'Author'),
        who: ref(visit.practitioner),
        onBehalfOf: ref(author),
      },
      {
        type: concept(`${systems.usCore}/us-core-provenance-participant-type`, 'transmitter', 'Transmitter'),
        who: ref(directory.plan),
      },
    ],
  });
};
