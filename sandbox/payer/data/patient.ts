import { ref, usCore } from './builder.ts';
import type { Fields, RecordBuilder } from './builder.ts';
import type { Care } from './care.ts';
import { concept, snomed, systems } from './codes.ts';
import type { Concept } from './codes.ts';
import type { Directory } from './directory.ts';
import type { MemberDetails } from './record.ts';

const english = { language: concept('urn:ietf:bcp:47', 'en', 'English'), preferred: true };
const spanish = { language: concept('urn:ietf:bcp:47', 'es', 'Spanish') };
const raceAndEthnicity = 'urn:oid:2.16.840.1.113883.6.238';

export const addPatient = (record: RecordBuilder, member: MemberDetails, plan: string, doctor: string): void => {
  record.add('Patient', 'us-core-patient', {
    extension: [
      category('us-core-race', '2106-3', 'White'),
      category('us-core-ethnicity', '2135-2', 'Hispanic or Latino'),
      { url: usCore('us-core-birthsex'), valueCode: 'F' },
    ],
    identifier: [
      {
        type: concept(systems.identifierType, 'MB', 'Member Number'),
        system: 'https://health-plan.example/member-id',
        value: member.memberId,
        assigner: ref(plan, 'Sandbox Health Plan'),
      },
    ],
    active: true,
    name: [{ use: 'official', family: member.lastName, given: [member.firstName] }],
    telecom: [{ system: 'phone', value: '617-555-0142', use: 'home' }],
    gender: 'female',
    birthDate: member.birthDate,
    address: [home(member.postalCode)],
    communication: [english, spanish],
    generalPractitioner: [ref(doctor)],
    managingOrganization: ref(plan),
  });
};

/** Adds a member without much about them; without `care`, no plan and no doctor either. */
export const addPerson = (
  record: RecordBuilder,
  member: MemberDetails,
  person: { readonly gender: 'female' | 'male'; readonly care?: Care; readonly profiles?: readonly string[] },
): void => {
  const { gender, care, profiles = ['us-core-patient'] } = person;
  record.add('Patient', profiles, {
    extension: [
      category('us-core-race', '2106-3', 'White'),
      category('us-core-ethnicity', '2186-5', 'Not Hispanic or Latino'),
      { url: usCore('us-core-birthsex'), valueCode: gender === 'female' ? 'F' : 'M' },
    ],
    identifier: [
      {
        type: concept(systems.identifierType, 'MB', 'Member Number'),
        system: 'https://health-plan.example/member-id',
        value: member.memberId,
      },
    ],
    active: true,
    name: [{ use: 'official', family: member.lastName, given: [member.firstName] }],
    telecom: [{ system: 'phone', value: '617-555-0143', use: 'home' }],
    gender,
    birthDate: member.birthDate,
    address: [home(member.postalCode)],
    communication: [english],
    ...(care && {
      generalPractitioner: [care.doctor, care.doctorRole, care.dentistRole].map((one) => ref(one)),
      managingOrganization: ref(care.plan),
    }),
  });
};

/** The member's mother, who speaks for her. */
export const addMother = (record: RecordBuilder, member: MemberDetails): string => {
  return record.add('RelatedPerson', 'us-core-relatedperson', {
    active: true,
    patient: ref(record.patient),
    relationship: [concept(systems.roleCode, 'MTH', 'mother')],
    name: [{ family: member.lastName, given: ['Amaranta'] }],
    telecom: [{ system: 'phone', value: '617-555-0142', use: 'home' }],
    address: [home(member.postalCode)],
    communication: [spanish],
  });
};

/** The member's care team: doctor, nurse, specialist, mother. */
export const addCareTeam = (record: RecordBuilder, directory: Directory, mother: string, start: string): string => {
  return record.add('CareTeam', 'us-core-careteam', {
    status: 'active',
    name: 'Asthma and allergy care team',
    subject: ref(record.patient),
    period: { start },
    participant: [
      participant(snomed('446050000', 'Primary care physician'), directory.pediatrician),
      participant(snomed('224535009', 'Registered nurse'), directory.nurse),
      participant(concept(systems.nucc, '207K00000X', 'Allergy & Immunology Physician'), directory.allergist),
      participant(snomed('133932002', 'Caregiver'), mother),
    ],
    managingOrganization: [ref(directory.clinic)],
  });
};

export const participant = (role: Concept, member: string): Fields => {
  return { role: [role], member: ref(member) };
};

const category = (name: string, code: string, display: string): Fields => {
  return {
    url: usCore(name),
    extension: [
      { url: 'ombCategory', valueCoding: { system: raceAndEthnicity, code, display } },
      { url: 'text', valueString: display },
    ],
  };
};

/** Where every member lives, without the postal code. */
export const street = { line: ['17 Stanhope Street', 'Apt 3'], city: 'Boston', state: 'MA' } as const;

export const home = (postalCode: string): Fields => {
  return { use: 'home', ...street, postalCode, country: 'US' };
};
