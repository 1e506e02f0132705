import { absolute, ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, loinc, systems } from './codes.ts';
import type { Directory } from './directory.ts';
import { addProvenance } from './provenance.ts';
import { fhirBase } from './record.ts';
import type { Visit, Visits } from './visits.ts';

/** Adds notes. Each is a Binary. A DocumentReference points to its absolute URL, and a Provenance names its author. */
export const addDocuments = (record: RecordBuilder, directory: Directory, visits: Visits): void => {
  const { croup, peanut, tubes, wrist, asthmaCheck } = visits.other;
  addNote(record, directory, croup, '34111-5', 'Emergency department Note', [
    'Barking cough since midnight, hoarse, no fever to speak of. Calm on her mother’s lap.',
    'Cool mist and one dose of dexamethasone; quiet breathing after two hours, home with advice.',
  ]);
  addNote(record, directory, tubes, '11488-4', 'Consult note', [
    'Third ear infection within two winters; fluid behind both drums for three months, speech a little behind.',
    'Tubes placed in both ears the same morning. Keep water out for a week. Hearing again in six weeks.',
  ]);
  addNote(record, directory, peanut, '34111-5', 'Emergency department Note', [
    'Half a peanut cookie at a birthday party; hives and vomiting within ten minutes.',
    'Epinephrine 0.15 mg, watched for four hours. Injector prescribed, mother and aunt shown how to use it.',
  ]);
  addNote(record, directory, wrist, '34111-5', 'Emergency department Note', [
    'Fell from the monkey bars on the left hand. Tender over the radius, fingers warm and moving.',
    'Buckle fracture on the picture. Splint, ibuprofen, see the surgeon in two weeks.',
  ]);
  addNote(record, directory, asthmaCheck, '11506-3', 'Progress note', [
    'Inhaler four times last month, two nights of cough. Flow 245 L/min, good technique with the spacer.',
    'Fluticasone once more through the spring. School has a copy of the plan — ¡muy bien, Mayte!',
  ]);
};

/** Adds a note, its Binary and their Provenance. */
export const addNote = (
  record: RecordBuilder,
  directory: Pick<Directory, 'plan' | 'clinic' | 'hospital'>,
  visit: Visit,
  code: string,
  title: string,
  paragraphs: readonly string[],
): void => {
  const note = Buffer.from(`${title}, ${visit.date}\n\n${paragraphs.join('\n\n')}\n`);
  const binary = record.add('Binary', undefined, {
    contentType: 'text/plain; charset=utf-8',
    securityContext: ref(record.patient),
    data: note.toString('base64'),
  });
  const reference = record.add('DocumentReference', 'us-core-documentreference', {
    status: 'current',
    type: loinc(code, title),
    category: [concept(`${systems.usCore}/us-core-documentreference-category`, 'clinical-note', 'Clinical Note')],
    subject: absolute(record.patient),
    date: visit.at('17:00'),
    author: [ref(visit.practitioner)],
    custodian: ref(visit.kind === 'emergency' ? directory.hospital : directory.clinic),
    content: [
      {
        attachment: {
          contentType: 'text/plain; charset=utf-8',
          url: `${fhirBase}/${binary}`,
          size: note.length,
          title: `${title}, ${visit.date}`,
        },
      },
    ],
    context: { encounter: [ref(visit.encounter)], period: { start: visit.at('09:30'), end: visit.at('10:15') } },
  });
  addProvenance(record, directory, visit, [reference]);
};
