import type { MemberDetails } from './record.ts';

/** The payers of the sandbox, by their ids in the configuration. */
export type PayerId = 'demo-health-plan' | 'northwind';

/** A test member, and what to try with them. */
export interface TestMember extends MemberDetails {
  readonly about: string;
  /** The last four digits of the Social Security number. */
  readonly ssnLastFour: string;
  /** The Medicare Beneficiary Identifier. With an S in second place, it is one that Medicare never gives out. */
  readonly mbi: string;
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
    ssnLastFour: '7101',
    mbi: '1S00E00AA01',
    about: 'Test Member 1 of the reference page: a child with clinical data only, all from before 2021.',
  },
  large: {
    firstName: 'Large123',
    lastName: 'Record456',
    birthDate: '1970-02-03',
    memberId: '02-testmemid',
    postalCode,
    ssnLastFour: '7102',
    mbi: '1S00E00AA02',
    about: '80,000 glucose readings: a search for all of them returns 100 MB.',
  },
  claims: {
    firstName: 'Claims123',
    lastName: 'Household456',
    birthDate: '1979-05-14',
    memberId: '03-testmemid',
    postalCode,
    ssnLastFour: '7103',
    mbi: '1S00E00AA03',
    about: 'Coverage, claims of every kind (professional, institutional, pharmacy, oral), and clinical data.',
  },
  child: {
    firstName: 'Child123',
    lastName: 'Household456',
    birthDate: '2016-08-09',
    memberId: '04-testmemid',
    postalCode,
    ssnLastFour: '7104',
    mbi: '1S00E00AA04',
    about: 'A child in a parent’s plan: the coverage’s subscriber is the parent (the member with claims).',
  },
  history: {
    firstName: 'History123',
    lastName: 'Longlife456',
    birthDate: '1948-09-30',
    memberId: '05-testmemid',
    postalCode,
    ssnLastFour: '7105',
    mbi: '1S00E00AA05',
    about: 'An adult with thirty years of visits, and medicines that are still taken.',
  },
  'two-plans': {
    firstName: 'Twoplans123',
    lastName: 'Overlap456',
    birthDate: '1983-03-22',
    memberId: '06-testmemid',
    postalCode,
    ssnLastFour: '7106',
    mbi: '1S00E00AA06',
    about:
      'One person with a record at each payer. The records overlap but have different ids, so an app must merge them.',
  },
  sensitive: {
    firstName: 'Sensitive123',
    lastName: 'Labels456',
    birthDate: '1990-11-05',
    memberId: '07-testmemid',
    postalCode,
    ssnLastFour: '7107',
    mbi: '1S00E00AA07',
    about: 'Mental health, substance use and HIV, each resource with its security label.',
  },
  bare: {
    firstName: 'Bare123',
    lastName: 'Patient456',
    birthDate: '2001-07-17',
    memberId: '08-testmemid',
    postalCode,
    ssnLastFour: '7108',
    mbi: '1S00E00AA08',
    about: 'Only a Patient resource.',
  },
  'all-types': {
    firstName: 'Alltypes123',
    lastName: 'Example456',
    birthDate: '1972-12-01',
    memberId: '09-testmemid',
    postalCode,
    ssnLastFour: '7109',
    mbi: '1S00E00AA09',
    about: 'At least one resource of every type that PDex 2.0.0 names, a prior authorization among them.',
  },
} as const satisfies Record<string, TestMember>;

export type MemberKey = keyof typeof testMembers;

export const memberKeys = Object.keys(testMembers) as MemberKey[];
