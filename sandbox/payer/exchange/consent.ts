import { timeRangeOf } from '../fhir/dates.ts';
import type { PlanIdentifier } from './options.ts';

/** An HRex Consent, as far as a former plan reads it. */
export interface Consent {
  readonly resourceType: string;
  readonly status?: string;
  readonly policy?: readonly { readonly uri?: string }[];
  readonly provision?: {
    readonly type?: string;
    readonly period?: { readonly start?: string; readonly end?: string };
    readonly actor?: readonly {
      readonly role?: { readonly coding?: readonly { readonly system?: string; readonly code?: string }[] };
      readonly reference?: { readonly identifier?: Partial<PlanIdentifier> };
    }[];
  };
}

/** What is kept of a Consent: it is judged again at each export. */
export interface Permission {
  readonly period: { readonly start?: string; readonly end?: string };
  /** Whether it also covers data that the law protects specially. */
  readonly sensitive: boolean;
}

const roles = {
  discloses: ['http://terminology.hl7.org/CodeSystem/provenance-participant-type', 'performer'],
  receives: ['http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP'],
} as const;

/** The identifiers of the plan in a role. */
export const plansNamed = ({ provision }: Consent, role: keyof typeof roles): readonly Partial<PlanIdentifier>[] =>
  (provision?.actor ?? [])
    .filter(({ role: { coding = [] } = {} }) =>
      coding.some(({ system, code }) => system === roles[role][0] && code === roles[role][1]),
    )
    .flatMap(({ reference }) => reference?.identifier ?? []);

const isAmong = (named: readonly Partial<PlanIdentifier>[], plans: readonly PlanIdentifier[]): boolean =>
  named.some((one) => plans.some(({ system, value }) => one.system === system && one.value === value));

/** Whether a period holds at a moment (epoch milliseconds). A last day without a time counts to its end, in UTC. */
export const holdsAt = ({ period }: Permission, now: number): boolean => {
  const range = timeRangeOf(period);
  return range !== undefined && range.start <= now && now < range.end;
};

const policyUri = 'http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html';

/** What a Consent permits; undefined if this plan cannot comply with it. @param plan this plan's own identifier */
export const permissionIn = (
  consent: Consent,
  plan: PlanIdentifier,
  newPlans: readonly PlanIdentifier[] | undefined,
  now: number,
): Permission | undefined => {
  const receivers = plansNamed(consent, 'receives');
  const policies = new Set((consent.policy ?? []).map(({ uri }) => uri));
  const permission = { period: consent.provision?.period ?? {}, sensitive: policies.has(`${policyUri}#sensitive`) };
  const complies =
    consent.status === 'active' &&
    consent.provision?.type === 'permit' &&
    (permission.sensitive || policies.has(`${policyUri}#regular`)) &&
    permission.period.start !== undefined &&
    permission.period.end !== undefined &&
    isAmong(plansNamed(consent, 'discloses'), [plan]) &&
    (newPlans === undefined ? receivers.length > 0 : isAmong(receivers, newPlans)) &&
    holdsAt(permission, now);
  return complies ? permission : undefined;
};
