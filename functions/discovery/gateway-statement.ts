import { mayBeAsked } from '../shared/partner/authenticate-system.ts';
import type { Payer } from '../shared/registry/types.ts';
import { bulkDataStatement, exportOperation, hasExports } from './export-operation.ts';
import type { Facade } from './facade.ts';
import { groupResource } from './group-operations.ts';
import { security } from './security.ts';

/** Types of the Payer-to-Payer exchange (Da Vinci PDex) that R4 can search by `patient`. */
const byPatient = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'ExplanationOfBenefit',
  'Goal',
  'Immunization',
  'MedicationDispense',
  'MedicationRequest',
  'Observation',
  'Procedure',
  'Provenance',
];
const others = ['Location', 'Medication', 'Organization', 'Patient', 'Practitioner', 'PractitionerRole'];

const definition = (type: string, name: string): string => `http://hl7.org/fhir/SearchParameter/${type}-${name}`;

/** R4's `$everything` on Patient. */
export const everything = {
  name: 'everything',
  definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
};
const byId = { name: '_id', type: 'token', definition: 'http://hl7.org/fhir/SearchParameter/Resource-id' };

/** The operations on Patient. */
const operations = (payer: Payer) => [
  ...(payer.everything ? [everything] : []),
  ...(hasExports(payer) ? [exportOperation] : []),
];

const resource = (type: string, onPatient: ReturnType<typeof operations>) => ({
  type,
  interaction: [{ code: 'read' }, { code: 'search-type' }],
  searchParam: [
    byId,
    ...(byPatient.includes(type)
      ? [{ name: 'patient', type: 'reference', definition: definition(type, 'patient') }]
      : []),
  ],
  ...(type === 'Patient' && onPatient.length > 0 ? { operation: onPatient } : {}),
});

/** The types that most payers have, for a payer that does not list its own. */
export const usualResources = (payer: Payer) =>
  [...byPatient, ...others].sort().map((type) => resource(type, operations(payer)));

/** A small statement of our own, for a payer that requires a token for its own. */
export const gatewayStatement = (payer: Payer, facade: Facade) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-11-25',
  kind: 'instance',
  ...(hasExports(payer) ? { instantiates: [bulkDataStatement] } : {}),
  implementation: { description: `${payer.displayName}, read through the gateway`, url: facade.base },
  fhirVersion: '4.0.1',
  format: ['application/fhir+json', 'json'],
  rest: [
    {
      mode: 'server',
      documentation:
        'The health plan requires a token for its own capability statement. This is the gateway’s summary: it may list requests that the plan does not answer.',
      security: security(facade),
      resource: [...usualResources(payer), ...(mayBeAsked(payer) ? [groupResource(payer)] : [])],
    },
  ],
});
