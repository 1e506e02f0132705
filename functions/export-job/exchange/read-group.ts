import type { GroupMember } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isNpi, npiSystem } from '../../shared/fhir/npi.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json/json-object.ts';
import type { MemberFault } from '../reading/problems.ts';
import { mostResourceBytes } from '../reading/split-bundle.ts';
import { containedIn, entryOf, nameOf, type Entry, type EntryFault, type ReadEntry } from './read-entry.ts';

const codes = {
  MatchedMembers: 'match',
  NonMatchedMembers: 'nomatch',
  ConsentConstrainedMembers: 'consentconstraint',
} as const;

/** https://hl7.org/fhir/us/davinci-pdex/CodeSystem-PdexMultiMemberMatchResultCS.html */
export type GroupCode = (typeof codes)[keyof typeof codes];

const isCode = (code: unknown): code is GroupCode => Object.values<unknown>(codes).includes(code);

const codeSystem = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PdexMultiMemberMatchResultCS';

/** A Group as it came. */
export interface GivenGroup {
  /** Without a line break. */
  readonly line: string;
  readonly resource: JsonObject;
  /** The name of the parameter that it came in, in the envelope of PDex 2.1. */
  readonly parameter?: string | undefined;
}

/** A Group that is passed on. */
export interface ReadGroup {
  readonly code: GroupCode;
  readonly id: string;
  /** Rebuilt from the checked parts, with nothing else from the payer. What it contains is as submitted (pdex-150). */
  readonly line: string;
  /** How many members the payer's Group has: by its entries, of which several that name the same member count once, or by its `quantity`. */
  readonly entries: number;
  /** Of matched members: those who may be exported. */
  readonly members: readonly GroupMember[];
}

/** The Groups in the envelope of PDex 2.1, a Parameters resource. */
export const groupsInEnvelope = ({ parameter, implicitRules }: JsonObject): readonly GivenGroup[] =>
  objectsIn(parameter).flatMap(({ name, resource, modifierExtension = implicitRules }) => {
    if (!isObject(resource) || resource['resourceType'] !== 'Group') return [];
    // A modifier of the envelope also applies to the Groups in it.
    const group = modifierExtension === undefined ? resource : { ...resource, modifierExtension };
    return [{ line: JSON.stringify(group), resource: group, parameter: typeof name === 'string' ? name : undefined }];
  });

const codingsOf = (concept: unknown): readonly JsonObject[] => objectsIn(isObject(concept) ? concept['coding'] : []);

/** HL7 itself spells the system in two ways, which differ in case. */
const isOfSystem = ({ system }: JsonObject): boolean =>
  typeof system === 'string' && system.toLowerCase() === codeSystem.toLowerCase();

const isOfSystemOrNone = (coding: JsonObject): boolean => coding['system'] === undefined || isOfSystem(coding);

const knownCodes = (codings: readonly JsonObject[]): readonly GroupCode[] =>
  codings.map(({ code }) => code).filter(isCode);

/**
 * What the payer says about the members of a Group: the Group's code and, in the envelope, the name of its parameter. A code of another
 * system is read only if there is nothing else, since a payer may misspell the system.
 * @returns `contradiction` if these do not agree
 */
export const codeOf = ({
  resource: { code, characteristic },
  parameter,
}: GivenGroup): GroupCode | 'contradiction' | undefined => {
  const codings = codingsOf(code);
  const own = codings.filter(isOfSystem).map((coding) => coding['code']);
  const name =
    parameter !== undefined && Object.hasOwn(codes, parameter) ? [codes[parameter as keyof typeof codes]] : [];
  const said = new Set([...own, ...knownCodes(codings.filter(({ system }) => system === undefined)), ...name]);
  const [one, ...others] = said.size > 0 ? said : new Set(knownCodes(codings));
  if (others.length > 0) return 'contradiction';
  if (!isCode(one)) return undefined;
  const traits = objectsIn(characteristic).filter(({ exclude }) => exclude !== true);
  const ofTraits = knownCodes(traits.flatMap((trait) => codingsOf(trait['code'])).filter(isOfSystemOrNone));
  return one === 'match' && ofTraits.some((trait) => trait !== one) ? 'contradiction' : one;
};

/** Identifiers of plans: an NPI, which is public. */
const npisIn = (value: unknown): readonly JsonObject[] =>
  objectsIn(value).flatMap(({ system, value: npi }) =>
    system === npiSystem && isNpi(npi) ? [{ system, value: npi }] : [],
  );

/** What partners search Groups by (pdex-157): the purpose of the Group, and the plan that it is for. */
const characteristicsIn = (value: unknown): readonly JsonObject[] =>
  objectsIn(value).flatMap(({ code, valueReference, exclude = false, modifierExtension }) => {
    const ours = codingsOf(code).filter(isOfSystemOrNone);
    const codings = knownCodes(ours).map((one) => ({ system: codeSystem, code: one }));
    const [identifier] = npisIn([isObject(valueReference) ? valueReference['identifier'] : undefined]);
    if (codings.length === 0 || identifier === undefined || exclude !== false || modifierExtension !== undefined)
      return [];
    return [{ code: { coding: codings }, valueReference: { identifier }, exclude: false }];
  });

/** The element, unless its list is empty. */
const listed = (name: string, all: readonly JsonObject[]): JsonObject => (all.length === 0 ? {} : { [name]: all });

/** Whether a value has only checked parts. Lists are compared item by item, since what is checked keeps their order. */
const isOnly = (value: unknown, checked: unknown): boolean => {
  if (Array.isArray(checked)) {
    return (
      Array.isArray(value) && value.length === checked.length && value.every((one, at) => isOnly(one, checked[at]))
    );
  }
  if (!isObject(checked)) return value === checked;
  return (
    isObject(value) &&
    Object.entries(value).every(([name, one]) => Object.hasOwn(checked, name) && isOnly(one, checked[name]))
  );
};

export interface Found extends Omit<ReadGroup, 'members'> {
  readonly named: readonly Entry[];
  readonly faults: readonly EntryFault[];
  /** How many contained resources no entry refers to. */
  readonly extras: number;
  /** Whether text, or another element that may be about anybody, is left out. */
  readonly hasText: boolean;
  /** Why nobody is matched whom the Group names. */
  readonly takenBack: MemberFault | undefined;
}

/** The most identifiers or characteristics of a Group: more than the names of any two plans. */
const mostListed = 100;

const isLong = (value: unknown): boolean => Array.isArray(value) && value.length > mostListed;

/**
 * What takes back all that a Group says: it is not in use, not a list of real persons, has fewer members than it names, or follows rules
 * that the gateway does not know. PDex requires `actual` and the type person.
 * https://hl7.org/fhir/R4/group-definitions.html
 */
const takenBackBy = (group: JsonObject, named: number): MemberFault | undefined => {
  const { active = true, actual = true, type = 'person', quantity } = group;
  if (group['modifierExtension'] !== undefined || group['implicitRules'] !== undefined) return 'modified';
  if (active !== true) return 'inactive';
  if (actual !== true || type !== 'person') return 'notPersons';
  return typeof quantity === 'number' && quantity < named ? 'fewer' : undefined;
};

/** How many members a Group has at least. One whose `quantity` cannot be read may have more than it names. */
const membersOf = ({ quantity = 0 }: JsonObject, entries: number, all: number): number => {
  if (!Number.isSafeInteger(quantity)) return entries + 1;
  // FHIR counts every entry as a member, also one that names the same person again.
  return Number(quantity) > all ? Number(quantity) : entries;
};

/** @returns what is wrong with a Group that cannot be read */
export const readGroup = (
  { resource }: Pick<GivenGroup, 'resource'>,
  code: GroupCode,
  id: string,
  known: Parameters<typeof entryOf>[3] & { readonly resources: ReadonlyMap<string, JsonObject> },
): Found | 'member' | 'lists' | 'tooLarge' => {
  const { member = [], contained: given = [] } = resource;
  if (!Array.isArray(member)) return 'member';
  if (isLong(resource['identifier']) || isLong(resource['characteristic'])) return 'lists';
  const members = member as readonly unknown[];
  const held: readonly unknown[] = Array.isArray(given) ? given : [given];
  const contained = containedIn(held);
  const read = members.map((one) => entryOf(contained, one, code === 'match', known));
  const isKept = ({ entry }: ReadEntry): boolean => typeof entry === 'object';
  const kept = new Set(read.filter(isKept).flatMap(({ refersTo }) => refersTo));
  const referredTo = new Set(read.flatMap(({ refersTo }) => refersTo));
  const keptResources = [...kept].sort((one, two) => one - two).map((at) => held[at] as JsonObject);
  const entries = read.map(({ entry }) => entry);
  const named = entries.filter((entry) => typeof entry === 'object');
  const inIt = new Set(named.filter((one) => one.takenBack === undefined).map(({ submitted }) => submitted));
  const takenBack = takenBackBy(resource, inIt.size);
  const made = {
    resourceType: 'Group',
    ...(isFhirId(resource['id']) ? { id: resource['id'] } : {}),
    ...(keptResources.length === 0
      ? {}
      : {
          contained: keptResources.map(
            (one) => known.resources.get(nameOf(one)) ?? { resourceType: one['resourceType'], id: one['id'] },
          ),
        }),
    ...listed('identifier', npisIn(resource['identifier'])),
    ...(takenBack !== undefined && code === 'match' ? { active: false } : {}),
    type: 'person',
    actual: true,
    code: { coding: [{ system: codeSystem, code }] },
    quantity: read.filter(isKept).length,
    ...listed('characteristic', characteristicsIn(resource['characteristic'])),
    member: read.flatMap(({ checked }) => (checked === undefined ? [] : [checked])),
  };
  const faults = entries.filter((entry) => typeof entry === 'string');
  const line = JSON.stringify(made);
  // A code alone becomes a coding with its system, and an id the Patient as submitted.
  if (Buffer.byteLength(line) > mostResourceBytes) return 'tooLarge';
  const { contained: _, quantity: __, member: ___, code: ____, ...others } = resource;
  const hasText = !isOnly(others, made) || read.some((one, at) => isKept(one) && !isOnly(members[at], one.given));
  return {
    code,
    id,
    line,
    entries: membersOf(resource, faults.length + new Set(named.map(({ submitted }) => submitted)).size, read.length),
    named,
    takenBack,
    faults,
    extras: held.length - referredTo.size,
    hasText,
  };
};
