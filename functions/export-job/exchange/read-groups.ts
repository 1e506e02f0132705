import { firstEnd, type GroupMember } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../../shared/json/json-object.ts';
import type { AnswerBases } from '../../shared/registry/fhir-bases.ts';
import type { MemberFault, Problem } from '../reading/problems.ts';
import type { MemberSaid } from '../state/state.ts';
import type { MatchInput } from './line-rules.ts';
import { nameOf, type Entry } from './read-entry.ts';
import { codeOf, readGroup, type Found, type GivenGroup, type GroupCode, type ReadGroup } from './read-group.ts';

/*
 * What a former plan answers to a match: Groups of matched members, of members who were not found, and of those whose consent it
 * cannot comply with (PDex 2.2). Each entry names a member by an extension, which refers to the contained Patient as it was
 * submitted.
 */

/** A match has at most 1,000 members, and a payer may name each in a Group of its own. */
const mostGroups = 1000;

/**
 * The most characters of all Groups that are passed on, eight times what a match may have. A payer that names members again and
 * again could make more of few bytes, since each Group contains its members as submitted.
 */
const mostCharacters = 32 * 1024 * 1024;

export interface ReadMatch {
  /** Each with its place among the Groups as they came. */
  readonly groups: readonly (ReadGroup & { readonly at: number })[];
  /** The ids of Groups that were left out, except ids that a Group in `groups` has. */
  readonly unread: readonly string[];
  readonly problems: readonly Problem[];
  /** For the audit: what the payer says about each submitted member, and how many entries name somebody else. */
  readonly said: Readonly<Record<string, MemberSaid>>;
  readonly strangers: number;
}

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
const memberFaults = (
  found: readonly Found[],
  contradictions: readonly Found[],
  submitted: readonly string[],
): ReadonlyMap<string, MemberAnswer> => {
  const unclear = new Set(contradictions.flatMap(({ named }) => named.map((entry) => entry.submitted)));
  const outcomes = new Map<string, Set<GroupCode>>();
  const records = new Map<string, Set<string>>();
  const owners = new Map<string, Set<string>>();
  const takenBack = new Map<string, MemberFault>();
  const put = <T>(map: Map<string, Set<T>>, key: string, value: T): void =>
    void map.set(key, (map.get(key) ?? new Set()).add(value));
  for (const { code, named, takenBack: ofGroup } of found) {
    for (const { submitted: member, reference, takenBack: ofEntry } of named) {
      const why = ofGroup ?? ofEntry;
      put(outcomes, member, code);
      if (code === 'match' && why !== undefined) takenBack.set(member, why);
      if (code !== 'match' || reference === undefined) continue;
      put(records, member, reference);
      put(owners, reference, member);
    }
  }
  const whyOf = (member: string): MemberFault | undefined => {
    const own = outcomes.get(member);
    if (unclear.has(member)) return 'twoOutcomes';
    if (own === undefined) return 'notNamed';
    if (own.size > 1) return 'twoOutcomes';
    const over = takenBack.get(member);
    if (over !== undefined) return over;
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

/** For the audit, where it is not the code of the Group. */
const outcomeOf = (why: MemberFault | undefined): string | undefined =>
  why === 'twoRecords' || why === 'sharedRecord' ? undefined : why;

/** A member of whom the payer says one thing, if more than once. */
const groupMember = (entries: readonly Entry[], consent: GroupMember['consent']): GroupMember => {
  const { submitted, reference, coverage } = entries.at(-1)!;
  const until = firstEnd(entries.flatMap((one) => one.until ?? []));
  return {
    submitted,
    reference: reference!,
    ...(coverage === undefined ? {} : { coverage }),
    ...(until === undefined ? {} : { until }),
    consent,
  };
};

/**
 * Reads the Groups of a match. Whoever was not submitted is left out; a member of whom the payer says two things counts as not
 * matched.
 * @param given the Groups as they came
 * @param bases of the payer, to which references are relative
 * @param nowMs epoch milliseconds
 */
export const readMatch = (
  given: readonly GivenGroup[],
  { body, members }: MatchInput,
  bases: AnswerBases,
  nowMs: number,
): ReadMatch => {
  const problems: Problem[] = [];
  const resources = submittedIn(body);
  const submitted = new Map(members.map(({ patient, consent }) => [patient, consent]));
  const found = new Map<string, Found & { readonly at: number }>();
  const contradictions: Found[] = [];
  let room = mostCharacters;
  for (const [at, one] of given.entries()) {
    if (room <= 0 || found.size + contradictions.length === mostGroups) {
      problems.push({ kind: 'groupUnusable', type: 'Group', why: 'tooMany' });
      continue;
    }
    const code = codeOf(one);
    const { id } = one.resource;
    if (code === 'contradiction') {
      problems.push({ kind: 'groupUnusable', type: 'Group', why: code });
      const read = readGroup(one, 'nomatch', code, { submitted, bases, resources, nowMs });
      if (typeof read === 'string') continue;
      contradictions.push(read);
      room -= read.line.length;
      continue;
    }
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
    const read = readGroup(one, code, name, { submitted, bases, resources, nowMs });
    if (typeof read === 'string') problems.push({ kind: 'groupUnusable', type: 'Group', why: read });
    else {
      found.set(name, { ...read, at });
      room -= read.line.length;
    }
  }
  const groups = [...found.values()];
  const times = Map.groupBy(given, ({ resource: { id } }) => id);
  if (!groups.some(({ code }) => code === 'match')) problems.push({ kind: 'groupMissing', type: 'Group' });
  const faults = memberFaults(
    groups,
    contradictions,
    members.map(({ patient }) => patient),
  );
  return {
    groups: groups.map(({ named, code, id, line, entries, at }) => ({
      at,
      code,
      id,
      line,
      // What the payer gives the same id, and is left out, is in its Group all the same.
      entries: entries + Math.max(0, (times.get(id)?.length ?? 1) - 1),
      members:
        code === 'match'
          ? [...Map.groupBy(named, (entry) => entry.submitted)]
              .filter(([member]) => !faults.has(member))
              .map(([member, ofMember]) => groupMember(ofMember, submitted.get(member)!))
          : [],
    })),
    unread: [...times.keys()]
      .filter((id) => isFhirId(id))
      .filter((id) => !found.has(id))
      .slice(0, mostGroups),
    problems: [...problems, ...countFaults(groups), ...countExtras(groups), ...faults.values()],
    said: Object.fromEntries(
      [...groups, ...contradictions].flatMap(({ code, named }) =>
        named.map(({ submitted: member, reference }) => [
          member,
          {
            outcome: outcomeOf(faults.get(member)?.why) ?? code,
            ...(reference === undefined ? {} : { reference }),
          },
        ]),
      ),
    ),
    strangers: groups.flatMap(({ faults: all }) => all).filter((fault) => fault === 'stranger').length,
  };
};
