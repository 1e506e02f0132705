import { ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, loinc, quantity, snomed, systems } from './codes.ts';
import type { Directory } from './directory.ts';
import { addObservation } from './observation.ts';
import type { Visit, Visits } from './visits.ts';

/** Screening questions, and findings that are not from a laboratory. */
export const addScreenings = (record: RecordBuilder, directory: Directory, visits: Visits): void => {
  for (const age of [60, 84, 108]) {
    addHunger(record, visits.wellAt(age));
    addSmokingStatus(record, visits.wellAt(age));
  }
  addNewbornHearing(record, visits.wellAt(0));
  addHearingThreshold(record, visits.other.tubes);
  addPeakFlow(record, visits.other.asthmaCheck);
  addWristPicture(record, directory, visits.other.wrist);
};

const neverTrue = concept(systems.loinc, 'LA28398-8', 'Never true', 'Never true');

const addHunger = (record: RecordBuilder, visit: Visit): void => {
  const questions = [
    ['88122-7', 'Within the past 12 months we worried whether our food would run out before we got money to buy more'],
    ['88123-5', "Within the past 12 months the food we bought just didn't last and we didn't have money to get more"],
  ] as const;
  for (const [code, question] of questions) {
    const fields = { valueCodeableConcept: neverTrue };
    const profile = 'us-core-observation-screening-assessment';
    addObservation(record, visit, profile, 'survey', loinc(code, question), fields);
  }
};

const addSmokingStatus = (record: RecordBuilder, visit: Visit): void => {
  const code = loinc('72166-2', 'Tobacco smoking status');
  addObservation(record, visit, 'us-core-smokingstatus', 'social-history', code, {
    valueCodeableConcept: snomed('266919005', 'Never smoked tobacco'),
  });
};

const addNewbornHearing = (record: RecordBuilder, visit: Visit): void => {
  const code = loinc('54109-4', 'Newborn hearing screen of Ear - right');
  addObservation(record, visit, 'us-core-observation-clinical-result', 'exam', code, {
    valueCodeableConcept: concept(systems.loinc, 'LA10392-1', 'Pass', 'Pass'),
  });
};

/** The quietest tone that the member heard. With fluid behind the drum, it is louder than normal. */
const addHearingThreshold = (record: RecordBuilder, visit: Visit): void => {
  const code = loinc('89025-1', 'Hearing threshold Ear - right --500 Hz');
  addObservation(record, visit, 'us-core-observation-clinical-result', 'exam', code, {
    valueQuantity: quantity(40, 0, 'dB'),
    interpretation: [concept(systems.interpretation, 'A', 'Abnormal')],
  });
};

const addPeakFlow = (record: RecordBuilder, visit: Visit): void => {
  const code = loinc('19935-6', 'Maximum expiratory gas flow Respiratory system airway by Peak flow meter');
  addObservation(record, visit, 'us-core-observation-clinical-result', 'exam', code, {
    valueQuantity: quantity(record.random.around(245, 10), 0, 'L/min'),
  });
};

const addWristPicture = (record: RecordBuilder, directory: Directory, visit: Visit): void => {
  const code = loinc('24619-9', 'XR Wrist Views');
  const finding = addObservation(record, visit, 'us-core-observation-clinical-result', 'imaging', code, {
    valueString: 'Buckle fracture of the left distal radius, growth plate not involved.',
  });
  record.add('DiagnosticReport', 'us-core-diagnosticreport-note', {
    status: 'final',
    category: [concept(systems.loinc, 'LP29684-5', 'Radiology')],
    code,
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    effectiveDateTime: visit.at('11:15'),
    issued: visit.at('12:05'),
    performer: [ref(directory.hospital)],
    result: [ref(finding)],
    conclusion: 'Stable buckle fracture; a splint for three weeks.',
  });
};
