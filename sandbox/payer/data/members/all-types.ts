import { absolute, c4bb, createBuilder, dayAfter, pdex, ref } from '../builder.ts';
import type { RecordBuilder } from '../builder.ts';
import { addCare } from '../care.ts';
import type { Care } from '../care.ts';
import { addCoverage, addOfficeClaim, hcpcs, licensed, prozac } from '../claims.ts';
import { concept, decimal, quantity, snomed, systems } from '../codes.ts';
import { addNote } from '../documents.ts';
import { addDose } from '../immunizations.ts';
import { addBloodTest } from '../labs.ts';
import { addRequest, medicines, routes } from '../medications.ts';
import { testMembers } from '../member-list.ts';
import { addPerson, participant } from '../patient.ts';
import { addGoal, addPlan } from '../plans.ts';
import { addAllergy, addCondition } from '../problems.ts';
import { addProcedure, askedFor } from '../procedures.ts';
import { recordOf } from '../record.ts';
import type { MemberRecord } from '../record.ts';
import { addEncounter } from '../visits.ts';
import type { Visit } from '../visits.ts';
import { addBloodPressure } from '../vitals.ts';
import { kidneys } from './tests.ts';

/** A member with at least one resource of every type of a patient’s data in PDex 2.0.0. */
export const generateAllTypesMember = (seed: number): MemberRecord => {
  const member = testMembers['all-types'];
  const record = createBuilder(seed, 'all-types', member.birthDate, dayAfter('2025-01-01'));
  const care = addCare(record);
  addPerson(record, member, { gender: 'male', care, profiles: ['us-core-patient', c4bb('Patient')] });
  const self = { id: member.memberId, reference: record.patient, relationship: 'self' } as const;
  const coverage = addCoverage(record, care.plan, 'Sandbox PPO', self, '2025-01-01');
  const visit = addEncounter(record, care, { kind: 'checkup', date: '2026-02-03', practitioner: care.doctor });

  const arthritis = addCondition(record, visit, 'problem-list-item', '239873007', 'Osteoarthritis of knee');
  addAllergy(record, visit, 'medication', 'low', snomed('91936005', 'Allergy to penicillin'), {
    manifestation: [snomed('271807003', 'Eruption of skin')],
    severity: 'mild',
  });
  addBloodPressure(record, visit, [118, 136], [72, 86]);
  addBloodTest(record, care, visit, ...kidneys);
  addMedicines(record, care, visit, arthritis);
  addTreatment(record, care, visit, arthritis);
  addQuestionnaire(record, visit);
  addNote(record, care, visit, '11506-3', 'Progress note', ['Made up, so that there is a note and its Binary.']);
  addOfficeClaim(record, care, visit, {
    coverage,
    diagnoses: [['Z00.00', 'Encounter for general adult medical examination without abnormal findings']],
    lines: [{ what: licensed.cpt('Office visit, 20 to 29 minutes'), submitted: 185, copay: 25 }],
  });
  addPriorAuthorization(record, care, coverage);
  return recordOf(record, member);
};

const addMedicines = (record: RecordBuilder, care: Care, visit: Visit, reason: string): void => {
  const code = medicines.acetaminophen.medicationCodeableConcept;
  const medication = record.add('Medication', 'us-core-medication', { code, status: 'active' });
  const dose = [routes.oral, 650, 'mg', 3, 'Two tablets when the knee hurts'] as const;
  addRequest(record, visit, reason, { medicationReference: ref(medication) }, dose, 'active');
  record.add('MedicationDispense', pdex('pdex-medicationdispense'), {
    status: 'completed',
    medicationCodeableConcept: prozac,
    subject: ref(record.patient),
    performer: [{ actor: ref(care.pharmacy) }],
    quantity: quantity(100, 0, '{capsule}', 'capsule'),
    daysSupply: quantity(100, 0, 'd', 'day'),
    whenHandedOver: visit.at('15:30'),
  });
  addDose(
    record,
    { clinicRooms: care.clinicRooms, nurse: care.doctor },
    visit,
    concept(systems.cvx, '140', 'Influenza, seasonal, injectable, preservative free'),
    'muscle',
    0.5,
    1,
  );
};

const addTreatment = (record: RecordBuilder, care: Care, visit: Visit, arthritis: string): void => {
  const replacement = ['609588000', 'Total knee replacement'] as const;
  askedFor(record, visit, ['387713003', 'Surgical procedure'], replacement);
  const pacemaker = record.add('Device', pdex('pdex-device'), {
    status: 'active',
    type: snomed('14106009', 'Cardiac pacemaker, device'),
    patient: ref(record.patient),
    deviceName: [{ name: 'Test pacemaker', type: 'user-friendly-name' }],
  });
  const insertion = 'Insertion of permanent pacemaker with transvenous electrodes, ventricular';
  addProcedure(record, visit, '54974006', insertion, { focalDevice: [{ manipulated: ref(pacemaker) }] });
  const friend = record.add('RelatedPerson', 'us-core-relatedperson', {
    active: true,
    patient: ref(record.patient),
    relationship: [concept(systems.roleCode, 'FRND', 'unrelated friend')],
    name: [{ family: 'Friend456', given: ['Alltypes123'] }],
  });
  const team = record.add('CareTeam', 'us-core-careteam', {
    status: 'active',
    name: 'Knee care team',
    subject: ref(record.patient),
    participant: [
      participant(snomed('446050000', 'Primary care physician'), care.doctor),
      participant(snomed('133932002', 'Caregiver'), friend),
    ],
  });
  const goal = addGoal(record, visit, 'Walks half an hour a day', arthritis);
  addPlan(
    record,
    visit,
    team,
    'Knee plan',
    arthritis,
    [goal],
    ['Exercises every morning.', 'Acetaminophen at most three times a day.'],
  );
  record.add('Provenance', pdex('pdex-provenance'), {
    target: [ref(record.patient), absolute(arthritis)],
    recorded: visit.at('17:30'),
    agent: [
      {
        type: concept(`${systems.usCore}/us-core-provenance-participant-type`, 'transmitter', 'Transmitter'),
        who: ref(care.plan),
      },
    ],
  });
};

const addQuestionnaire = (record: RecordBuilder, visit: Visit): void => {
  record.add('QuestionnaireResponse', undefined, {
    questionnaire: 'https://health-plan.example/Questionnaire/hunger',
    status: 'completed',
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    authored: visit.at('09:40'),
    author: ref(record.patient),
    item: [
      {
        linkId: '88122-7',
        text: 'Within the past 12 months we worried whether our food would run out before we got money to buy more',
        answer: [{ valueCoding: { system: systems.loinc, code: 'LA28398-8', display: 'Never true' } }],
      },
    ],
  });
};

/** A prior authorization, which PDex 2.0.0 represents as a kind of ExplanationOfBenefit. */
const addPriorAuthorization = (record: RecordBuilder, care: Care, coverage: string): void => {
  const adjudication = (code: string, display: string, value: number) => ({
    category: concept(systems.adjudication, code, display),
    amount: { value: decimal(value, 2), currency: 'USD' },
  });
  record.add('ExplanationOfBenefit', pdex('pdex-priorauthorization', '2.0.0'), {
    identifier: [{ system: 'https://health-plan.example/prior-authorization', value: 'PA-20260210' }],
    status: 'active',
    type: concept('http://terminology.hl7.org/CodeSystem/claim-type', 'professional', 'Professional'),
    use: 'preauthorization',
    patient: ref(record.patient),
    created: '2026-02-10',
    insurer: ref(care.plan),
    provider: ref(care.clinic),
    outcome: 'complete',
    preAuthRef: ['PA-20260210'],
    preAuthRefPeriod: [{ start: '2026-02-10', end: '2026-08-10' }],
    insurance: [{ focal: true, coverage: ref(coverage) }],
    item: [
      {
        sequence: 1,
        productOrService: hcpcs('E0143', 'Walker, folding, wheeled, adjustable or fixed height'),
        quantity: { value: 1 },
        adjudication: [
          adjudication('submitted', 'Submitted Amount', 720),
          adjudication('eligible', 'Eligible Amount', 504),
        ],
      },
    ],
    total: [adjudication('eligible', 'Eligible Amount', 504)],
  });
};
