import { c4bb, ref } from './builder.ts';
import type { RecordBuilder } from './builder.ts';
import { concept, systems } from './codes.ts';
import { addEmergencyRoom, addLocation, addOrganization, addPractitioner } from './directory.ts';
import type { Directory } from './directory.ts';

/** Where an adult member is treated, and by whom. */
export interface Care extends Pick<
  Directory,
  'plan' | 'clinic' | 'hospital' | 'laboratory' | 'clinicRooms' | 'emergencyRoom'
> {
  readonly pharmacy: string;
  readonly dentalOffice: string;
  readonly doctor: string;
  readonly specialist: string;
  readonly dentist: string;
  readonly doctorRole: string;
  readonly dentistRole: string;
}

/** Adds who treats an adult member, and where. All resources conform to US Core and CARIN Blue Button. */
export const addCare = (record: RecordBuilder, planName = 'Sandbox Health Plan'): Care => {
  const organization = (name: string, nineDigits: string, kind: 'provider' | 'payer' = 'provider'): string =>
    addOrganization(record, name, nineDigits, kind, ['us-core-organization', c4bb('Organization')]);
  const practitioner = (given: string, family: string, nineDigits: string): string =>
    addPractitioner(record, given, family, nineDigits, 'Dr.', ['us-core-practitioner', c4bb('Practitioner')]);
  const clinic = organization('Fenway Test Clinic', '910000012');
  const hospital = organization('Back Bay Community Hospital', '910000003');
  const dentalOffice = organization('Kenmore Test Dental', '910000015');
  const care = {
    plan: organization(planName, '910000001', 'payer'),
    clinic,
    hospital,
    dentalOffice,
    laboratory: organization('Charles River Laboratory', '910000004'),
    pharmacy: organization('Brookline Test Pharmacy', '910000014'),
    doctor: practitioner('Testina', 'Primary', '920000011'),
    specialist: practitioner('Testolf', 'Specialist', '920000012'),
    dentist: practitioner('Testa', 'Dental', '920000013'),
    clinicRooms: addLocation(record, 'Fenway Test Clinic, first floor', clinic, 42.343_8, -71.098_3),
    emergencyRoom: addEmergencyRoom(record, hospital),
  };
  return {
    ...care,
    doctorRole: addRole(record, care.doctor, clinic, ['207R00000X', 'Internal Medicine Physician']),
    dentistRole: addRole(record, care.dentist, dentalOffice, ['122300000X', 'Dentist']),
  };
};

/** Adds a practitioner's role at an organization, with its NUCC code. */
const addRole = (
  record: RecordBuilder,
  practitioner: string,
  organization: string,
  [code, display]: readonly [string, string],
): string => {
  return record.add('PractitionerRole', 'us-core-practitionerrole', {
    active: true,
    practitioner: ref(practitioner),
    organization: ref(organization),
    code: [concept(systems.nucc, code, display)],
    specialty: [concept(systems.nucc, code, display)],
    telecom: [{ system: 'phone', value: '617-555-0199', use: 'work' }],
  });
};
