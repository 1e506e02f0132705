import type { GroupMember } from '../../shared/exchanges/group.ts';
import { isObject, objectsIn, type JsonObject } from '../../shared/json-object.ts';
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
  /** As the payer wrote it; without the entries of strangers, if it has some. */
  readonly line: string;
  /** How many entries the payer's Group has. */
  readonly entries: number;
  /** Of matched members: those who may be exported. */
  readonly members: readonly GroupMember[];
}

export interface ReadMatch {
  readonly groups: readonly ReadGroup[];
  readonly problems: readonly Problem[];
  /** For the audit: what the payer says of each submitted member, and how many entries name somebody else. */
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

/** An id that can go into a request: FHIR's characters, and a few more that payers use. */
const idForm = /^(?!\.{1,2}$|__)[A-Za-z0-9._~=:@+,-]{1,128}$/;

/** The id of a contained resource that an extension of an entry refers to. */
const referred = (entity: JsonObject, url: string): string | undefined => {
  const value = objectsIn(entity['extension']).find((extension) => extension['url'] === url)?.['valueReference'];
  const reference = isObject(value) ? value['reference'] : undefined;
  return typeof reference === 'string' && reference.startsWith('#') ? reference.slice(1) : undefined;
};

const containedIn = ({ contained }: JsonObject, type: string, id: string | undefined): JsonObject | undefined =>
  objectsIn(contained).find((one) => one['resourceType'] === type && one['id'] === id && id !== undefined);

/** The submitted id that an entry names; undefined if it cannot be read. */
const submittedIn = (group: JsonObject, entity: JsonObject, isMatched: boolean): string | undefined => {
  const named = referred(entity, matchExtension);
  const reference = entity['reference'];
  // Of members who were not matched the entry itself may be the submitted Patient.
  const own = !isMatched && typeof reference === 'string' && reference.startsWith('#') ? reference.slice(1) : undefined;
  return containedIn(group, 'Patient', named ?? own)?.['id'] as string | undefined;
};

/** An entry that was read: whom it names, and which Patient at the payer. */
interface Entry {
  readonly submitted: string;
  readonly reference: string | undefined;
  readonly coverage: string | undefined;
}

/** `stranger` names somebody who was not submitted; `form` cannot be read. */
type EntryFault = 'stranger' | 'form';

const entryOf = (
  group: JsonObject,
  entity: unknown,
  isMatched: boolean,
  { submitted, bases }: { readonly submitted: ReadonlyMap<string, unknown>; readonly bases: AnswerBases },
): Entry | EntryFault => {
  if (!isObject(entity)) return 'form';
  const id = submittedIn(group, entity, isMatched);
  if (id === undefined) return 'form';
  if (!submitted.has(id)) return 'stranger';
  const text = entity['reference'];
  const parsed = typeof text === 'string' ? parseReference(text, bases) : undefined;
  const isOwn = parsed?.type === 'Patient' && parsed.isOwn && idForm.test(parsed.id);
  if (isMatched && !isOwn) return 'form';
  const coverage = containedIn(group, 'Coverage', referred(entity, coverageExtension))?.['id'];
  return {
    submitted: id,
    reference: isOwn ? `Patient/${parsed.id}` : undefined,
    coverage: typeof coverage === 'string' ? coverage : undefined,
  };
};

/** A Group without the entries at these places, and without the Patients that only they refer to. */
const withoutEntries = (group: JsonObject, left: ReadonlySet<number>): string => {
  const all = group['member'] as readonly JsonObject[];
  const kept = all.filter((_, at) => !left.has(at));
  const text = JSON.stringify(kept);
  const contained = objectsIn(group['contained']).filter(({ id }) => text.includes(`"#${String(id)}"`));
  return JSON.stringify({ ...group, contained, member: kept });
};

interface Found extends Omit<ReadGroup, 'members'> {
  readonly named: readonly Entry[];
  readonly faults: readonly EntryFault[];
}

const readGroup = (
  { line, resource }: Pick<GivenGroup, 'line' | 'resource'>,
  code: GroupCode,
  id: string,
  known: Parameters<typeof entryOf>[3],
): Found => {
  const members = Array.isArray(resource['member']) ? (resource['member'] as readonly unknown[]) : [];
  const read = members.map((member) =>
    entryOf(resource, isObject(member) ? member['entity'] : undefined, code === 'match', known),
  );
  const left = new Set(read.flatMap((entry, at) => (typeof entry === 'string' ? [at] : [])));
  return {
    code,
    id,
    line: left.size === 0 ? line : withoutEntries(resource, left),
    entries: members.length,
    named: read.filter((entry) => typeof entry === 'object'),
    faults: read.filter((entry) => typeof entry === 'string'),
  };
};

const countFaults = (found: readonly Found[]): readonly Problem[] =>
  (['stranger', 'form'] as const).flatMap((why) => {
    const count = found.flatMap(({ faults }) => faults).filter((fault) => fault === why).length;
    return count === 0 ? [] : [{ kind: 'groupEntries', type: 'Group', why, count } as const];
  });

/** What is wrong with what the payer says of each submitted member. */
const memberFaults = (found: readonly Found[], submitted: readonly string[]): ReadonlyMap<string, Problem> => {
  const outcomes = new Map<string, Set<GroupCode>>();
  const records = new Map<string, Set<string>>();
  const owners = new Map<string, Set<string>>();
  const put = <T>(map: Map<string, Set<T>>, key: string, value: T): void =>
    void map.set(key, (map.get(key) ?? new Set()).add(value));
  for (const { code, named } of found) {
    for (const { submitted: member, reference } of named) {
      put(outcomes, member, code);
      if (code !== 'match' || reference === undefined) continue;
      put(records, member, reference);
      put(owners, reference, member);
    }
  }
  const whyOf = (member: string): Extract<Problem, { kind: 'memberAnswer' }>['why'] | undefined => {
    const own = outcomes.get(member);
    if (own === undefined) return 'notNamed';
    if (own.size > 1) return 'twoGroups';
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
export const readMatch = (given: readonly GivenGroup[], { members }: MatchInput, bases: AnswerBases): ReadMatch => {
  const problems: Problem[] = [];
  const submitted = new Map(members.map(({ patient, consent }) => [patient, consent]));
  const found = new Map<string, Found>();
  for (const one of given) {
    const code = codeOf(one);
    const { id } = one.resource;
    const isNamed = typeof id === 'string' && idForm.test(id);
    if (code === undefined || (code === 'match' && !isNamed)) {
      problems.push({ kind: 'groupUnusable', type: 'Group', why: code === undefined ? 'code' : 'id' });
      continue;
    }
    const name = isNamed ? id : code;
    if (found.has(name)) problems.push({ kind: 'groupTwice', type: 'Group' });
    else found.set(name, readGroup(one, code, name, { submitted, bases }));
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
    problems: [...problems, ...countFaults(groups), ...faults.values()],
    said: Object.fromEntries(
      groups.flatMap(({ code, named }) =>
        named.map(({ submitted: member, reference }) => [
          member,
          { outcome: code, ...(reference === undefined ? {} : { reference }) },
        ]),
      ),
    ),
    strangers: groups.flatMap(({ faults: all }) => all).filter((fault) => fault === 'stranger').length,
  };
};
