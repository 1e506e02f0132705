import { ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { quantity, rxnorm, snomed } from './codes.ts';
import type { Concept } from './codes.ts';
import type { Problems } from './problems.ts';
import type { Visit, Visits } from './visits.ts';

const amoxicillin = rxnorm('308189', 'amoxicillin 80 MG/ML Oral Suspension');
const azithromycin = rxnorm('141963', 'azithromycin 40 MG/ML Oral Suspension');
const ibuprofen = rxnorm('197803', 'ibuprofen 20 MG/ML Oral Suspension');
const epinephrine = rxnorm('727316', '0.3 ML epinephrine 0.5 MG/ML Auto-Injector');
const albuterol = rxnorm('745679', '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler');
const fluticasone = rxnorm('895994', '120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler');
const cetirizine = rxnorm('1014676', 'cetirizine hydrochloride 5 MG Oral Tablet');

/** How medicines are taken. */
export const routes = {
  oral: snomed('26643006', 'Oral route'),
  sublingual: snomed('37839007', 'Sublingual use'),
  intramuscular: snomed('78421000', 'Intramuscular route'),
  inhaled: snomed('447694001', 'Respiratory tract route'),
} as const;
const { oral, intramuscular, inhaled } = routes;

export const addMedications = (record: RecordBuilder, visits: Visits, problems: Problems): void => {
  const { other } = visits;
  const { diagnoses } = problems;
  const kept = (medication: Concept): Fields => ({
    medicationReference: ref(record.add('Medication', 'us-core-medication', { code: medication, status: 'active' })),
  });
  const inhaler = kept(albuterol);
  const controller = kept(fluticasone);
  const injector = kept(epinephrine);
  const ask = (visit: Visit, reason: string, medication: Fields, ...dose: Dose): string =>
    addRequest(record, visit, reason, medication, dose);

  const requests: [Visit, string, Fields][] = [];
  const dispensed = (visit: Visit, reason: string, medication: Fields, ...dose: Dose): void => {
    requests.push([visit, ask(visit, reason, medication, ...dose), medication]);
  };
  dispensed(
    other.firstOtitis,
    diagnoses.firstOtitis,
    coded(amoxicillin),
    oral,
    4.5,
    'mL',
    2,
    'Twice a day for ten days',
  );
  ask(
    other.secondOtitis,
    diagnoses.secondOtitis,
    coded(amoxicillin),
    oral,
    5.5,
    'mL',
    2,
    'Stopped on the third day: rash',
  );
  dispensed(
    other.secondOtitis,
    diagnoses.secondOtitis,
    coded(azithromycin),
    oral,
    3,
    'mL',
    1,
    'Once a day for five days',
  );
  dispensed(
    other.peanut,
    diagnoses.peanut,
    injector,
    intramuscular,
    0.15,
    'mg',
    1,
    'In the outer thigh, at the first sign',
  );
  ask(other.allergist, problems.peanutAllergy, coded(cetirizine), oral, 2.5, 'mg', 1, 'Half a tablet when it itches');
  dispensed(other.wheeze, problems.asthma, inhaler, inhaled, 2, '{puff}', 4, 'Two puffs with a spacer, when needed');
  ask(other.strep, diagnoses.strep, coded(azithromycin), oral, 6, 'mL', 1, 'Once a day for five days');
  ask(other.wrist, diagnoses.wrist, coded(ibuprofen), oral, 11, 'mL', 3, 'With food, for three days');
  dispensed(
    other.asthmaCheck,
    problems.asthma,
    controller,
    inhaled,
    1,
    '{puff}',
    2,
    'Morning and evening, with a spacer',
  );
  ask(other.asthmaCheck, problems.asthma, inhaler, inhaled, 2, '{puff}', 4, 'Two puffs with a spacer, when needed');
  for (const [visit, request, medication] of requests) addDispense(record, visit, request, medication);
};

const coded = (medicationCodeableConcept: Concept): { readonly medicationCodeableConcept: Concept } => {
  return { medicationCodeableConcept };
};

/** Medicines of adults. */
export const medicines = {
  metformin: coded(rxnorm('860975', '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet')),
  lisinopril: coded(rxnorm('314076', 'lisinopril 10 MG Oral Tablet')),
  fluoxetine: coded(rxnorm('310385', 'fluoxetine 20 MG Oral Capsule')),
  atorvastatin: coded(rxnorm('617310', 'atorvastatin 20 MG Oral Tablet')),
  levothyroxine: coded(rxnorm('966222', 'levothyroxine sodium 0.075 MG Oral Tablet')),
  metoprolol: coded(rxnorm('866436', '24 HR metoprolol succinate 50 MG Extended Release Oral Tablet')),
  apixaban: coded(rxnorm('1364445', 'apixaban 5 MG Oral Tablet')),
  acetaminophen: coded(rxnorm('313782', 'acetaminophen 325 MG Oral Tablet')),
  buprenorphine: coded(rxnorm('351267', 'buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet')),
} as const;

/** Route, dose, unit, times per day, and label text. */
export type Dose = readonly [route: Concept, amount: number, unit: string, timesADay: number, label: string];

/** Adds an order. Its label says if it was stopped. */
export const addRequest = (
  record: RecordBuilder,
  visit: Visit,
  reason: string,
  medication: Fields,
  [route, amount, unit, frequency, label]: Dose,
  status = label.startsWith('Stopped') ? 'stopped' : 'completed',
): string => {
  const stopped = status === 'stopped';
  return record.add('MedicationRequest', 'us-core-medicationrequest', {
    status,
    intent: 'order',
    reportedBoolean: false,
    ...medication,
    subject: ref(record.patient),
    encounter: ref(visit.encounter),
    authoredOn: visit.at('10:14'),
    requester: ref(visit.practitioner),
    reasonReference: [ref(reason)],
    dosageInstruction: [
      {
        text: label,
        timing: { repeat: { frequency, period: 1, periodUnit: 'd' } },
        route,
        doseAndRate: [{ doseQuantity: quantity(amount, 2, unit) }],
      },
    ],
    dispenseRequest: { numberOfRepeatsAllowed: stopped ? 0 : 1, quantity: quantity(1, 2, '{package}', 'package') },
  });
};

const addDispense = (record: RecordBuilder, visit: Visit, request: string, medication: Fields): void => {
  record.add('MedicationDispense', 'us-core-medicationdispense', {
    status: 'completed',
    ...medication,
    subject: ref(record.patient),
    context: ref(visit.encounter),
    authorizingPrescription: [ref(request)],
    type: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'FF', display: 'First Fill' }],
    },
    quantity: quantity(1, 2, '{package}', 'package'),
    whenHandedOver: visit.at('15:30'),
    dosageInstruction: [{ text: 'As the prescription says' }],
  });
};
