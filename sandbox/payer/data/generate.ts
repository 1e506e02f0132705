import { createBuilder } from './builder.ts';
import { addDirectory } from './directory.ts';
import { addDocuments } from './documents.ts';
import { addImmunizations } from './immunizations.ts';
import { addLabs } from './labs.ts';
import { generateLargeRecord } from './large.ts';
import { addMedications } from './medications.ts';
import { addCareTeam, addMother, addPatient } from './patient.ts';
import { addPlans } from './plans.ts';
import { addAllergies, addProblems } from './problems.ts';
import { addProcedures } from './procedures.ts';
import { addProvenance } from './provenance.ts';
import type { MemberRecord } from './record.ts';
import { addScreenings } from './screenings.ts';
import { addVisits } from './visits.ts';
import { addVitals } from './vitals.ts';

const testMember1 = {
  firstName: 'Mayte822',
  lastName: 'Venegas795',
  birthDate: '2011-01-04',
  memberId: '01-testmemid',
  postalCode: '02116',
};

/**
 * Writes the records of the payer's members: Test Member 1, a child with clinical data only, all from before 2021; and
 * a member with 100 MB of observations. The same seed gives the same texts, byte for byte.
 */
export const generateRecords = (seed = 1): MemberRecord[] => {
  return [generateTestMember1(seed), generateLargeRecord(seed)];
};

const generateTestMember1 = (seed: number): MemberRecord => {
  const record = createBuilder(seed, 'member-1', testMember1.birthDate);
  const directory = addDirectory(record);
  addPatient(record, testMember1, directory.plan, directory.pediatrician);
  const mother = addMother(record, testMember1);
  const visits = addVisits(record, directory);
  const { other } = visits;
  const problems = addProblems(record, visits);
  addAllergies(record, visits);
  addVitals(record, visits);
  addLabs(record, directory, visits);
  addScreenings(record, directory, visits);
  addImmunizations(record, directory, visits);
  addMedications(record, visits, problems);
  addProcedures(record, visits, problems);
  addPlans(record, visits, problems, addCareTeam(record, directory, mother, other.allergist.date));
  addDocuments(record, directory, visits);
  addProvenance(record, directory, other.wheeze, [problems.asthma]);
  addProvenance(record, directory, other.peanut, [problems.peanutAllergy]);
  return {
    patientId: record.patient.replace('Patient/', ''),
    member: testMember1,
    resources: record.texts(),
  };
};
