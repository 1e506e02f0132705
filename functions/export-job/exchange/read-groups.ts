import type { GroupMember } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../../shared/json-object.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import type { Problem } from '../reading/problems.ts';
import { parseReference } from '../reading/references.ts';
import type { MemberSaid } from '../state/state.ts';
import type { MatchInput } from './line-rules.ts';

/*
 * What a former plan answers to a match: Groups of matched members, of members who were not found, and of those whose consent it
 * cannot comply with (PDex 2.2). Each entry names a member by an extension, which refers to the contained Patient as it was
 * submitted.
 */

const codes = {
  MatchedMembers: 'match',
  NonMatchedMembers: 'nomatch',
  ConsentConstrainedMembers: 'consentconstraint',
} as const;

/** https://hl7.org/fhir/us/davinci-pdex/CodeSystem-PdexMultiMemberMatchResultCS.html */
type GroupCode = (typeof codes)[keyof typeof codes];

const isCode = (code: unknown): code is GroupCode => Object.values<unknown>(codes).includes(code);

const npiSystem = 'http://hl7.org/fhir/sid/us-npi';
const codeSystem = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PdexMultiMemberMatchResultCS';
const matchExtension = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-parameters';
const coverageExtension = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/base-ext-match-coverage';

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
  /** How many entries the payer's Group has. */
  readonly entries: number;
  /** Of matched members: those who may be exported. */
  readonly members: readonly GroupMember[];
}

export interface ReadMatch {
  readonly groups: readonly ReadGroup[];
  readonly problems: readonly Problem[];
  /** For the audit: what the payer says about each submitted member, and how many entries name somebody else. */
  readonly said: Readonly<Record<string, MemberSaid>>;
  readonly strangers: number;
}

/** The Groups in the envelope of PDex 2.1, a Parameters resource. */
export const groupsInEnvelope = ({ parameter }: JsonObject): readonly GivenGroup[] =>
  objectsIn(parameter).flatMap(({ name, resource }) =>
    isObject(resource) && resource['resourceType'] === 'Group'
      ? [{ line: JSON.stringify(resource), resource, parameter: typeof name === 'string' ? name : undefined }]
      : [],
  );

const codeOf = ({ resource: { code }, parameter }: GivenGroup): GroupCode | undefined => {
  const own = isObject(code) ? objectsIn(code['coding']).find((coding) => isCode(coding['code']))?.['code'] : undefined;
  if (isCode(own)) return own;
  return parameter !== undefined && Object.hasOwn(codes, parameter)
    ? codes[parameter as keyof typeof codes]
    : undefined;
};

/** An id of a patient that can go into a request: FHIR's characters, and a few more that payers use. */
const idForm = /^(?!\.{1,2}$|__)[A-Za-z0-9._~=:@+,-]{1,128}$/;

/** The places of a Group's contained resources by type and id; of two with one name the first. */
type Contained = ReadonlyMap<string, number>;

const containedIn = (contained: readonly unknown[]): Contained => {
  const found = new Map<string, number>();
  for (const [at, one] of contained.entries()) {
    if (!isObject(one)) continue;
    const name = nameOf(one);
    if (!found.has(name)) found.set(name, at);
  }
  return found;
};

/** The id of a contained resource that an extension of an entry refers to. */
const referred = (entity: JsonObject, url: string): string | undefined => {
  const value = objectsIn(entity['extension']).find((extension) => extension['url'] === url)?.['valueReference'];
  const reference = isObject(value) ? value['reference'] : undefined;
  return typeof reference === 'string' && reference.startsWith('#') ? reference.slice(1) : undefined;
};

/** An entry that was read: whom it names, and which Patient at the payer. */
interface Entry {
  readonly submitted: string;
  readonly reference: string | undefined;
  readonly coverage: string | undefined;
  /** Whether the member is no longer in the Group (https://hl7.org/fhir/R4/group-definitions.html#Group.member.inactive). */
  readonly isInactive: boolean;
}

/** `stranger` names somebody who was not submitted; `form` cannot be read. */
type EntryFault = 'stranger' | 'form';

interface ReadEntry {
  readonly entry: Entry | EntryFault;
  /** The places of the contained resources that it refers to. */
  readonly refersTo: readonly number[];
  /** The entry, with only the parts that were read. */
  readonly checked?: JsonObject;
}

const nameOf = ({ resourceType, id }: JsonObject): string => `${String(resourceType)} ${String(id)}`;

/** A submitted resource in the form that a Group may contain, without elements that R4 forbids in contained resources (pdex-151a). */
const asContained = (resource: JsonObject): JsonObject => {
  const { contained: _, meta, ...own } = resource;
  if (!isObject(meta)) return own;
  const { versionId: __, lastUpdated: ___, security: ____, ...kept } = meta;
  return Object.keys(kept).length === 0 ? own : { ...own, meta: kept };
};

/** The submitted Patients and Coverages of a match, by type and id. If two have the same type and id, both are left out. */
const submittedIn = (body: string): ReadonlyMap<string, JsonObject> => {
  const resources = objectsIn(parseObject(body)?.['parameter'])
    .flatMap(({ part }) => objectsIn(part))
    .flatMap(({ resource }) => (isObject(resource) ? [resource] : []))
    .filter(({ resourceType }) => resourceType === 'Patient' || resourceType === 'Coverage');
  const times = Map.groupBy(resources, nameOf);
  return new Map(
    [...times].flatMap(([name, [one, ...others]]) => (others.length === 0 ? [[name, asContained(one!)]] : [])),
  );
};

const toContained = (id: string) => ({ reference: `#${id}` });

const entryOf = (
  contained: Contained,
  member: unknown,
  isMatched: boolean,
  { submitted, bases }: { readonly submitted: ReadonlyMap<string, unknown>; readonly bases: AnswerBases },
): ReadEntry => {
  const { entity, inactive } = isObject(member) ? member : {};
  if (!isObject(entity)) return { entry: 'form', refersTo: [] };
  const isBoolean = inactive === undefined || typeof inactive === 'boolean';
  const text = entity['reference'];
  // Of members who were not matched the entry itself may be the submitted Patient.
  const own = !isMatched && typeof text === 'string' && text.startsWith('#') ? text.slice(1) : undefined;
  const named = referred(entity, matchExtension);
  const id = named ?? own;
  const coverage = referred(entity, coverageExtension);
  const patientAt = id === undefined ? undefined : contained.get(`Patient ${id}`);
  const coverageAt = coverage === undefined || !isFhirId(coverage) ? undefined : contained.get(`Coverage ${coverage}`);
  const refersTo = [patientAt, coverageAt].filter((at) => at !== undefined);
  if (id === undefined || patientAt === undefined || !isBoolean) return { entry: 'form', refersTo };
  if (!submitted.has(id)) return { entry: 'stranger', refersTo };
  const parsed = typeof text === 'string' ? parseReference(text, bases) : undefined;
  const isOwn = parsed?.type === 'Patient' && parsed.isOwn && idForm.test(parsed.id);
  if (isMatched && !isOwn) return { entry: 'form', refersTo };
  const extension = [
    ...(named === undefined ? [] : [{ url: matchExtension, valueReference: toContained(id) }]),
    ...(coverageAt === undefined ? [] : [{ url: coverageExtension, valueReference: toContained(coverage!) }]),
  ];
  return {
    entry: {
      submitted: id,
      reference: isOwn ? `Patient/${parsed.id}` : undefined,
      coverage: coverageAt === undefined ? undefined : coverage,
      isInactive: inactive === true,
    },
    refersTo,
    checked: {
      entity: {
        ...(extension.length === 0 ? {} : { extension }),
        ...(isOwn || own === id ? { reference: text } : {}),
        ...(entity['type'] === 'Patient' ? { type: 'Patient' } : {}),
      },
      ...(inactive === undefined ? {} : { inactive }),
    },
  };
};

/** Identifiers of plans: an NPI, which is public. */
const npisIn = (value: unknown): readonly JsonObject[] =>
  objectsIn(value).flatMap(({ system, value: npi }) =>
    system === npiSystem && typeof npi === 'string' && /^\d{10}$/.test(npi) ? [{ system, value: npi }] : [],
  );

/** What partners search Groups by (pdex-157): the purpose of the Group, and the plan that it is for. */
const characteristicsIn = (value: unknown): readonly JsonObject[] =>
  objectsIn(value).flatMap(({ code, valueReference }) => {
    const codings = objectsIn(isObject(code) ? code['coding'] : undefined).flatMap((coding) =>
      isCode(coding['code']) ? [{ system: codeSystem, code: coding['code'] }] : [],
    );
    const [identifier] = npisIn([isObject(valueReference) ? valueReference['identifier'] : undefined]);
    if (codings.length === 0 || identifier === undefined) return [];
    return [{ code: { coding: codings }, valueReference: { identifier }, exclude: false }];
  });

/** The element, unless its list is empty. */
const listed = (name: string, all: readonly JsonObject[]): JsonObject => (all.length === 0 ? {} : { [name]: all });

/** Whether a value has only checked parts, in any order. */
const isOnly = (value: unknown, checked: unknown): boolean => {
  if (Array.isArray(checked)) {
    return (
      Array.isArray(value) &&
      value.length === checked.length &&
      value.every((one) => checked.some((other) => isOnly(one, other)))
    );
  }
  if (!isObject(checked)) return value === checked;
  return (
    isObject(value) &&
    Object.entries(value).every(([name, one]) => Object.hasOwn(checked, name) && isOnly(one, checked[name]))
  );
};

interface Found extends Omit<ReadGroup, 'members'> {
  readonly named: readonly Entry[];
  readonly faults: readonly EntryFault[];
  /** How many contained resources no entry refers to. */
  readonly extras: number;
  /** Whether text, or another element that may be about anybody, is left out. */
  readonly hasText: boolean;
  /** Whether the payer says that the Group is no longer in use. */
  readonly isInactive: boolean;
}

/** @returns undefined if its entries are not a list */
const readGroup = (
  { resource }: Pick<GivenGroup, 'resource'>,
  code: GroupCode,
  id: string,
  known: Parameters<typeof entryOf>[3] & { readonly resources: ReadonlyMap<string, JsonObject> },
): Found | undefined => {
  const { member = [], contained: given = [] } = resource;
  if (!Array.isArray(member)) return undefined;
  const members = member as readonly unknown[];
  const held: readonly unknown[] = Array.isArray(given) ? given : [given];
  const contained = containedIn(held);
  const read = members.map((one) => entryOf(contained, one, code === 'match', known));
  const isKept = ({ entry }: ReadEntry): boolean => typeof entry === 'object';
  const kept = new Set(read.filter(isKept).flatMap(({ refersTo }) => refersTo));
  const referredTo = new Set(read.flatMap(({ refersTo }) => refersTo));
  const keptResources = [...kept].sort((one, two) => one - two).map((at) => held[at] as JsonObject);
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
    type: 'person',
    actual: true,
    code: { coding: [{ system: codeSystem, code }] },
    quantity: read.filter(isKept).length,
    ...listed('characteristic', characteristicsIn(resource['characteristic'])),
    member: read.flatMap(({ checked }) => (checked === undefined ? [] : [checked])),
  };
  const { contained: _, quantity: __, member: ___, code: ____, ...others } = resource;
  const hasText = !isOnly(others, made) || read.some((one, at) => isKept(one) && !isOnly(members[at], one.checked));
  return {
    code,
    id,
    line: JSON.stringify(made),
    entries: members.length,
    named: read.map(({ entry }) => entry).filter((entry) => typeof entry === 'object'),
    isInactive: resource['active'] === false,
    faults: read.map(({ entry }) => entry).filter((entry) => typeof entry === 'string'),
    extras: held.length - referredTo.size,
    hasText,
  };
};

/** What is left out of Groups besides entries. */
const countExtras = (found: readonly Found[]): readonly Problem[] => {
  const count = found.reduce((sum, { extras }) => sum + extras, 0);
  return [
    ...(count === 0 ? [] : [{ kind: 'groupEntries', type: 'Group', why: 'extra', count } as const]),
    ...(found.some(({ hasText }) => hasText) ? [{ kind: 'groupText', type: 'Group' } as const] : []),
  ];
};

const countFaults = (found: readonly Found[]): readonly Problem[] =>
  (['stranger', 'form'] as const).flatMap((why) => {
    const count = found.flatMap(({ faults }) => faults).filter((fault) => fault === why).length;
    return count === 0 ? [] : [{ kind: 'groupEntries', type: 'Group', why, count } as const];
  });

type MemberAnswer = Extract<Problem, { kind: 'memberAnswer' }>;

/** Checks what the payer says about each submitted member, and lists what is wrong. */
const memberFaults = (found: readonly Found[], submitted: readonly string[]): ReadonlyMap<string, MemberAnswer> => {
  const outcomes = new Map<string, Set<GroupCode>>();
  const records = new Map<string, Set<string>>();
  const owners = new Map<string, Set<string>>();
  const inactive = new Set<string>();
  const put = <T>(map: Map<string, Set<T>>, key: string, value: T): void =>
    void map.set(key, (map.get(key) ?? new Set()).add(value));
  for (const { code, named, isInactive: isOver } of found) {
    for (const { submitted: member, reference, isInactive } of named) {
      put(outcomes, member, code);
      if (code === 'match' && (isOver || isInactive)) inactive.add(member);
      if (code !== 'match' || reference === undefined) continue;
      put(records, member, reference);
      put(owners, reference, member);
    }
  }
  const whyOf = (member: string): MemberAnswer['why'] | undefined => {
    const own = outcomes.get(member);
    if (own === undefined) return 'notNamed';
    if (own.size > 1) return 'twoGroups';
    if (inactive.has(member)) return 'inactive';
    const references = [...(records.get(member) ?? [])];
    if (references.length > 1) return 'twoRecords';
    return references.some((reference) => owners.get(reference)!.size > 1) ? 'sharedRecord' : undefined;
  };
  return new Map(
    submitted.flatMap((member) => {
      const why = whyOf(member);
      return why === undefined ? [] : [[member, { kind: 'memberAnswer', type: 'Group', member, why }]];
    }),
  );
};

const groupMember = ({ submitted, reference, coverage }: Entry, consent: GroupMember['consent']): GroupMember => ({
  submitted,
  reference: reference!,
  ...(coverage === undefined ? {} : { coverage }),
  consent,
});

/**
 * Reads the Groups of a match. Whoever was not submitted is left out; a member of whom the payer says two things counts as not
 * matched.
 * @param given the Groups as they came
 * @param bases of the payer, to which references are relative
 */
export const readMatch = (
  given: readonly GivenGroup[],
  { body, members }: MatchInput,
  bases: AnswerBases,
): ReadMatch => {
  const problems: Problem[] = [];
  const resources = submittedIn(body);
  const submitted = new Map(members.map(({ patient, consent }) => [patient, consent]));
  const found = new Map<string, Found>();
  for (const one of given) {
    const code = codeOf(one);
    const { id } = one.resource;
    const isNamed = isFhirId(id);
    // Without an id it can be passed on, but not exported.
    const isUsable = isNamed || (code !== 'match' && id === undefined);
    if (code === undefined || !isUsable) {
      problems.push({ kind: 'groupUnusable', type: 'Group', why: code === undefined ? 'code' : 'id' });
      continue;
    }
    const name = isNamed ? id : code;
    if (found.has(name)) {
      problems.push({ kind: 'groupTwice', type: 'Group' });
      continue;
    }
    const read = readGroup(one, code, name, { submitted, bases, resources });
    if (read === undefined) problems.push({ kind: 'groupUnusable', type: 'Group', why: 'member' });
    else found.set(name, read);
  }
  const groups = [...found.values()];
  if (!groups.some(({ code }) => code === 'match')) problems.push({ kind: 'groupMissing', type: 'Group' });
  const faults = memberFaults(
    groups,
    members.map(({ patient }) => patient),
  );
  return {
    groups: groups.map(({ named, code, id, line, entries }) => ({
      code,
      id,
      line,
      entries,
      members:
        code === 'match'
          ? [...new Map(named.map((entry) => [entry.submitted, entry])).values()]
              .filter((entry) => !faults.has(entry.submitted))
              .map((entry) => groupMember(entry, submitted.get(entry.submitted)!))
          : [],
    })),
    problems: [...problems, ...countFaults(groups), ...countExtras(groups), ...faults.values()],
    said: Object.fromEntries(
      groups.flatMap(({ code, named }) =>
        named.map(({ submitted: member, reference }) => [
          member,
          {
            outcome: faults.get(member)?.why === 'inactive' ? 'inactive' : code,
            ...(reference === undefined ? {} : { reference }),
          },
        ]),
      ),
    ),
    strangers: groups.flatMap(({ faults: all }) => all).filter((fault) => fault === 'stranger').length,
  };
};
