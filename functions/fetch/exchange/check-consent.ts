import type { Mistake } from '../../shared/errors.ts';
import { periodHolds, spanOf } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Identifier } from '../../shared/registry/types.ts';
import { isMember } from './check-content.ts';
import { planNamed } from './check-plan.ts';
import { hasCode, objectOf, unless } from './mistakes.ts';

const terminology = 'http://terminology.hl7.org/CodeSystem';
const policies: ReadonlySet<unknown> = new Set(
  ['regular', 'sensitive'].map(
    (kind) => `http://hl7.org/fhir/us/davinci-hrex/StructureDefinition-hrex-consent.html#${kind}`,
  ),
);

/** What HRex does not allow in a provision: it would narrow, or turn around, what the policy says. */
const narrowing = ['securityLabel', 'purpose', 'class', 'code', 'dataPeriod', 'data', 'provision'];

/** Who asks whom. */
export interface Plans {
  /** Identifiers of the new plan, whose partner asks. */
  readonly recipient: readonly Identifier[];
  /** Identifiers of the former plan, which is asked. */
  readonly source: readonly Identifier[];
}

/** Whether a plan is the actor with a role, and no other is. HRex allows others, but the former plan is not to learn of them. */
const isOnlyActor = (
  consent: JsonObject,
  actors: readonly JsonObject[],
  role: readonly [system: string, code: string],
  identifiers: readonly Identifier[],
): boolean => {
  const own = actors.filter((actor) => hasCode(actor['role'], ...role));
  return own.length > 0 && own.every(({ reference }) => planNamed(identifiers, consent, reference) === 'this');
};

/** Whether no actor and no custodian of a Consent has an identifier that is neither plan's. */
const namesNoOther = (consent: JsonObject, actors: readonly JsonObject[], { recipient, source }: Plans): boolean =>
  [...actors.map(({ reference }) => reference), ...objectsIn(consent['organization'])].every((one) =>
    [recipient, source].some((identifiers) => planNamed(identifiers, consent, one) !== 'another'),
  );

/** Whether the one who agreed is the member, or a person whom the Consent itself describes as related to the member. */
const isPerformer = (consent: JsonObject, performer: unknown, member: string, nowMs: number): boolean => {
  const { reference } = objectOf(performer);
  if (reference === member) return true;
  if (typeof reference !== 'string' || !reference.startsWith('#')) return false;
  const person = objectsIn(consent['contained']).find(({ id }) => id === reference.slice(1));
  return (
    person?.['resourceType'] === 'RelatedPerson' &&
    person['active'] !== false &&
    periodHolds(objectOf(person['period']), nowMs) &&
    isMember(person['patient'], member)
  );
};

const actCode = `${terminology}/v3-ActCode`;

/** Whether no rule and no category says that the member does not agree. */
const isPermitting = ({ policyRule, category }: JsonObject): boolean => {
  const isOptOut = (concept: JsonObject): boolean =>
    objectsIn(concept['coding']).some(({ code }) => typeof code === 'string' && /^OPT-?OUT/i.test(code));
  const rules = objectsIn(objectOf(policyRule)['coding']);
  const isOptIn = ({ system, code }: JsonObject): boolean => system === actCode && code === 'OPTIN';
  return (
    (policyRule === undefined || (rules.length > 0 && rules.every(isOptIn))) && !objectsIn(category).some(isOptOut)
  );
};

const checkPeriod = (period: JsonObject, at: string, nowMs: number): readonly Mistake[] => {
  const [start, end] = [period['start'], period['end']].map((value) =>
    typeof value === 'string' ? spanOf(value) : undefined,
  );
  if (start === undefined || end === undefined) {
    return unless(false, 'required', at, 'The Consent needs a period with a start and an end, each a FHIR dateTime.');
  }
  return [
    ...unless(start.from <= nowMs, 'business-rule', `${at}.start`, 'The Consent does not hold yet, in UTC.'),
    ...unless(nowMs < end.before, 'business-rule', `${at}.end`, 'The Consent has ended, in UTC.'),
  ];
};

const checkProvision = (consent: JsonObject, provision: JsonObject, at: string, plans: Plans): readonly Mistake[] => {
  const { recipient, source } = plans;
  const actors = objectsIn(provision['actor']);
  const actions = provision['action'];
  return [
    ...unless(provision['type'] === 'permit', 'business-rule', `${at}.type`, 'The Consent does not permit.'),
    ...unless(
      isOnlyActor(consent, actors, [`${terminology}/provenance-participant-type`, 'performer'], source),
      'business-rule',
      `${at}.actor`,
      'The actor of the Consent with the role performer must be this health plan, by an identifier that the gateway has for it, and nobody else.',
    ),
    ...unless(
      isOnlyActor(consent, actors, [`${terminology}/v3-ParticipationType`, 'IRCP'], recipient),
      'business-rule',
      `${at}.actor`,
      'The actor of the Consent with the role IRCP must have an identifier that is registered for this app, and nobody else can be one.',
    ),
    ...unless(
      namesNoOther(consent, actors, plans),
      'business-rule',
      `${at}.actor`,
      'The Consent names an organization or an actor that is neither plan. Send one that names the two plans alone.',
    ),
    ...unless(
      Array.isArray(actions) && actions.length === 1 && hasCode(actions[0], `${terminology}/consentaction`, 'disclose'),
      'required',
      `${at}.action`,
      'The Consent needs one action: disclose.',
    ),
    ...narrowing.flatMap((name) =>
      unless(
        provision[name] === undefined,
        'not-supported',
        `${at}.${name}`,
        `The provision of an HRex Consent has no ${name}.`,
      ),
    ),
  ];
};

/**
 * Checks that a Consent is the member's opt-in to this exchange, and holds now.
 * http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/hrex-consent
 * @param member the reference to the member; undefined if it could not be read
 */
export const checkConsent = (
  consent: JsonObject,
  at: string,
  member: string | undefined,
  plans: Plans,
  nowMs: number,
): readonly Mistake[] => {
  const performers = consent['performer'];
  const provision = objectOf(consent['provision']);
  const hrexPolicies = objectsIn(consent['policy']).filter(({ uri }) => policies.has(uri));
  return [
    ...unless(isFhirId(consent['id']), 'required', `${at}.id`, 'The Consent needs an id; the audit names it.'),
    ...unless(consent['status'] === 'active', 'business-rule', `${at}.status`, 'The Consent is not active.'),
    ...unless(
      hasCode(consent['scope'], `${terminology}/consentscope`, 'patient-privacy'),
      'required',
      `${at}.scope`,
      'The Consent needs the scope patient-privacy.',
    ),
    ...unless(
      objectsIn(consent['category']).some((category) => hasCode(category, `${terminology}/v3-ActCode`, 'IDSCL')),
      'required',
      `${at}.category`,
      'The Consent needs the category IDSCL.',
    ),
    ...unless(
      member === undefined || isMember(consent['patient'], member),
      'business-rule',
      `${at}.patient`,
      'The Consent is not about MemberPatient: its patient must be Patient/ and the id.',
    ),
    ...unless(
      member === undefined ||
        (Array.isArray(performers) && performers.length === 1 && isPerformer(consent, performers[0], member, nowMs)),
      'business-rule',
      `${at}.performer`,
      'The Consent needs one performer: MemberPatient, or a contained RelatedPerson of MemberPatient.',
    ),
    ...unless(
      isObject(consent['sourceReference']) &&
        ['reference', 'identifier', 'display'].some((name) => name in objectOf(consent['sourceReference'])) &&
        consent['sourceAttachment'] === undefined,
      'required',
      `${at}.source`,
      'The Consent needs a sourceReference, and no sourceAttachment.',
    ),
    ...unless(
      consent['verification'] === undefined ||
        (Array.isArray(consent['verification']) &&
          consent['verification'].every((one) => objectOf(one)['verified'] === true)),
      'business-rule',
      `${at}.verification`,
      'The Consent says that somebody could not verify it.',
    ),
    ...unless(
      hrexPolicies.length === 1,
      'required',
      `${at}.policy`,
      'The Consent needs one policy of HRex: regular or sensitive.',
    ),
    ...unless(
      isPermitting(consent),
      'business-rule',
      `${at}.policyRule`,
      'The only policyRule of this Consent can be OPTIN of v3-ActCode, and no category can be an opt-out.',
    ),
    ...checkProvision(consent, provision, `${at}.provision`, plans),
    ...checkPeriod(objectOf(provision['period']), `${at}.provision.period`, nowMs),
  ];
};
