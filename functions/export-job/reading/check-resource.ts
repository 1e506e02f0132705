import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import type { PageResource } from './page-resource.ts';
import { parseReference } from './reference.ts';

/** The rules for what belongs in the record. */
export interface RecordRules {
  /** The patient's id at the payer. */
  readonly patient: string;
  /** The payer's bases, without trailing slashes. */
  readonly bases: readonly string[];
  /** Whether a resource type was asked for and is within scope. */
  readonly isWanted: (type: string) => boolean;
}

/**
 * What to do with a resource:
 * - `keep`: it belongs in the record
 * - `outcome`: an OperationOutcome, the payer's remark on its own answer
 * - `notWanted`: a type that was not asked for, or is not within scope
 * - `notFhir`: not a resource type of R4
 * - `otherPatient`: another patient, or a resource that is only about other patients
 */
export type ResourceVerdict = 'keep' | 'outcome' | 'notWanted' | 'notFhir' | 'otherPatient';

/**
 * The elements that say whom a resource is about, from the patient compartment
 * (https://hl7.org/fhir/R4/compartmentdefinition-patient.html). An author, a subscriber or a payee may be someone
 * else, so those elements are not used.
 */
const usualElements = ['patient', 'subject'] as const;
const elementsOf: Readonly<Record<string, readonly string[]>> = {
  Appointment: ['participant.actor'],
  AppointmentResponse: ['actor'],
  AuditEvent: ['entity.what'],
  Coverage: ['beneficiary'],
  EnrollmentRequest: ['candidate'],
  Group: ['member.entity'],
  Person: ['link.target'],
  Provenance: ['target'],
  ResearchSubject: ['individual'],
  Schedule: ['actor'],
  SupplyRequest: ['deliverTo'],
  Task: ['for'],
};

/** The objects at a path, including those inside lists along it. */
const objectsAt = (resource: JsonObject, path: string): readonly JsonObject[] =>
  path.split('.').reduce<readonly JsonObject[]>(
    (found, name) =>
      found.flatMap((object) => {
        const value = object[name];
        return isObject(value) ? [value] : objectsIn(value);
      }),
    [resource],
  );

/** The ids of the patients that a resource is about, if it names them by literal references. */
const patientsOf = ({ type, resource }: Pick<PageResource, 'type' | 'resource'>, bases: readonly string[]): string[] =>
  [...usualElements, ...(elementsOf[type] ?? [])]
    .flatMap((path) => objectsAt(resource, path))
    .flatMap(({ reference }) => {
      const parsed = typeof reference === 'string' ? parseReference(reference, bases) : undefined;
      return parsed?.type === 'Patient' ? [parsed.id] : [];
    });

/** Decides whether a resource belongs in the record. Patients on other servers are compared by their ids too. */
export const checkResource = (resource: PageResource, { patient, bases, isWanted }: RecordRules): ResourceVerdict => {
  const { type, id } = resource;
  if (type === 'OperationOutcome') return 'outcome';
  if (!isResourceType(type)) return 'notFhir';
  if (!isWanted(type)) return 'notWanted';
  if (type === 'Patient') return id === patient ? 'keep' : 'otherPatient';
  const named = patientsOf(resource, bases);
  return named.length === 0 || named.includes(patient) ? 'keep' : 'otherPatient';
};
