import type { Mistake } from '../../shared/errors.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { Identifier } from '../../shared/registry/types.ts';
import { isMember } from './check-content.ts';
import { planNamed } from './check-plan.ts';
import { hasCode, isText, objectOf, unless } from './mistakes.ts';

/** https://hl7.org/fhir/R4/valueset-fm-status.html, without entered-in-error */
const statuses: ReadonlySet<unknown> = new Set(['active', 'cancelled', 'draft']);

/** Whether it has a member id (us-core-15), and each has a value. */
const hasMemberId = (coverage: JsonObject): boolean => {
  const ids = objectsIn(coverage['identifier']).filter(({ type }) =>
    hasCode(type, 'http://terminology.hl7.org/CodeSystem/v2-0203', 'MB'),
  );
  return (ids.length > 0 || isText(coverage['subscriberId'])) && ids.every(({ value }) => isText(value));
};

const isClass = ({ type, value }: JsonObject): boolean => isText(value) && Object.keys(objectOf(type)).length > 0;

/** Checks what HRex asks of either coverage. http://hl7.org/fhir/us/davinci-hrex/StructureDefinition/hrex-coverage */
const checkShape = (coverage: JsonObject, at: string, name: string, member: string | undefined): readonly Mistake[] => [
  ...unless(
    statuses.has(coverage['status']),
    'required',
    `${at}.status`,
    `${name} needs a status of FHIR R4 other than entered-in-error.`,
  ),
  ...unless(
    member === undefined || isMember(coverage['beneficiary'], member),
    'business-rule',
    `${at}.beneficiary`,
    `${name} must have MemberPatient as its beneficiary: Patient/ and its id.`,
  ),
  ...unless(
    objectsIn(objectOf(coverage['relationship'])['coding']).length > 0,
    'required',
    `${at}.relationship`,
    `${name} needs a coded relationship.`,
  ),
  ...unless(
    hasMemberId(coverage),
    'required',
    `${at}.identifier`,
    `${name} needs the member's id: an identifier of the type MB with a value, or subscriberId.`,
  ),
  ...unless(
    objectsIn(coverage['class']).every(isClass),
    'required',
    `${at}.class`,
    `Each class of ${name} needs a type and a value.`,
  ),
  ...unless(
    Array.isArray(coverage['payor']) && coverage['payor'].length === 1 && isObject(coverage['payor'][0]),
    'required',
    `${at}.payor`,
    `${name} needs one payor.`,
  ),
];

const payorOf = (coverage: JsonObject): unknown => objectsIn(coverage['payor'])[0];

/**
 * Checks the coverage by which the former plan is to find the member. It must name that plan by an identifier: no plan is to learn
 * of a coverage at another.
 * @param member the reference to the member; undefined if it could not be read
 */
export const checkCoverageToMatch = (
  coverage: JsonObject,
  at: string,
  member: string | undefined,
  identifiers: readonly Identifier[],
): readonly Mistake[] => [
  ...checkShape(coverage, at, 'CoverageToMatch', member),
  ...unless(
    planNamed(identifiers, coverage, payorOf(coverage)) === 'this',
    'business-rule',
    `${at}.payor`,
    'CoverageToMatch must name this health plan as its payor, by an identifier that the gateway has for it.',
  ),
];

/**
 * Checks the member's coverage at the new plan. If it names a plan by an identifier, that is the partner's.
 * @param member the reference to the member; undefined if it could not be read
 */
export const checkCoverageToLink = (
  coverage: JsonObject,
  at: string,
  member: string | undefined,
  identifiers: readonly Identifier[],
): readonly Mistake[] => [
  ...checkShape(coverage, at, 'CoverageToLink', member),
  ...unless(
    planNamed(identifiers, coverage, payorOf(coverage)) !== 'another',
    'business-rule',
    `${at}.payor`,
    'CoverageToLink names a payor that is not registered for this app.',
  ),
];
