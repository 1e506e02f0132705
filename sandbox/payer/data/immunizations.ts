import { ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, quantity, systems } from './codes.ts';
import type { Directory } from './directory.ts';
import { addTo } from './time.ts';
import type { Visit, Visits } from './visits.ts';

/** CVX code, name, dose in mL, and the ages in months at which it was given. */
const schedule = [
  ['08', 'Hep B, adolescent or pediatric', 0.5, [0, 1, 6]],
  ['116', 'rotavirus, pentavalent', 2, [2, 4, 6]],
  ['20', 'DTaP', 0.5, [2, 4, 6, 15]],
  ['49', 'Hib (PRP-OMP)', 0.5, [2, 4, 12]],
  ['133', 'Pneumococcal conjugate PCV 13', 0.5, [2, 4, 6, 12]],
  ['10', 'IPV', 0.5, [2, 4, 6]],
  ['83', 'Hep A, ped/adol, 2 dose', 0.5, [12, 18]],
  ['03', 'MMR', 0.5, [12]],
  ['21', 'varicella', 0.5, [12]],
  ['94', 'MMRV', 0.5, [48]],
  ['130', 'DTaP-IPV', 0.5, [48]],
  ['161', 'Influenza, injectable, quadrivalent, preservative free, pediatric', 0.25, [9, 24, 30]],
  ['150', 'Influenza, injectable, quadrivalent, preservative free', 0.5, [36, 48, 60, 72, 84, 96, 108]],
] as const;

export const addImmunizations = (record: RecordBuilder, directory: Directory, visits: Visits): void => {
  for (const [code, name, milliliters, ages] of schedule) {
    for (const [index, age] of ages.entries()) {
      const vaccineCode = concept(systems.cvx, code, name, name);
      addDose(record, directory, visits.wellAt(age), vaccineCode, milliliters, index + 1);
    }
  }
  addRefusal(record, directory, visits.wellAt(18));
};

const addDose = (
  record: RecordBuilder,
  directory: Directory,
  visit: Visit,
  vaccineCode: unknown,
  milliliters: number,
  doseNumberPositiveInt: number,
): void => {
  record.add('Immunization', 'us-core-immunization', {
    status: 'completed',
    vaccineCode,
    patient: ref(record.patient),
    encounter: ref(visit.encounter),
    occurrenceDateTime: visit.at('10:05'),
    primarySource: true,
    location: ref(directory.clinicRooms),
    lotNumber: `C${record.random.integer(10_000, 99_999)}`,
    expirationDate: addTo(visit.date, record.random.integer(2, 6)),
    site: concept('http://terminology.hl7.org/CodeSystem/v3-ActSite', 'LT', 'left thigh'),
    doseQuantity: quantity(milliliters, 2, 'mL'),
    performer: [{ actor: ref(directory.nurse) }],
    protocolApplied: [{ doseNumberPositiveInt }],
  });
};

/** A dose that was due but not given. The status reason says why. */
const addRefusal = (record: RecordBuilder, directory: Directory, visit: Visit): void => {
  const reason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
  record.add('Immunization', 'us-core-immunization', {
    status: 'not-done',
    statusReason: concept(reason, 'PATOBJ', 'patient objection', 'Family asked to wait until the cold is over'),
    vaccineCode: concept(systems.cvx, '161', 'Influenza, injectable, quadrivalent, preservative free, pediatric'),
    patient: ref(record.patient),
    encounter: ref(visit.encounter),
    occurrenceDateTime: visit.at('10:05'),
    primarySource: true,
    performer: [{ actor: ref(directory.nurse) }],
  });
};
