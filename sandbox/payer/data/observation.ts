import { ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { concept, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import type { Visit } from './visits.ts';

const categoryNames = {
  'vital-signs': 'Vital Signs',
  laboratory: 'Laboratory',
  'social-history': 'Social History',
  survey: 'Survey',
  imaging: 'Imaging',
  exam: 'Exam',
} as const;

export type Category = keyof typeof categoryNames;

/** Adds an observation made at a visit. `fields` hold its value and other specifics. */
export const addObservation = (
  record: RecordBuilder,
  visit: Visit,
  profile: string,
  category: Category,
  code: Concept,
  fields: Fields,
): string => {
  return record.add('Observation', profile, {
    status: 'final',
    category: [concept(systems.observationCategory, category, categoryNames[category])],
    code,
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    effectiveDateTime: visit.at('09:45'),
    issued: visit.at('10:10'),
    performer: [ref(visit.practitioner)],
    ...fields,
  });
};
