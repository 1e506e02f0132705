import { randomUUID } from 'node:crypto';
import type { Permission } from './consent.ts';
import type { PlanIdentifier } from './options.ts';
import type { MemberBundle, SubmittedCoverage, SubmittedPatient } from './request.ts';

/** The outcomes of a match: codes of PdexMultiMemberMatchResultCS. */
export type Outcome = 'match' | 'nomatch' | 'consentconstraint';

/** One submitted member, and the outcome. */
export interface Judged {
  readonly bundle: MemberBundle;
  readonly outcome: Outcome;
  /** The patient id here, and what the member permits, if the outcome is a match. */
  readonly patientId?: string;
  readonly permission?: Permission;
}

/** A Group of matched members, as it is kept for exports. */
export interface MatchedGroup {
  readonly id: string;
  /** The Group resource. */
  readonly text: string;
  readonly members: readonly { readonly patientId: string; readonly permission: Permission }[];
  /** Whose it is: identifiers of the plan that asked. */
  readonly newPlan: readonly Partial<PlanIdentifier>[];
}

const pdex = 'http://hl7.org/fhir/us/davinci-pdex';
const about: Readonly<Record<Outcome, readonly [display: string, name: string, profile: string]>> = {
  match: ['Matched', 'Matched Members', 'pdex-member-match-group'],
  nomatch: ['Not Matched', 'Non-Matched Members', 'pdex-member-no-match-group'],
  consentconstraint: ['Consent Constraint', 'Consent-Constrained Members', 'pdex-member-no-match-group'],
};

/** Elements that a contained resource must not have (R4, References; pdex-151a). */
const asContained = (resource: object): object => {
  const {
    meta,
    contained: _,
    ...rest
  } = resource as {
    readonly meta?: Readonly<Record<string, unknown>>;
    readonly contained?: unknown;
  };
  const { versionId: __, lastUpdated: ___, security: ____, ...kept } = meta ?? {};
  return { ...rest, ...(Object.keys(kept).length > 0 && { meta: kept }) };
};

/** Submitted patients whose coverages must tell their entries apart (pdex-153). */
const submittedTwice = (all: readonly Judged[]): ReadonlySet<string> =>
  new Set(
    [...Map.groupBy(all, ({ bundle }) => bundle.patient.id)].flatMap(([id, same]) => (same.length > 1 ? [id] : [])),
  );

const extension = (name: string, id: string): object => ({
  url: `${pdex}/StructureDefinition/base-ext-match-${name}`,
  valueReference: { reference: `#${id}` },
});

/** The contained resources of a Group, each with an id of its own. */
const createContained = () => {
  const resources = new Map<string, object>();
  return {
    addPatient: (patient: SubmittedPatient): string => {
      resources.set(patient.id, asContained(patient));
      return patient.id;
    },
    addCoverage: (coverage: SubmittedCoverage): string => {
      const isFree = coverage.id !== undefined && !resources.has(coverage.id);
      const id = isFree ? coverage.id : `coverage-${resources.size}`;
      resources.set(id, asContained({ ...coverage, id }));
      return id;
    },
    all: (): readonly object[] => [...resources.values()],
  };
};

/**
 * The Group of one outcome (PDexMemberMatchGroup, PDexMemberNoMatchGroup).
 * @param members those with this outcome
 * @param all all that were submitted
 */
export const groupOf = (
  outcome: Outcome,
  members: readonly Judged[],
  all: readonly Judged[],
  {
    plan,
    planName,
    newPlan,
    now,
  }: {
    readonly plan: PlanIdentifier;
    readonly planName: string;
    readonly newPlan: readonly Partial<PlanIdentifier>[];
    /** Epoch milliseconds. */
    readonly now: number;
  },
): { readonly id: string; readonly text: string } => {
  const id = randomUUID();
  const [display, name, profile] = about[outcome];
  const code = { coding: [{ system: `${pdex}/CodeSystem/PdexMultiMemberMatchResultCS`, code: outcome, display }] };
  const contained = createContained();
  const twice = submittedTwice(all);
  const member = members.map(({ bundle, patientId }) => {
    const own = contained.addPatient(bundle.patient);
    const coverage = twice.has(own) ? [extension('coverage', contained.addCoverage(bundle.coverage))] : [];
    const reference = patientId === undefined ? `#${own}` : `Patient/${patientId}`;
    return { entity: { extension: [extension('parameters', own), ...coverage], reference } };
  });
  const [requester] = newPlan;
  const group = {
    resourceType: 'Group',
    id,
    meta: { lastUpdated: new Date(now).toISOString(), profile: [`${pdex}/StructureDefinition/${profile}`] },
    text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${name}: ${member.length}</div>` },
    ...(member.length > 0 && { contained: contained.all() }),
    identifier: newPlan,
    active: true,
    type: 'person',
    actual: true,
    code,
    name,
    quantity: member.length,
    managingEntity: { identifier: plan, display: planName },
    ...(outcome === 'match' && {
      characteristic: [
        {
          code,
          valueReference: { identifier: requester },
          exclude: false,
          period: { start: new Date(now).toISOString().slice(0, 10) },
        },
      ],
    }),
    ...(member.length > 0 && { member }),
  };
  return { id, text: JSON.stringify(group) };
};

/** PDex 2.1's envelope around the Groups. */
export const envelopeOf = (groups: readonly { readonly outcome: Outcome; readonly text: string }[]): string => {
  const names = {
    match: 'MatchedMembers',
    nomatch: 'NonMatchedMembers',
    consentconstraint: 'ConsentConstrainedMembers',
  };
  return JSON.stringify({
    resourceType: 'Parameters',
    meta: { profile: [`${pdex}/StructureDefinition/pdex-parameters-multi-member-match-bundle-out`] },
    parameter: groups.map(({ outcome, text }) => ({ name: names[outcome], resource: JSON.parse(text) as object })),
  });
};
