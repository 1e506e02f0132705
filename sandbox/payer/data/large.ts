import { absolute, createBuilder } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, loinc, quantity, systems } from './codes.ts';
import { addDoctor, addHealthPlan } from './directory.ts';
import { testMembers } from './member-list.ts';
import { addPatient } from './patient.ts';
import { recordOf } from './record.ts';
import type { MemberRecord, OnTheFlyResources } from './record.ts';

const member = testMembers.large;

/**
 * The number of readings. Each makes a bundle entry of about 1,270 bytes, so a search for all of them returns 100 MB.
 */
const readingCount = 80_000;
const idPrefix = 'glucose-';
// The last reading was in the last minute of 2019. The others precede it at intervals of 15 minutes.
const lastReadingMs = Date.UTC(2019, 11, 31, 23, 59);
const readingEveryMs = 900_000;

/** A member with a glucose sensor. Its readings are written when they are requested. */
export const generateLargeRecord = (seed: number): MemberRecord => {
  const record = createBuilder(seed, 'large', member.birthDate);
  const plan = addHealthPlan(record);
  addPatient(record, member, plan, addDoctor(record));
  return {
    ...recordOf(record, member),
    onTheFly: glucoseReadings(record, plan),
  };
};

const glucoseReadings = (record: RecordBuilder, performer: string): OnTheFlyResources => {
  const [beforeId = '', afterId = ''] = readingTemplate(record, performer).split('%id%');
  const [beforeTime = '', afterTime = ''] = afterId.split('%time%');
  const [beforeValue = '', afterValue = ''] = afterTime.split('"%value%"');
  return {
    resourceType: 'Observation',
    count: readingCount,
    text(index) {
      const id = `${idPrefix}${String(index).padStart(6, '0')}`;
      const time = new Date(lastReadingMs - index * readingEveryMs).toISOString();
      const value = (110 + 45 * Math.sin(index / 9)).toFixed(2);
      return beforeId + id + beforeTime + time + beforeValue + value + afterValue;
    },
    indexOf(id) {
      const digits = id.startsWith(idPrefix) ? id.slice(idPrefix.length) : '';
      const index = /^\d{6}$/.test(digits) ? Number(digits) : readingCount;
      return index < readingCount ? index : undefined;
    },
  };
};

const readingTemplate = (record: RecordBuilder, performer: string): string => {
  const template = createBuilder(0, 'template', record.birthDate);
  template.add('Observation', 'us-core-observation-lab', {
    id: '%id%',
    status: 'final',
    category: [concept(systems.observationCategory, 'laboratory', 'Laboratory')],
    code: loinc('2339-0', 'Glucose [Mass/volume] in Blood'),
    subject: absolute(record.patient),
    effectiveDateTime: '%time%',
    performer: [absolute(performer)],
    valueQuantity: { ...quantity(0, 2, 'mg/dL'), value: '%value%' },
    method: { text: 'Continuous sensor under the skin of the upper arm, one reading every fifteen minutes' },
    referenceRange: [{ low: quantity(70, 2, 'mg/dL'), high: quantity(140, 2, 'mg/dL') }],
  });
  return template.texts()[0] ?? '';
};
