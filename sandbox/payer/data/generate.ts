import { createBuilder } from './builder.ts';
import { addDirectory } from './directory.ts';
import { addDocuments } from './documents.ts';
import { addImmunizations } from './immunizations.ts';
import { addLabs } from './labs.ts';
import { generateLargeRecord } from './large.ts';
import { addMedications } from './medications.ts';
import { testMembers } from './member-list.ts';
import type { PayerId } from './member-list.ts';
import { generateAllTypesMember } from './members/all-types.ts';
import { generateBareMember } from './members/bare.ts';
import { generateChildMember } from './members/child.ts';
import { generateClaimsMember } from './members/claims.ts';
import { generateHistoryMember } from './members/history.ts';
import { generateSensitiveMember } from './members/sensitive.ts';
import { generateTwoPlansMember } from './members/two-plans.ts';
import { addCareTeam, addMother, addPatient } from './patient.ts';
import { addPlans } from './plans.ts';
import { addAllergies, addProblems } from './problems.ts';
import { addProcedures } from './procedures.ts';
import { addProvenance } from './provenance.ts';
import { recordOf } from './record.ts';
import type { MemberRecord } from './record.ts';
import { addScreenings } from './screenings.ts';
import { addVisits } from './visits.ts';
import { addVitals } from './vitals.ts';

/** The records of a payer's members. The same seed gives the same texts, byte for byte. */
export const generateRecords = (seed = 1, payer: PayerId = 'demo-health-plan'): MemberRecord[] => [
  generateTestMember1(seed),
  generateLargeRecord(seed),
  generateClaimsMember(seed),
  generateChildMember(seed),
  generateHistoryMember(seed),
  generateTwoPlansMember(seed, payer),
  generateSensitiveMember(seed),
  generateBareMember(seed),
  generateAllTypesMember(seed),
];

const generateTestMember1 = (seed: number): MemberRecord => {
  const testMember1 = testMembers.clinical;
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
  return recordOf(record, testMember1);
};
