/** A part of a record that a member may share or keep back. */
export interface Share {
  readonly name: string;
  /** As the consent page says it. */
  readonly text: string;
  readonly types: readonly string[];
}

/** What goes with every part: who the member is, and whom the record names. */
export const alwaysShared: Share = {
  name: 'identity',
  text: 'Your name, birthdate, address and member ID',
  types: ['Patient', 'RelatedPerson', 'Practitioner', 'PractitionerRole', 'Organization', 'Location', 'Provenance'],
};

/** The parts that a member chooses from. */
export const shares: readonly Share[] = [
  {
    name: 'conditions',
    text: 'Conditions, allergies and care plans',
    types: ['Condition', 'AllergyIntolerance', 'CarePlan', 'Goal'],
  },
  {
    name: 'medications',
    text: 'Medications and immunizations',
    types: ['MedicationRequest', 'MedicationDispense', 'MedicationAdministration', 'Medication', 'Immunization'],
  },
  {
    name: 'visits',
    text: 'Visits, procedures and care teams',
    types: ['Encounter', 'Procedure', 'ServiceRequest', 'CareTeam', 'Device'],
  },
  {
    name: 'results',
    text: 'Test results, vital signs and reports',
    types: ['Observation', 'DiagnosticReport', 'Specimen', 'QuestionnaireResponse'],
  },
  {
    name: 'notes',
    text: 'Clinical notes and documents',
    types: ['DocumentReference', 'Binary'],
  },
  {
    name: 'claims',
    text: 'Coverage and claims',
    types: ['Coverage', 'ExplanationOfBenefit'],
  },
];

/** The types of the chosen parts, and of what goes with every part. */
export const typesOfShares = (names: readonly string[]): readonly string[] =>
  [alwaysShared, ...shares.filter(({ name }) => names.includes(name))].flatMap(({ types }) => types);
