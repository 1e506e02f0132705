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
  const clinic = addOrganization(record, 'Copley Children’s Clinic', '910000002');
  const hospital = addOrganization(record, 'Back Bay Community Hospital', '910000003');
  const laboratory = addOrganization(record, 'Charles River Laboratory', '910000004');
  const pediatrician = addDoctor(record);
  const allergist = addPractitioner(record, 'Søren', 'Lindqvist', '920000003', 'Dr.');
  const clinicRooms = addLocation(record, 'Copley Children’s Clinic, second floor', clinic, 42.349_55, -71.077_4);
  return {
    plan,
    clinic,
    hospital,
    laboratory,
    pediatrician,
    allergist,
    clinicRooms,
    nurse: addPractitioner(record, 'Harriet', 'Abara', '920000002'),
    surgeon: addPractitioner(record, 'Miriam', 'Feld', '920000004', 'Dr.'),
    emergencyDoctor: addPractitioner(record, 'Tomás', 'Reyes', '920000005', 'Dr.'),
    emergencyRoom: addEmergencyRoom(record, hospital),
  };
};

const planDigits = '910000001';

export const addEmergencyRoom = (record: RecordBuilder, hospital: string): string => {
  const name = 'Back Bay Community Hospital, emergency department';
  return addLocation(record, name, hospital, 42.346_1, -71.082_65);
};

export const addHealthPlan = (record: RecordBuilder): string => {
  return addOrganization(record, 'Sandbox Health Plan', planDigits, 'payer');
};

/** The member's primary care doctor. */
export const addDoctor = (record: RecordBuilder): string => {
  return addPractitioner(record, 'Inés', 'Núñez-Okonkwo', '920000001', 'Dr.');
};

const organizationTypes = { provider: ['prov', 'Healthcare Provider'], payer: ['pay', 'Payer'] } as const;

export const addOrganization = (
  record: RecordBuilder,
  name: string,
  nineDigits: string,
  kind: keyof typeof organizationTypes = 'provider',
  profile: string | readonly string[] = 'us-core-organization',
): string => {
  const [type, typeName] = organizationTypes[kind];
  return record.add('Organization', profile, {
    identifier: [npi(nineDigits)],
    active: true,
    type: [concept('http://terminology.hl7.org/CodeSystem/organization-type', type, typeName)],
    name,
    telecom: [{ system: 'phone', value: `617-555-01${nineDigits.slice(-2)}`, use: 'work' }],
    address: [boylstonStreet(100 + Number(nineDigits.slice(-1)))],
  });
};

export const addPractitioner = (
  record: RecordBuilder,
  given: string,
  family: string,
  nineDigits: string,
  prefix?: string,
  profile: string | readonly string[] = 'us-core-practitioner',
): string => {
  return record.add('Practitioner', profile, {
    identifier: [npi(nineDigits)],
    active: true,
    name: [{ use: 'official', family, given: [given], ...(prefix && { prefix: [prefix] }) }],
    telecom: [{ system: 'phone', value: `617-555-02${nineDigits.slice(-2)}`, use: 'work' }],
  });
};

export const addLocation = (
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

/** An NPI with its check digit. These begin with 9, which no real NPI does. */
const npi = (nineDigits: string): Fields => {
  let sum = 24;
  for (const [place, digit] of Array.from(nineDigits, Number).entries()) {
    if (place % 2 === 1) sum += digit;
    else sum += digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  const type = concept(systems.identifierType, 'NPI', 'National provider identifier');
  return { type, system: systems.npi, value: `${nineDigits}${(10 - (sum % 10)) % 10}` };
};

/** The plan's identifier. */
export const healthPlanNpi = { system: systems.npi, value: String(npi(planDigits)['value']) };
