import type { Mistake } from '../../shared/errors.ts';
import type { GroupConsent } from '../../shared/exchanges/group.ts';
import type { MatchMember } from '../../shared/exchanges/input.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { checkBounds } from './check-bounds.ts';
import { checkConsent, type Plans } from './check-consent.ts';
import { checkContent } from './check-content.ts';
import { checkCoverageToLink, checkCoverageToMatch } from './check-coverage.ts';
import { checkPatient } from './check-patient.ts';
import { objectOf, unless } from './mistakes.ts';

/** The parts of a MemberBundle, with their types. */
const partTypes = {
  MemberPatient: 'Patient',
  CoverageToMatch: 'Coverage',
  CoverageToLink: 'Coverage',
  Consent: 'Consent',
} as const;
type PartName = keyof typeof partTypes;
const isPartName = (name: unknown): name is PartName => typeof name === 'string' && Object.hasOwn(partTypes, name);
const required: readonly PartName[] = ['MemberPatient', 'CoverageToMatch', 'Consent'];

/** A part of a MemberBundle, and where it is. */
interface Part {
  readonly name: PartName;
  readonly resource: JsonObject;
  readonly at: string;
}

/** An id in the request, which nobody needs. */
const isElementId = (id: unknown): boolean => id === undefined || isFhirId(id);

const hasOnly = (object: JsonObject, names: readonly string[]): boolean =>
  Object.keys(object).every((name) => names.includes(name));

const readPart = (part: unknown, at: string): Part | Mistake => {
  const { name, resource } = objectOf(part);
  if (!isPartName(name)) {
    const names = Object.keys(partTypes).join(', ');
    return { code: 'structure', expression: at, message: `A MemberBundle has the parts ${names}, and no others.` };
  }
  const type = partTypes[name];
  return isObject(resource) &&
    resource['resourceType'] === type &&
    hasOnly(objectOf(part), ['id', 'name', 'resource']) &&
    isElementId(objectOf(part)['id'])
    ? { name, resource, at: `${at}.resource` }
    : {
        code: 'structure',
        expression: at,
        message: `${name} must be one resource of the type ${type}, and nothing else.`,
      };
};

const isPart = (part: Part | Mistake): part is Part => 'resource' in part;
const isMistake = (part: Part | Mistake): part is Mistake => !isPart(part);

/** A MemberBundle's parts by name, and what is wrong with its shape. */
const readParts = (bundle: unknown, at: string) => {
  const { name, part, id } = objectOf(bundle);
  if (
    name !== 'MemberBundle' ||
    !isElementId(id) ||
    !Array.isArray(part) ||
    !hasOnly(objectOf(bundle), ['id', 'name', 'part'])
  ) {
    const message = 'Each parameter must be a MemberBundle with parts, and nothing else.';
    return { parts: new Map<PartName, Part>(), mistakes: unless(false, 'structure', at, message) };
  }
  const read = part.map((one, index) => readPart(one, `${at}.part[${index}]`));
  const byName = Map.groupBy(read.filter(isPart), (one) => one.name);
  const mistakes = [
    ...read.filter(isMistake),
    ...required.flatMap((one) => unless(byName.has(one), 'required', at, `A MemberBundle needs ${one}.`)),
    ...[...byName].flatMap(([one, found]) =>
      unless(found.length === 1, 'structure', at, `A MemberBundle has only one ${one}.`),
    ),
  ];
  return { parts: new Map([...byName].map(([one, [first]]) => [one, first])) as Map<PartName, Part>, mistakes };
};

const checkPart = (
  { name, resource, at }: Part,
  member: string | undefined,
  plans: Plans,
  nowMs: number,
): readonly Mistake[] => {
  switch (name) {
    case 'MemberPatient':
      return checkPatient(resource, at, nowMs);
    case 'CoverageToMatch':
      return checkCoverageToMatch(resource, at, member, plans.source);
    case 'CoverageToLink':
      return checkCoverageToLink(resource, at, member, plans.recipient);
    case 'Consent':
      return checkConsent(resource, at, member, plans, nowMs);
  }
};

/** A JSON value with its members in the order of RFC 8785, so that a partner can make the same text of the same Consent. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, canonical(value[name])]),
  );
};

/** What is kept of a checked Consent: which it was, and until when it holds. */
const consentOf = (consent: JsonObject): GroupConsent => ({
  id: String(consent['id']),
  hash: sha256(JSON.stringify(canonical(consent))),
  endsAt: String(objectOf(objectOf(consent['provision'])['period'])['end']),
});

/** A checked MemberBundle: who it is about, if that can be read, and all that is wrong with it. */
export interface CheckedBundle {
  readonly patient?: string;
  readonly member?: MatchMember;
  readonly mistakes: readonly Mistake[];
}

/**
 * Checks a MemberBundle: the member, the coverage at the former plan, and the Consent to this exchange between these plans.
 * http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-parameters-multi-member-match-bundle-in
 * @param at FHIRPath of the bundle
 */
export const checkBundle = (bundle: unknown, at: string, plans: Plans, nowMs: number): CheckedBundle => {
  const tooMuch = checkBounds(bundle, at);
  if (tooMuch.length > 0) return { mistakes: tooMuch };
  const { parts, mistakes: ofShape } = readParts(bundle, at);
  const patient = parts.get('MemberPatient')?.resource['id'];
  const member = isFhirId(patient) ? `Patient/${patient}` : undefined;
  const identifiers = [...plans.recipient, ...plans.source];
  const mistakes = [
    ...ofShape,
    ...[...parts.values()].flatMap((part) => checkPart(part, member, plans, nowMs)),
    ...[...parts.values()].flatMap((part) => checkContent(part.resource, part.at, member, identifiers)),
  ];
  const consent = parts.get('Consent')?.resource;
  return {
    mistakes,
    ...(isFhirId(patient) ? { patient } : {}),
    ...(mistakes.length === 0 && isFhirId(patient) && consent !== undefined
      ? { member: { patient, consent: consentOf(consent) } }
      : {}),
  };
};
