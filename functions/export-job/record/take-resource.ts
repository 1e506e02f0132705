import { parseRecordSearch } from '../../shared/fhir/record-search.ts';
import type { EntryMode } from '../../shared/fhir/said.ts';
import type { JsonObject } from '../../shared/json/json-object.ts';
import { isAt } from '../../shared/registry/fhir-bases.ts';
import { isResourceType } from '../../shared/scopes/resource-types.ts';
import { attachmentsToFetch, keep, type Keeping } from '../leg/keep.ts';
import {
  aboutAnother,
  checkResource,
  isAboutMember,
  isPatientWithoutId,
  linkedPatients,
  mostLinked,
  namesMember,
  namesPatientElsewhere,
  othersComparedIn,
  type ResourceVerdict,
} from '../reading/check-resource.ts';
import { contentMark } from '../reading/content-mark.ts';
import {
  anothers,
  disprove,
  noteBeside,
  noteMembers,
  noteReference,
  restricted,
  type Came,
} from '../reading/hangs-on.ts';
import {
  lastUpdated,
  type PageResource,
  type ResourceHead,
  type SkippedResource,
  type SkipReason,
} from '../reading/page-resource.ts';
import type { ProblemList } from '../reading/problem-list.ts';
import { anyResource, payerRemarks, type Problem } from '../reading/problems.ts';
import { referredBy, type ReferredResource } from '../reading/references.ts';
import { identityOf, isAccountedFor, leftOut, readAgain } from '../reading/seen-names.ts';
import { everything, isLinked, type EarlyResource } from '../state/state.ts';
import { isMemberType } from './declared.ts';
import { reportBeyondScope, reportLostScope } from './queue.ts';
import type { RecordLeg } from './record-leg.ts';
import { isFiltered } from './wanted.ts';

/** Where resources come from. */
export type Source =
  /** A page of a search. `mark` differs from that of every other search. */
  | {
      readonly of: 'search';
      readonly type: string;
      readonly page: number;
      readonly mark: number;
      /** The payer may not know the parameter, and ignore it: then others' resources are no sign that it knows the member by another id. */
      readonly mayBeUnknown?: true;
      /** Whether it searches by a parameter, such as `sender`, that cannot find a resource that names nobody. */
      readonly isByPart?: true;
    }
  /** A resource that is read by its id. */
  | { readonly of: 'read'; readonly type: string; readonly id: string; readonly page?: undefined };

/** With more tags than this, no tag is kept for what is left out. The search may then look as if resources were missing. */
const mostTags = 2_500_000;

/** How one answer's resources are taken. */
export interface Taking extends Keeping {
  readonly leg: RecordLeg;
  readonly source: Source;
  /** As {@link matchingType}. */
  readonly matching: string | undefined;
  readonly match: () => void;
  readonly late: () => void;
  readonly include: () => void;
  /** As in {@link PageEvents}. */
  readonly repeat: (name: string) => void;
  readonly remark?: (remarks: readonly Problem[]) => void;
  /** Problems that the next try finds again, if the page breaks off. */
  readonly found: ProblemList;
  /** Types that this answer has or refers to, and only the scope keeps out. */
  readonly beyond: Set<string>;
}

/** The one type that matches; undefined for the request for everything, unless the profile has a search in its place. */
export const matchingType = ({ payer }: RecordLeg, { type }: Source): string | undefined => {
  if (type !== everything) return type;
  const substitute = payer.wholeRecord?.substitute;
  return substitute === undefined ? undefined : parseRecordSearch(substitute).type;
};

/** The answer that may vouch for resources that name no patient. That of `$everything` does so, since its path has the member's id. */
export const cameBy = ({ payer, seen }: RecordLeg, source: Source): Came | undefined => {
  if (source.of === 'read') return 'referred';
  if (source.isByPart === true) return undefined;
  const came = restricted(source.type, source.mark);
  if (source.type === everything && payer.wholeRecord?.substitute === undefined) seen.add(came);
  return came;
};

/** Whether a resource matched the search. A search of one type matches no other type, whatever the entry's mode says. */
const isMatch = ({ source, matching = everything }: Taking, type: string, mode: EntryMode): boolean =>
  source.of === 'search' && mode === 'match' && (matching === everything || matching === type);

/** Marks a resource as seen. Counts it if it matches and is new in this search. Returns whether the export had not seen it. */
const markAndCount = (taking: Taking, name: string, type: string, mode: EntryMode): boolean => {
  const {
    leg: { seen },
    source,
    matching = everything,
    match,
    include,
    repeat,
  } = taking;
  // Another search may have brought it, too.
  const isBeside = source.of === 'search' && mode === 'include' && matching !== everything && type !== matching;
  if (source.of === 'read' || (!isMatch(taking, type, mode) && !isBeside)) {
    const isNew = seen.add(name);
    if (isNew && mode === 'include') include();
    return isNew;
  }
  const earlier = seen.mark(name, source.mark);
  if (earlier !== source.mark) (isBeside ? include : match)();
  else if (!isBeside && isMemberType(type)) repeat(name);
  return earlier === 0;
};

/** The same for a resource that is left out. Once there are too many tags, it is not counted, and is always new. */
const markLeftOut = (taking: Taking, name: string, type: string, mode: EntryMode): boolean => {
  return taking.leg.seen.size() > mostTags || markAndCount(taking, leftOut(name), type, mode);
};

/** The type and id of a resource that cannot be passed on. A read by id knows them even if the resource does not say. */
const headOf = (source: Source, { type, id }: ResourceHead): ResourceHead => {
  const isNamed = source.of === 'read' && (type ?? source.type) === source.type && (id ?? source.id) === source.id;
  if (isNamed) return source;
  return type !== undefined && isResourceType(type) ? { type, id } : {};
};

/** The problem to report for a resource that cannot be passed on. It always has a type. */
const skipProblem = ({ page, ...source }: Source, reason: SkipReason, { type, id }: ResourceHead): Problem =>
  type === undefined
    ? { kind: 'entrySkipped', reason, page, type: source.type }
    : { kind: 'resourceSkipped', reason, page, type, id };

/** Reports a resource that cannot be passed on: once, if it has a name. One without a name does not count as a match. */
const skip = (taking: Taking, { skipped, mode, ...unchecked }: SkippedResource): void => {
  const { leg, source, found } = taking;
  const head = headOf(source, unchecked);
  const problem = skipProblem(source, skipped, head);
  if (head.type === undefined || head.id === undefined) found.add(problem);
  else if (markLeftOut(taking, `${head.type}/${head.id}`, head.type, mode)) leg.problems.add(problem);
};

/** Whether a source is a search by a parameter that the payer may not know. */
const isGuess = (source: Source): boolean => source.of === 'search' && source.mayBeUnknown === true;

/** A payer's remarks in an answer. That it does not support a parameter which it may not know says nothing of its resources. */
export const remarksIn = (outcome: JsonObject, source: Source): readonly Problem[] =>
  payerRemarks(outcome, source.type, source.page ?? 1).filter(
    (one) => !(isGuess(source) && one.kind === 'payerRemark' && one.code === 'not-supported'),
  );

/** How another patient's resource may be the member's after all, as {@link Problem} says it. */
const whyNotOthers = (taking: Taking, resource: PageResource): 'search' | 'naming' | undefined => {
  const { rules, source } = taking;
  if (namesMember(resource, rules)) return 'naming';
  if (isGuess(source)) return undefined;
  const { type, mode } = resource;
  const isAnswer = source.of === 'search' && (source.type === everything || isMatch(taking, type, mode));
  return isAnswer ? 'search' : undefined;
};

/**
 * How another patient's resource came, if that says that the answer was not for the member alone. What a search brings along may be anybody's,
 * such as an encounter of the mother; what it does not mark as that is its answer.
 * @param from as in {@link Problem}
 */
const disprovedBy = (
  taking: Taking,
  resource: PageResource,
  from = whyNotOthers(taking, resource),
): Came | undefined => {
  const isAlong = taking.matching !== undefined && resource.mode === 'include';
  return from === 'naming' || isAlong ? undefined : taking.came;
};

/** The most resources kept that come before the member's Patient, and the most ids kept for one of them. */
const earlyBounds = { resources: 500, patients: 20 };

/**
 * Reports another patient's resource, and that the answer was not for the member alone. Until the member's own Patient has come, nobody
 * knows whether the other is the same person: then the end of the export says both.
 */
const reportOther = (taking: Taking, resource: PageResource, problem: EarlyResource['problem']): void => {
  const {
    leg: { seen, next, problems },
    rules,
    source,
  } = taking;
  const came = disprovedBy(taking, resource, problem.from);
  const mayBeMembers =
    rules.members === undefined && rules.isWanted('Patient') && !isAccountedFor(seen, `Patient/${rules.patient}`);
  if (!mayBeMembers) {
    disprove(seen, came);
    if (!isGuess(source) || problem.from !== undefined) problems.add(problem);
    return;
  }
  const patients = othersComparedIn(resource.resource, rules);
  const isGuessed = isGuess(source) && problem.from === undefined;
  if (next.early.length < earlyBounds.resources && patients.length <= earlyBounds.patients)
    next.early.push({
      name: identityOf(resource),
      patients,
      problem,
      ...(came !== undefined && { came }),
      ...(isGuessed && { isGuessed }),
    });
  else {
    disprove(seen, came);
    problems.add({ kind: 'unknownPatient', type: resource.type, page: problem.page, isEarly: true });
  }
};

/** Learns the member's other ids from the own Patient, and lists what was left out because they were not known. */
const learnLinks = ({ leg, rules }: Taking, resource: PageResource): void => {
  const { next, seen, referred, item } = leg;
  const linked = new Set([...next.linked, ...linkedPatients(resource, rules)]);
  const found = [...linked].slice(next.linked.length, mostLinked);
  if (found.length === 0) return;
  next.linked.push(...found);
  for (const { name, problem } of next.early.filter((one) => isLinked(next, one))) {
    if (name.includes('/') && !isFiltered(item, problem.type) && seen.add(readAgain(name))) referred.names.push(name);
  }
};

/** Reports once that only the scope keeps a type out. */
const noteBeyond = ({ leg, beyond }: Taking, type: string): void => {
  if (beyond.has(type) || !leg.wantedAtKickOff.isBeyond(type)) return;
  beyond.add(type);
  reportBeyondScope(leg, type);
};

/** Reports that the scope keeps out what the record refers to: its type from the start, or since a time at which this one had not come. */
const noteUnwanted = (taking: Taking, { type, id, why }: ReferredResource & { readonly type: string }): void => {
  const { leg } = taking;
  const hasCome = why === undefined && isAccountedFor(leg.seen, `${type}/${id}`);
  if (leg.wantedAtKickOff.isWanted(type) && !hasCome && !isFiltered(leg.item, type)) reportLostScope(leg, type);
  if (why === undefined) noteBeyond(taking, type);
};

/** Counts a resource that does not belong in the record, and reports it unless it was not asked for. */
const leaveOut = (taking: Taking, resource: PageResource, why: Exclude<ResourceVerdict, 'keep' | 'outcome'>): void => {
  const { leg, source } = taking;
  const { page } = source;
  if (why === 'notWanted' && leg.wantedAtKickOff.isWanted(resource.type)) reportLostScope(leg, resource.type);
  if (why === 'notWanted') noteBeyond(taking, resource.type);
  if (!markLeftOut(taking, identityOf(resource), resource.type, resource.mode)) return;
  if (why === 'notFhir') leg.problems.add({ kind: 'entrySkipped', reason: 'notFhir', page, type: source.type });
  if (why === 'unknownPatient') {
    const isElsewhere = namesPatientElsewhere(resource, taking.rules);
    const isGuessed = isGuess(source) && !namesMember(resource, taking.rules);
    const isWithoutId = isPatientWithoutId(resource.resource);
    const said = {
      ...(isElsewhere && { isElsewhere }),
      ...(isWithoutId && { isWithoutId }),
      ...(isGuessed && { isGuessed }),
    };
    leg.problems.add({ kind: 'unknownPatient', type: resource.type, page, ...said });
  }
  if (why === 'otherPatient') {
    if (leg.seen.size() <= mostTags) leg.seen.add(anothers(identityOf(resource)));
    const from = whyNotOthers(taking, resource);
    const problem = { kind: 'otherPatient', type: resource.type, page, ...(from !== undefined && { from }) } as const;
    reportOther(taking, resource, problem);
  }
};

/** Reports once that a type has resources that cannot be asked for. @param type undefined if the reference does not say it */
export const reportNotAsked = (
  { seen, problems }: Pick<RecordLeg, 'seen' | 'problems'>,
  type: string = anyResource,
  why: 'form' | 'elsewhere' = 'form',
): void => {
  if (seen.add(`${why} ${type}`)) problems.add({ kind: 'referenceNotAsked', type, why });
};

/** The most references that a leg lists. */
const mostReferred = 100_000;

/**
 * Leaves out a resource whose type belongs to another of the payer's bases: there, another resource may have the same type and id. Reports
 * that once for each type.
 */
const leaveToOtherBase = (taking: Taking, resource: PageResource): void => {
  const { seen, problems } = taking.leg;
  const { type, mode } = resource;
  if (seen.size() <= mostTags) markAndCount(taking, `other base ${identityOf(resource)}`, type, mode);
  if (seen.add(`other base ${type}`)) problems.add({ kind: 'otherBase', type });
};

/**
 * Lists the resources that this one refers to, so that they can be read later. Skips those already read or listed. What is
 * beyond the bounds is only counted.
 * @param isUnsure whether it is not known yet that this one is the member's
 */
const noteReferences = (taking: Taking, resource: PageResource, isUnsure = false): void => {
  const { leg, rules } = taking;
  const {
    seen,
    referred: { names, unread },
  } = leg;
  if (resource.hasMoreReferences)
    leg.problems.add({ kind: 'referencesNotListed', type: resource.type, id: resource.id });
  const referred = referredBy(resource, { ...rules, noteUnwanted: (one) => noteUnwanted(taking, one) });
  for (const { type, id, why } of referred) {
    if (type !== undefined && isFiltered(leg.item, type)) continue;
    if (type === undefined || why !== undefined) {
      reportNotAsked(leg, type, why);
      continue;
    }
    const name = `${type}/${id}`;
    noteReference(seen, name, isUnsure);
    if (seen.has(name) || seen.has(`reference ${name}`)) continue;
    const isFull = names.length >= mostReferred || seen.size() > mostTags;
    if (isFull) unread.set(type, (unread.get(type) ?? 0) + 1);
    else {
      seen.add(`reference ${name}`);
      names.push(name);
    }
  }
};

/**
 * Whether a resource is unchanged since the time that the partner asked for. A search leaves such resources out by itself;
 * a read by id, or a resource that comes with others, does not.
 */
const isOlder = (taking: Taking, { type, resource, mode }: PageResource): boolean => {
  const { since } = taking.leg.item;
  if (since === undefined || isMatch(taking, type, mode)) return false;
  return lastUpdated(resource) < Date.parse(since);
};

/** Whether a resource is beyond a filter of its type, or changed after the end that was asked for. */
const isBeyond = (taking: Taking, { type, resource, mode }: PageResource): boolean => {
  const { leg } = taking;
  if (!isMatch(taking, type, mode) && isFiltered(leg.item, type)) return true;
  const { until } = leg.item;
  return until !== undefined && lastUpdated(resource) > Date.parse(until);
};

/** Notes the content of a resource, and reports once if one of its type and id came before with another. */
const compareContent = ({ leg: { seen, problems }, source: { page } }: Taking, resource: PageResource): void => {
  const { type, id } = resource;
  if (id === undefined || seen.size() > mostTags) return;
  const mark = contentMark(resource);
  const earlier = seen.mark(`content ${type}/${id}`, mark);
  const differs = earlier !== 0 && earlier !== mark;
  if (differs && seen.add(`differs ${type}/${id}`))
    problems.add({ kind: 'resourceDiffers', type, id, ...(page !== undefined && { page }) });
};

/** Reports once of a type that one of the member's came by a reference only, though a search for them had ended: it did not find all. */
const reportIfMissed = ({ leg, rules }: Taking, resource: PageResource): void => {
  const { item, next, seen, problems } = leg;
  const { type, id } = resource;
  const isSearched = isMemberType(type) && (next.finished.has(type) || next.withEverything.has(type));
  const isLimited = item.since !== undefined || item.until !== undefined || isFiltered(item, type);
  // One of those that came without an id may be this one.
  const mayHaveCome = seen.has(`without id ${type}`);
  if (type === 'Patient' || id === undefined || !isSearched || isLimited || mayHaveCome) return;
  if (isAboutMember(resource, rules) && seen.add(`missed ${type}`)) problems.add({ kind: 'searchMissed', type, id });
};

/**
 * Counts a resource that came otherwise than as a match of a search of its type, until it is one.
 * @param isNew whether the export had not seen it
 */
const noteBesides = ({ leg, rules, source }: Taking, resource: PageResource, isNew: boolean): void => {
  const { item, next, seen } = leg;
  const { type, id } = resource;
  const isOwn = source.of === 'search' && source.type === type && resource.mode !== 'include';
  if (id === undefined || type === 'Patient' || type === 'Provenance' || !isMemberType(type) || isOwn === isNew) return;
  const [besides, along] = [`beside ${type}/${id}`, `along ${type}/${id}`];
  const isOfAll = source.type === everything;
  const isLimited = item.since !== undefined || item.until !== undefined || isFiltered(item, type);
  const isAlong =
    source.of === 'search' &&
    !isOfAll &&
    !isLimited &&
    !seen.has(`without id ${type}`) &&
    isAboutMember(resource, rules);
  const count = (name: 'besides' | 'along', by: number): void =>
    void (next[name] = { ...next[name], [type]: (next[name]?.[type] ?? 0) + by });
  if (isOwn) {
    if (seen.has(besides) && seen.add(`found ${besides}`)) count('besides', -1);
    if (seen.has(along) && seen.add(`found ${along}`)) count('along', -1);
    return;
  }
  // Each note takes memory, so none is made where nobody asks for Provenances.
  if ((next.provenances?.[type] === 'asked' || !isOfAll) && seen.add(besides)) count('besides', 1);
  if (isAlong && seen.add(along)) count('along', 1);
};

/**
 * Whether a search of a type brought, in place of its resources, one that holds resources. With `$everything`, and as included, it may be
 * the member's own.
 */
const isHolder = ({ source, matching }: Taking, { type, mode }: PageResource): boolean =>
  source.of === 'search' &&
  (type === 'Bundle' || type === 'Parameters') &&
  mode === 'match' &&
  matching !== undefined &&
  matching !== type;

/** Adds a resource to the leg's parts, unless it was seen before or does not belong in the record. */
const take = (taking: Taking, resource: PageResource): void => {
  const { leg, rules, source, found } = taking;
  const { problems } = leg;
  const { type, id } = resource;
  const verdict = checkResource(resource, rules);
  // The caller reports it as not received.
  const isOther = source.of === 'read' && (type !== source.type || id !== source.id);
  if (isOther && verdict !== 'outcome') return;
  if (verdict === 'outcome') {
    const remarks = remarksIn(resource.resource, source);
    if (taking.remark !== undefined) taking.remark(remarks);
    else for (const one of remarks) found.add(one);
    return;
  }
  if (verdict === 'notWanted' && aboutAnother(resource.resource, rules) === 'otherPatient')
    disprove(leg.seen, disprovedBy(taking, resource));
  if ((verdict === 'keep' || verdict === 'notWanted') && isHolder(taking, resource)) {
    found.add({ kind: 'entrySkipped', reason: 'holder', page: source.page, type: source.type });
    return;
  }
  if (verdict !== 'keep') {
    leaveOut(taking, resource, verdict);
    return;
  }
  if (!isAt(rules, type)) {
    leaveToOtherBase(taking, resource);
    return;
  }
  if (type === 'Patient' && id === rules.patient) learnLinks(taking, resource);
  if (isBeyond(taking, resource)) {
    if (leg.seen.size() <= mostTags) noteBeside(resource, rules, leg.seen);
    markLeftOut({ ...taking, match: taking.late }, identityOf(resource), type, resource.mode);
    return;
  }
  if (isOlder(taking, resource)) {
    if (leg.seen.size() <= mostTags) noteBeside(resource, rules, leg.seen);
    // What it refers to may have changed.
    if (markLeftOut(taking, identityOf(resource), type, resource.mode)) noteReferences(taking, resource);
    return;
  }
  const isNew = markAndCount(taking, identityOf(resource), type, resource.mode);
  if (id === undefined) leg.seen.add(`without id ${type}`);
  compareContent(taking, resource);
  noteBesides(taking, resource, isNew);
  if (!isNew) return;
  if (source.of === 'read') {
    noteMembers(leg.seen, identityOf(resource));
    reportIfMissed(taking, resource);
  }
  const isUnsure = keep(taking, resource, attachmentsToFetch(taking, resource), problems.add, () => {
    const { page } = source;
    if (isGuess(source)) return { kind: 'unknownPatient', type, page, isNameless: true, isGuessed: true };
    const from = whyNotOthers(taking, resource);
    return { kind: 'otherPatient', type, page, ...(from !== undefined && { from }) };
  });
  if (isUnsure !== 'tooLong') noteReferences(taking, resource, isUnsure);
};

/** Takes a resource into the record, or reports why it is left out. */
export const takeResource = (taking: Taking, resource: PageResource | SkippedResource): void =>
  resource.skipped === undefined ? take(taking, resource) : skip(taking, resource);
