import { ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, quantity, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import type { Directory } from './directory.ts';
import { addTo } from './time.ts';
import type { Visit, Visits } from './visits.ts';

const routes = {
  muscle: ['IM', 'Injection, intramuscular'],
  skin: ['SQ', 'Injection, subcutaneous'],
  mouth: ['PO', 'Swallow, oral'],
} as const;

/** CVX code, name, how it is given, dose in mL, and the ages in months at which it was given. */
const schedule = [
  ['08', 'Hep B, adolescent or pediatric', 'muscle', 0.5, [0, 1, 6]],
  ['116', 'rotavirus, live, pentavalent vaccine', 'mouth', 2, [2, 4, 6]],
  ['20', 'DTaP', 'muscle', 0.5, [2, 4, 6, 15]],
  ['49', 'Hib (PRP-OMP)', 'muscle', 0.5, [2, 4, 12]],
  ['133', 'Pneumococcal conjugate PCV 13', 'muscle', 0.5, [2, 4, 6, 12]],
  ['10', 'IPV', 'muscle', 0.5, [2, 4, 6]],
  ['83', 'Hep A, ped/adol, 2 dose', 'muscle', 0.5, [12, 18]],
  ['03', 'MMR', 'skin', 0.5, [12]],
  ['21', 'varicella', 'skin', 0.5, [12]],
  ['94', 'measles, mumps, rubella, and varicella virus vaccine', 'skin', 0.5, [48]],
  [
    '130',
    'Diphtheria, tetanus toxoids and acellular pertussis vaccine, and poliovirus vaccine, inactivated',
    'muscle',
    0.5,
    [48],
  ],
  // Quadrivalent vaccines came in the fall of 2013. All these visits are between October and April.
  ['140', 'Influenza, seasonal, injectable, preservative free', 'muscle', 0.25, [9, 15, 24]],
  ['150', 'influenza, injectable, quadrivalent, preservative free', 'muscle', 0.5, [36, 48, 60, 72, 84, 96, 108]],
] as const;

export const addImmunizations = (record: RecordBuilder, directory: Directory, visits: Visits): void => {
  for (const [code, name, route, milliliters, ages] of schedule) {
    for (const [index, age] of ages.entries()) {
      const vaccineCode = concept(systems.cvx, code, name, name);
      addDose(record, directory, visits.wellAt(age), vaccineCode, route, milliliters, index + 1);
    }
  }
  addRefusal(record, directory, visits.wellAt(12));
};

export const addDose = (
  record: RecordBuilder,
  directory: Pick<Directory, 'clinicRooms' | 'nurse'>,
  visit: Visit,
  vaccineCode: unknown,
  route: keyof typeof routes,
  milliliters: number,
  doseNumberPositiveInt: number,
): void => {
  const [routeCode, routeName] = routes[route];
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
    ...(route !== 'mouth' && { site: site(visit.ageMonths) }),
    route: concept(systems.routeOfAdministration, routeCode, routeName),
    doseQuantity: quantity(milliliters, 2, 'mL'),
    performer: [{ actor: ref(directory.nurse) }],
    protocolApplied: [{ doseNumberPositiveInt }],
  });
};

/** Children who do not walk well yet get injections in the thigh, older ones in the arm. */
const site = (ageMonths: number): Concept => {
  const [code, display] = ageMonths < 36 ? (['LT', 'left thigh'] as const) : (['LA', 'left arm'] as const);
  return concept(systems.actSite, code, display);
};

/** A dose that was due but not given. The status reason says why. */
const addRefusal = (record: RecordBuilder, directory: Directory, visit: Visit): void => {
  const reason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
  record.add('Immunization', 'us-core-immunization', {
    status: 'not-done',
    statusReason: concept(reason, 'PATOBJ', 'patient objection', 'Family asked to wait until the cold is over'),
    vaccineCode: concept(systems.cvx, '140', 'Influenza, seasonal, injectable, preservative free'),
    patient: ref(record.patient),
    encounter: ref(visit.encounter),
    occurrenceDateTime: visit.at('10:05'),
    primarySource: true,
    performer: [{ actor: ref(directory.nurse) }],
  });
};
