import type { MemberDetails } from './record.ts';

/** The payers of the sandbox, by their ids in the configuration. */
export type PayerId = 'demo-health-plan' | 'northwind';

/** A test member, and what to try with them. */
export interface TestMember extends MemberDetails {
  readonly about: string;
}

const postalCode = '02116';

/** The members of the sandbox's payers. Each is a member of both payers. Only `two-plans` has two different records. */
export const testMembers = {
  clinical: {
    firstName: 'Mayte822',
    lastName: 'Venegas795',
    birthDate: '2011-01-04',
    memberId: '01-testmemid',
    postalCode,
    about: 'Test Member 1 of the reference page: a child with clinical data only, all from before 2021.',
  },
  large: {
    firstName: 'Large123',
    lastName: 'Record456',
    birthDate: '1970-02-03',
    memberId: '02-testmemid',
    postalCode,
    about: '80,000 glucose readings: a search for all of them returns 100 MB.',
  },
  claims: {
    firstName: 'Claims123',
    lastName: 'Household456',
    birthDate: '1979-05-14',
    memberId: '03-testmemid',
    postalCode,
    about: 'Coverage, claims of every kind (professional, institutional, pharmacy, oral), and clinical data.',
  },
  child: {
    firstName: 'Child123',
    lastName: 'Household456',
    birthDate: '2016-08-09',
    memberId: '04-testmemid',
    postalCode,
    about: 'A child in a parent’s plan: the coverage’s subscriber is the parent (the member with claims).',
  },
  history: {
    firstName: 'History123',
    lastName: 'Longlife456',
    birthDate: '1948-09-30',
    memberId: '05-testmemid',
    postalCode,
    about: 'An adult with thirty years of visits, and medicines that are still taken.',
  },
  'two-plans': {
    firstName: 'Twoplans123',
    lastName: 'Overlap456',
    birthDate: '1983-03-22',
    memberId: '06-testmemid',
    postalCode,
    about:
      'One person with a record at each payer. The records overlap but have different ids, so an app must merge them.',
  },
  sensitive: {
    firstName: 'Sensitive123',
    lastName: 'Labels456',
    birthDate: '1990-11-05',
    memberId: '07-testmemid',
    postalCode,
    about: 'Mental health, substance use and HIV, each resource with its security label.',
  },
  bare: {
    firstName: 'Bare123',
    lastName: 'Patient456',
    birthDate: '2001-07-17',
    memberId: '08-testmemid',
    postalCode,
    about: 'Only a Patient resource.',
  },
  'all-types': {
    firstName: 'Alltypes123',
    lastName: 'Example456',
    birthDate: '1972-12-01',
    memberId: '09-testmemid',
    postalCode,
    about: 'At least one resource of every type that PDex 2.0.0 names, a prior authorization among them.',
  },
} as const satisfies Record<string, TestMember>;

export type MemberKey = keyof typeof testMembers;

export const memberKeys = Object.keys(testMembers) as MemberKey[];
