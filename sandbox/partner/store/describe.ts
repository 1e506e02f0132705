import { nameOf, textOf, titleOf, unitOf, valueOf } from '../fhir.ts';
import type { CodeableConcept, Quantity, Resource } from '../fhir.ts';
import { shortDay } from '../pages/format.ts';

type Parts = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const concept = (value: unknown): string => textOf((Array.isArray(value) ? value[0] : value) as CodeableConcept) ?? '';
const list = (value: unknown): readonly Parts[] => (Array.isArray(value) ? (value as readonly Parts[]) : []);
const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' · ');
const sentence = (code: string): string => {
  const words = code.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Elements that name a resource, the best first. */
const concepts = ['code', 'vaccineCode', 'medicationCodeableConcept', 'type', 'description', 'category'];
const texts = ['name', 'title', 'description'];

/** The first name found in the elements that usually hold one. */
const usualTitle = (resource: Resource): string => {
  for (const element of texts) if (typeof resource[element] === 'string') return resource[element];
  for (const element of concepts) {
    const found = concept(resource[element]);
    if (found !== '') return found;
  }
  return sentence(text(resource['status']));
};

const containedMedicine = (resource: Resource): string => {
  const reference = text((resource['medicationReference'] as Parts | undefined)?.['reference']);
  const contained = list(resource['contained']).find(({ id }) => reference === `#${text(id)}`);
  return contained === undefined ? '' : concept(contained['code']);
};

const medicine = (resource: Resource): string =>
  concept(resource['medicationCodeableConcept']) ||
  containedMedicine(resource) ||
  text((resource['medicationReference'] as Parts | undefined)?.['display']) ||
  'Medicine';

const deviceName = (resource: Resource): string =>
  text(list(resource['deviceName'])[0]?.['name']) || concept(resource['type']) || 'Device';

const planOf = (resource: Resource): string => {
  const plan = list(resource['class']).find((one) => concept(one['type']) === 'Plan');
  return text(plan?.['name']) || concept(resource['type']) || 'Coverage';
};

const titles: Readonly<Record<string, (resource: Resource) => string>> = {
  Observation: titleOf,
  Patient: nameOf,
  Practitioner: nameOf,
  RelatedPerson: nameOf,
  MedicationRequest: medicine,
  MedicationDispense: medicine,
  MedicationStatement: medicine,
  MedicationAdministration: medicine,
  Encounter: (resource) => concept(resource['type']) || text((resource['class'] as Parts | undefined)?.['display']),
  Device: deviceName,
  Coverage: planOf,
  ExplanationOfBenefit: (resource) => `${concept(resource['type']) || 'Health'} claim`,
};

/** What a resource is, in a few words. */
export const titleOfResource = (resource: Resource): string => {
  const title = (titles[resource.resourceType] ?? usualTitle)(resource);
  return title === '' ? 'No name given' : title;
};

const status = (resource: Resource, usual: string): string => {
  const value = text(resource['status']);
  return value === usual ? '' : sentence(value);
};

/** The code of its state, such as `active`; a condition's and an allergy's clinical state. */
export const stateOf = (resource: Resource): string => {
  const [coding] = (resource['clinicalStatus'] as CodeableConcept | undefined)?.coding ?? [];
  return coding?.code ?? text(resource['status']);
};

const dosage = (resource: Resource): string => text(list(resource['dosageInstruction'])[0]?.['text']);

const amount = (quantity: unknown): string => {
  if (typeof quantity !== 'object' || quantity === null) return '';
  const { value = '', ...unit } = quantity as Quantity;
  return `${value} ${unitOf(unit)}`.trim();
};

const until = (date: unknown): string => (typeof date === 'string' ? `until ${shortDay(date)}` : '');

const reaction = (resource: Resource): string => {
  const reactions = list(resource['reaction']).map((one) => {
    const what = list(one['manifestation']).map(concept).join(', ');
    const severity = text(one['severity']);
    return severity === '' ? what : `${what} (${severity})`;
  });
  return reactions.length === 0 ? '' : `Reaction: ${reactions.join('; ')}`;
};

const risk = (resource: Resource): string => (text(resource['criticality']) === 'high' ? 'High risk' : '');

const details: Readonly<Record<string, (resource: Resource) => string>> = {
  Observation: valueOf,
  Condition: (resource) => joined(sentence(stateOf(resource)), until(resource['abatementDateTime'])),
  AllergyIntolerance: (resource) => joined(risk(resource), reaction(resource)),
  MedicationRequest: (resource) => joined(dosage(resource), sentence(text(resource['status']))),
  MedicationDispense: (resource) => joined(amount(resource['quantity']), status(resource, 'completed')),
  Immunization: (resource) => joined(amount(resource['doseQuantity']), status(resource, 'completed')),
  Encounter: (resource) => joined(concept(resource['reasonCode']), status(resource, 'finished')),
  Procedure: (resource) => joined(concept(resource['reasonCode']), status(resource, 'completed')),
  DiagnosticReport: (resource) => joined(text(resource['conclusion']), status(resource, 'final')),
  DocumentReference: (resource) => joined(concept(resource['category']), status(resource, 'current')),
  ExplanationOfBenefit: (resource) =>
    list(resource['item'])
      .map((item) => concept(item['productOrService']))
      .join('; '),
  Goal: (resource) => sentence(text(resource['lifecycleStatus'])),
  CareTeam: (resource) => sentence(text(resource['status'])),
};

/** More about it: a value, a status, a dose. Empty if there is nothing to say. */
export const detailOfResource = (resource: Resource): string =>
  details[resource.resourceType]?.(resource) ?? sentence(text(resource['status']));
