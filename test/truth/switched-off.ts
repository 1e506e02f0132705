import type { PayerSpec } from './spec.ts';

/** The types that the gateway searches wherever they are in scope. */
const usualTypes = new Set(
  (
    'AllergyIntolerance CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter ' +
    'ExplanationOfBenefit Goal Immunization MedicationDispense MedicationRequest Observation Patient Procedure ' +
    'QuestionnaireResponse RelatedPerson ServiceRequest Specimen Practitioner Organization Location Medication ' +
    'PractitionerRole HealthcareService Endpoint Substance'
  ).split(' '),
);

const usualOf = (types: readonly string[]): string[] => [
  ...new Set(['Patient', ...types.filter((type) => usualTypes.has(type))]),
];

/**
 * What the gateway does not get right yet. Each turns a payer into one without the feature. A feature is switched on by
 * taking it out of this list.
 */
const features: Readonly<Record<string, (spec: PayerSpec) => PayerSpec>> = {
  'types beyond the usual ones': (spec) => ({
    ...spec,
    types: spec.types.filter(({ type }) => usualTypes.has(type)),
    chains: spec.chains
      .map((chain) => ({ ...chain, types: chain.types.filter((type) => usualTypes.has(type)) }))
      .filter(({ types }) => types.length > 0),
    ...(spec.asked === undefined ? {} : { asked: usualOf(spec.asked) }),
    ...(spec.scope === undefined ? {} : { scope: usualOf(spec.scope) }),
  }),
  'references of references': (spec) => ({
    ...spec,
    chains: spec.chains.map((chain) => ({ ...chain, types: chain.types.slice(0, 1) })),
  }),
  'parameters by another name': (spec) => ({
    ...spec,
    types: spec.types.map((type) => ({ ...type, parameters: 'all' })),
  }),
  'pages that skip': (spec) => ({
    ...spec,
    types: spec.types.map((type) => ({ ...type, pages: type.pages === 'skip' ? 'plain' : type.pages })),
  }),
  'suppressed resources': (spec) => ({
    ...spec,
    types: spec.types.map((type) => ({ ...type, search: type.search === 'suppresses' ? 'finds' : type.search })),
  }),
  'an $everything that falls short': (spec) => ({
    ...spec,
    everything: spec.everything === 'short' ? 'whole' : spec.everything,
  }),
  'a record without its Patient': (spec) => ({ ...spec, patient: 'given' }),
  'old resources by reference': (spec) => ({
    ...spec,
    chains: spec.chains.map((chain) => ({ ...chain, isOld: false })),
  }),
  "AuditEvents with a stranger's agent": (spec) => ({
    ...spec,
    foreign: spec.foreign.filter(({ type }) => type !== 'AuditEvent'),
  }),
};

/** The payer without what is switched off. */
export const withoutSwitchedOff = (spec: PayerSpec): PayerSpec =>
  Object.values(features).reduce((left, take) => take(left), spec);
