import { patientCompartment } from '../../shared/fhir/patient-compartment.ts';

/**
 * The elements of the patient compartment that say whom a resource is about. The others say who wrote, did, pays for or
 * receives something: an author, a subscriber or a payee may be someone else.
 */
const sayWhom = new Set([
  'patient',
  'subject',
  'actor',
  'beneficiary',
  'candidate',
  'deliverTo',
  'entity.what',
  'for',
  'individual',
  'link.target',
  'member.entity',
  'participant.actor',
  'target',
]);

/** Types outside the compartment, such as Device and Contract, have these elements. */
const usual = ['patient', 'subject'];

/** The elements that say whom a resource of a type is about, such as `participant.actor`. */
export const elementsAbout = (type: string): readonly string[] => {
  const elements = Object.values(patientCompartment[type] ?? {}).flat();
  return [...new Set([...usual, ...elements.filter((element) => sayWhom.has(element))])];
};

/** The other elements of the patient compartment: who has a part in a resource of a type. */
export const elementsOfParts = (type: string): readonly string[] =>
  Object.values(patientCompartment[type] ?? {})
    .flat()
    .filter((element) => !sayWhom.has(element));

/** The search parameters of the compartment that find resources of a type by whom they are about. */
export const parametersAbout = (type: string): readonly string[] =>
  Object.entries(patientCompartment[type] ?? {})
    .filter(([, elements]) => elements.some((element) => sayWhom.has(element)))
    .map(([code]) => code);
