import { ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { concept, rxnorm, snomed, systems } from './codes.ts';
import { addTo } from './time.ts';
import type { OtherVisit, Visit, Visits } from './visits.ts';

/** References to the problems that medications, procedures, goals and plans address. */
export interface Problems {
  readonly asthma: string;
  readonly peanutAllergy: string;
  readonly eczema: string;
  readonly anemia: string;
  readonly diagnoses: Readonly<Record<OtherVisit, string>>;
}

export const addProblems = (record: RecordBuilder, visits: Visits): Problems => {
  const { other, wellAt } = visits;
  const problem = (visit: Visit, code: string, name: string, months?: number): string =>
    addCondition(record, visit, 'problem-list-item', code, name, months);
  const diagnosis = (visit: Visit, code: string, name: string, months?: number): string =>
    addCondition(record, visit, 'encounter-diagnosis', code, name, months);
  addCondition(record, wellAt(84), 'health-concern', '26677001', 'Sleep pattern disturbance');
  diagnosis(wellAt(0), '387712008', 'Neonatal jaundice', 1);
  return {
    asthma: problem(other.wheeze, '195967001', 'Asthma'),
    peanutAllergy: problem(other.peanut, '91935009', 'Allergy to peanut'),
    eczema: problem(wellAt(6), '43116000', 'Eczema', 54),
    anemia: problem(wellAt(12), '87522002', 'Iron deficiency anemia', 6),
    diagnoses: {
      firstOtitis: diagnosis(other.firstOtitis, '65363002', 'Otitis media', 1),
      croup: diagnosis(other.croup, '71186008', 'Croup', 1),
      secondOtitis: diagnosis(other.secondOtitis, '65363002', 'Otitis media', 1),
      tubes: diagnosis(other.tubes, '80327007', 'Serous otitis media', 6),
      peanut: diagnosis(other.peanut, '39579001', 'Anaphylaxis', 1),
      allergist: diagnosis(other.allergist, '91935009', 'Allergy to peanut'),
      wheeze: diagnosis(other.wheeze, '56018004', 'Wheezing', 1),
      strep: diagnosis(other.strep, '43878008', 'Streptococcal sore throat', 1),
      stomach: diagnosis(other.stomach, '25374005', 'Gastroenteritis', 1),
      wrist: diagnosis(other.wrist, '263199001', 'Fracture of distal end of radius', 2),
      wristCheck: diagnosis(other.wristCheck, '263199001', 'Fracture of distal end of radius', 1),
      asthmaCheck: diagnosis(other.asthmaCheck, '195967001', 'Asthma'),
    },
  };
};

const categoryDisplays = {
  'problem-list-item': 'Problem List Item',
  'encounter-diagnosis': 'Encounter Diagnosis',
  'health-concern': 'Health Concern',
} as const;

/** Adds a condition first seen at a visit and, if `months` is given, resolved that many months later. */
export const addCondition = (
  record: RecordBuilder,
  visit: Visit,
  category: keyof typeof categoryDisplays,
  code: string,
  name: string,
  months?: number,
): string => {
  const diagnosis = category === 'encounter-diagnosis';
  const profile = diagnosis ? 'us-core-condition-encounter-diagnosis' : 'us-core-condition-problems-health-concerns';
  const concern = category === 'health-concern';
  const system = concern ? `${systems.usCore}/condition-category` : systems.conditionCategory;
  return record.add('Condition', profile, {
    clinicalStatus: concept(systems.conditionClinical, months === undefined ? 'active' : 'resolved'),
    verificationStatus: concept(systems.conditionVerification, 'confirmed'),
    category: [concept(system, category, categoryDisplays[category])],
    code: snomed(code, name),
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    onsetDateTime: visit.date,
    ...(months !== undefined && { abatementDateTime: addTo(visit.date, months) }),
    recordedDate: visit.at('10:12'),
    recorder: ref(visit.practitioner),
  });
};

export const addAllergies = (record: RecordBuilder, visits: Visits): void => {
  const { peanut, secondOtitis, allergist } = visits.other;
  const hives = snomed('126485001', 'Urticaria');
  const rash = snomed('271807003', 'Eruption of skin');
  const sneezing = snomed('76067001', 'Sneezing');
  addAllergy(record, peanut, 'food', 'high', snomed('762952008', 'Peanut'), {
    manifestation: [hives],
    severity: 'severe',
  });
  addAllergy(record, secondOtitis, 'medication', 'low', rxnorm('723', 'amoxicillin'), {
    manifestation: [rash],
    severity: 'mild',
  });
  addAllergy(record, allergist, 'environment', 'low', snomed('260152009', 'Cat dander'), {
    manifestation: [sneezing],
    severity: 'mild',
  });
};

export const addAllergy = (
  record: RecordBuilder,
  visit: Visit,
  category: string,
  criticality: string,
  code: unknown,
  reaction: Fields,
): void => {
  record.add('AllergyIntolerance', 'us-core-allergyintolerance', {
    clinicalStatus: concept(systems.allergyClinical, 'active'),
    verificationStatus: concept(systems.allergyVerification, 'confirmed'),
    type: 'allergy',
    category: [category],
    criticality,
    code,
    patient: ref(record.patient),
    encounter: ref(visit.encounter),
    onsetDateTime: visit.date,
    recordedDate: visit.at('10:12'),
    recorder: ref(visit.practitioner),
    reaction: [reaction],
  });
};
