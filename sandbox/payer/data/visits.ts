import { ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { snomed, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import type { Directory } from './directory.ts';
import { addTo, boston, weekday } from './time.ts';

export type VisitKind = keyof typeof visitTypes;

/** Where visits take place. */
type Places = Pick<Directory, 'clinic' | 'hospital' | 'clinicRooms' | 'emergencyRoom'>;

/** One visit of the member. */
export interface Visit {
  readonly encounter: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly ageMonths: number;
  readonly kind: VisitKind;
  readonly practitioner: string;
  /** A dateTime on the day of the visit. */
  at(time: string): string;
}

const wellAges = [0, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36, 48, 60, 72, 84, 96, 108];

/** The other visits, by the names that the rest of the record uses. */
const otherVisits = {
  firstOtitis: ['sick', 11, 'pediatrician', '65363002', 'Otitis media'],
  croup: ['emergency', 20, 'emergencyDoctor', '71186008', 'Croup'],
  secondOtitis: ['sick', 27, 'pediatrician', '65363002', 'Otitis media'],
  tubes: ['specialist', 33, 'surgeon', '80327007', 'Serous otitis media'],
  peanut: ['emergency', 40, 'emergencyDoctor', '91935009', 'Allergy to peanut'],
  allergist: ['specialist', 42, 'allergist', '91935009', 'Allergy to peanut'],
  wheeze: ['sick', 53, 'pediatrician', '56018004', 'Wheezing'],
  strep: ['sick', 66, 'pediatrician', '43878008', 'Streptococcal sore throat'],
  stomach: ['sick', 79, 'pediatrician', '25374005', 'Gastroenteritis'],
  wrist: ['emergency', 91, 'emergencyDoctor', '263199001', 'Fracture of distal end of radius'],
  wristCheck: ['specialist', 93, 'surgeon', '263199001', 'Fracture of distal end of radius'],
  asthmaCheck: ['specialist', 102, 'allergist', '195967001', 'Asthma'],
} as const;

export type OtherVisit = keyof typeof otherVisits;

export interface Visits {
  /** Well-child visits, earliest first. */
  readonly well: readonly Visit[];
  readonly other: Readonly<Record<OtherVisit, Visit>>;
  /** The well-child visit at this age. */
  readonly wellAt: (ageMonths: number) => Visit;
}

export const addVisits = (record: RecordBuilder, directory: Directory): Visits => {
  const well = wellAges.map((age) => addVisit(record, directory, 'well', age, directory.pediatrician));
  const other = Object.fromEntries(
    Object.entries(otherVisits).map(([key, [kind, age, practitioner, code, reason]]) => [
      key,
      addVisit(record, directory, kind, age, directory[practitioner], snomed(code, reason)),
    ]),
  ) as Record<OtherVisit, Visit>;
  const wellAt = (ageMonths: number): Visit => {
    const visit = well.find((candidate) => candidate.ageMonths === ageMonths);
    if (!visit) throw new RangeError(`no well-child visit at ${ageMonths} months`);
    return visit;
  };
  return { well, other, wellAt };
};

const visitTypes = {
  well: ['410620009', 'Well child visit'],
  sick: ['185345009', 'Encounter for symptom'],
  emergency: ['50849002', 'Emergency room admission'],
  specialist: ['11429006', 'Consultation'],
  checkup: ['185349003', 'Encounter for check up'],
  followUp: ['390906007', 'Follow-up encounter'],
  inpatient: ['32485007', 'Hospital admission'],
} as const;

const addVisit = (
  record: RecordBuilder,
  directory: Directory,
  kind: VisitKind,
  ageMonths: number,
  practitioner: string,
  reason?: Concept,
): Visit => {
  const date = addTo(record.birthDate, ageMonths, record.random.integer(2, 9));
  return { ...addEncounter(record, directory, { kind, date, practitioner, reason }), ageMonths };
};

const classes = {
  ambulatory: { system: systems.actCode, code: 'AMB', display: 'ambulatory' },
  emergency: { system: systems.actCode, code: 'EMER', display: 'emergency' },
  inpatient: { system: systems.actCode, code: 'IMP', display: 'inpatient encounter' },
} as const;

/** Adds a visit on a day; on the Monday after it, if the clinic is closed. */
export const addEncounter = (
  record: RecordBuilder,
  places: Places,
  visit: {
    readonly kind: VisitKind;
    /** `YYYY-MM-DD` */
    readonly date: string;
    readonly practitioner: string;
    readonly reason?: Concept | undefined;
    /** How many nights the member stayed. */
    readonly nights?: number;
  },
): Visit => {
  const { kind, date, practitioner, reason, nights = 0 } = visit;
  const emergency = kind === 'emergency';
  const hospital = emergency || kind === 'inpatient';
  const [typeCode, typeName] = visitTypes[kind];
  const day = hospital ? date : weekday(date);
  const performer = { system: systems.participationType, code: 'PPRF', display: 'primary performer' };
  const encounter = record.add('Encounter', 'us-core-encounter', {
    identifier: [{ system: 'https://copley-clinic.example/visit', value: `V${day.replaceAll('-', '')}` }],
    status: 'finished',
    class: classes[hospital ? kind : 'ambulatory'],
    type: [snomed(typeCode, typeName)],
    subject: ref(record.patient),
    participant: [{ type: [{ coding: [performer] }], individual: ref(practitioner) }],
    period: { start: boston(day, '09:30'), end: boston(addTo(day, 0, nights), hospital ? '13:45' : '10:15') },
    ...(reason && { reasonCode: [reason] }),
    location: [{ location: ref(hospital ? places.emergencyRoom : places.clinicRooms) }],
    serviceProvider: ref(hospital ? places.hospital : places.clinic),
  });
  const ageMonths = monthsBetween(record.birthDate, day);
  return { encounter, date: day, ageMonths, kind, practitioner, at: (time) => boston(day, time) };
};

const monthsBetween = (from: string, to: string): number => {
  const [fromYear = 0, fromMonth = 0] = from.split('-').map(Number);
  const [toYear = 0, toMonth = 0] = to.split('-').map(Number);
  return (toYear - fromYear) * 12 + toMonth - fromMonth;
};
