import { ref } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import { concept, decimal, systems } from './codes.ts';

/** References to a member's practitioners, organizations and locations. */
export interface Directory {
  readonly plan: string;
  readonly clinic: string;
  readonly hospital: string;
  readonly laboratory: string;
  readonly pediatrician: string;
  readonly nurse: string;
  readonly allergist: string;
  readonly surgeon: string;
  readonly emergencyDoctor: string;
  readonly clinicRooms: string;
  readonly emergencyRoom: string;
}

export const addDirectory = (record: RecordBuilder): Directory => {
  const plan = addHealthPlan(record);
  const clinic = organization(record, 'Copley Children’s Clinic', '910000002', 'prov', 'Healthcare Provider');
  const hospital = organization(record, 'Back Bay Community Hospital', '910000003', 'prov', 'Healthcare Provider');
  const laboratory = organization(record, 'Charles River Laboratory', '910000004', 'prov', 'Healthcare Provider');
  const pediatrician = addDoctor(record);
  const allergist = practitioner(record, 'Søren', 'Lindqvist', '920000003', 'Dr.');
  const clinicRooms = location(record, 'Copley Children’s Clinic, second floor', clinic, 42.349_55, -71.077_4);
  return {
    plan,
    clinic,
    hospital,
    laboratory,
    pediatrician,
    allergist,
    clinicRooms,
    nurse: practitioner(record, 'Harriet', 'Abara', '920000002'),
    surgeon: practitioner(record, 'Miriam', 'Feld', '920000004', 'Dr.'),
    emergencyDoctor: practitioner(record, 'Tomás', 'Reyes', '920000005', 'Dr.'),
    emergencyRoom: location(
      record,
      'Back Bay Community Hospital, emergency department',
      hospital,
      42.346_1,
      -71.082_65,
    ),
  };
};

export const addHealthPlan = (record: RecordBuilder): string => {
  return organization(record, 'Sandbox Health Plan', '910000001', 'pay', 'Payer');
};

/** The member's primary care doctor. */
export const addDoctor = (record: RecordBuilder): string => {
  return practitioner(record, 'Inés', 'Núñez-Okonkwo', '920000001', 'Dr.');
};

const organization = (
  record: RecordBuilder,
  name: string,
  nineDigits: string,
  type: string,
  typeName: string,
): string => {
  return record.add('Organization', 'us-core-organization', {
    identifier: [{ system: systems.npi, value: npi(nineDigits) }],
    active: true,
    type: [concept('http://terminology.hl7.org/CodeSystem/organization-type', type, typeName)],
    name,
    telecom: [{ system: 'phone', value: `617-555-01${nineDigits.slice(-2)}`, use: 'work' }],
    address: [boylstonStreet(100 + Number(nineDigits.slice(-1)))],
  });
};

const practitioner = (
  record: RecordBuilder,
  given: string,
  family: string,
  nineDigits: string,
  prefix?: string,
): string => {
  return record.add('Practitioner', 'us-core-practitioner', {
    identifier: [{ system: systems.npi, value: npi(nineDigits) }],
    active: true,
    name: [{ use: 'official', family, given: [given], ...(prefix && { prefix: [prefix] }) }],
    telecom: [{ system: 'phone', value: `617-555-02${nineDigits.slice(-2)}`, use: 'work' }],
  });
};

const location = (
  record: RecordBuilder,
  name: string,
  managedBy: string,
  latitude: number,
  longitude: number,
): string => {
  return record.add('Location', 'us-core-location', {
    status: 'active',
    name,
    address: boylstonStreet(102),
    position: { longitude: decimal(longitude, 5), latitude: decimal(latitude, 5) },
    managingOrganization: ref(managedBy),
  });
};

const boylstonStreet = (number: number): Fields => {
  return { line: [`${number} Boylston Street`], city: 'Boston', state: 'MA', postalCode: '02116', country: 'US' };
};

/** Adds the check digit of an NPI. These begin with 9, which no real NPI does. */
const npi = (nineDigits: string): string => {
  let sum = 24;
  for (const [place, digit] of Array.from(nineDigits, Number).entries()) {
    if (place % 2 === 1) sum += digit;
    else sum += digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return `${nineDigits}${(10 - (sum % 10)) % 10}`;
};
