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
  const elements = patientCompartment[type];
  if (elements === undefined) return usual;
  return [...new Set(Object.values(elements).flat())].filter((element) => sayWhom.has(element));
};

/** Elements that R4 does not have for a type. One may show that a resource is another patient's, not that it is the member's. */
export const elementsElsewhere = (type: string): readonly string[] => {
  const elements = elementsAbout(type);
  return usual.filter((element) => !elements.includes(element));
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
