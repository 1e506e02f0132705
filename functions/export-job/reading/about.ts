import { patientCompartment } from '../../shared/fhir/patient-compartment.ts';
import { about, aboutAtSource, parts } from './patient-elements.ts';

/** The elements of each type in rows of {@link about} and the like. */
const byType = (rows: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const [element, types] of Object.entries(rows)) {
    for (const type of types.split(' ')) found.set(type, [...(found.get(type) ?? []), element]);
  }
  return found;
};

const [aboutOf, aboutAtSourceOf, partsOf] = [byType(about), byType(aboutAtSource), byType(parts)];

/** Elements that say whom a resource is about where R4 has them. R4 lets `subjectReference` name a Group only. */
const usual = ['patient', 'subject', 'subjectReference'];

/** The elements that say whom a resource of a type is about, such as `participant.actor`. */
export const elementsAbout = (type: string): readonly string[] => aboutOf.get(type) ?? [];

/** The elements that say whom it was about where it came from. */
export const elementsAtSource = (type: string): readonly string[] => aboutAtSourceOf.get(type) ?? [];

const elsewhereOf = new Map(
  [...aboutOf].map(([type, elements]) => [type, usual.filter((element) => !elements.includes(element))]),
);

/**
 * Elements that R4 does not have for a type, or not for a Patient. One may show that a resource is another patient's, not
 * that it is the member's.
 */
export const elementsElsewhere = (type: string): readonly string[] => elsewhereOf.get(type) ?? usual;

/** The elements that say who has a part in a resource of a type. */
export const elementsOfParts = (type: string): readonly string[] => partsOf.get(type) ?? [];

/** The search parameters of the compartment that find resources of a type by whom they are about. */
export const parametersAbout = (type: string): readonly string[] =>
  Object.entries(patientCompartment[type] ?? {})
    .filter(([, elements]) => elements.some((element) => elementsAbout(type).includes(element)))
    .map(([code]) => code);
