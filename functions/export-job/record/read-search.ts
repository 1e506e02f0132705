import { GatewayError } from '../../shared/errors.ts';
import { checkPatient } from '../../shared/fhir/check-patient.ts';
import { pageRequest } from '../../shared/fhir/page-request.ts';
import { limitsOf, parseRecordSearch } from '../../shared/fhir/record-search.ts';
import { answerBases, baseUrlOf, spellings } from '../../shared/registry/fhir-bases.ts';
import { anyType } from '../../shared/scopes/resource-types.ts';
import { afterAnswer, afterFailure, type After } from '../leg/after-answer.ts';
import { sentTo, type Answer } from '../leg/ask-payer.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import { askedBase, fresh, updateTask } from '../leg/leg.ts';
import { restricted } from '../reading/hangs-on.ts';
import { isLastRead, missingFromTotal, nextPage, type NextPage } from '../reading/next-page.ts';
import { areOfForm, isOfForm, meaningOf, payerRemarks, type Problem } from '../reading/problems.ts';
import { isAccountedFor } from '../reading/seen-names.ts';
import type { PageInfo } from '../reading/split-bundle.ts';
import { boundFaults, UnreadablePage } from '../reading/unreadable-page.ts';
import { everything, isLinked, type Fork, type SearchTask } from '../state/state.ts';
import { isLimited, leavesOut, saysProvenances } from './limited-search.ts';
import { noteTime } from './note-time.ts';
import { dropIfCame, readPatientById, withoutProvenances } from './queue.ts';
import type { RecordLeg } from './record-leg.ts';
import { takePage } from './take-page.ts';
import { matchingType } from './take-resource.ts';
import { isFiltered, isPatientDue } from './wanted.ts';

/** After more pages in a row than this without anything new, a search ends. */
const mostStalePages = 1000;

/** More next pages beside those that are read are not kept, since they would fill the state. */
const mostForks = 20;

const pageName = ({ type }: SearchTask, rest: string): string => `page ${type} ${rest}`;

/** Whether a next link is still about this member. A payer's links are checked, not trusted. */
const staysWithMember = (leg: RecordLeg, { type }: SearchTask, rest: string): boolean => {
  const { item, payer, rules } = leg;
  const types = [{ type: type === everything ? anyType : type, needs: 's' as const }];
  try {
    checkPatient(pageRequest({ rest, types }, payer.searchParameters ?? {}), item.patient, spellings(rules));
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
};

/** Where a task's page is, and what was read before it. */
const placeOf = ({ payer, seen }: Pick<RecordLeg, 'payer' | 'seen'>, task: SearchTask) => ({
  url: askedBase(payer, task.type) + task.rest,
  bases: answerBases(payer, baseUrlOf(payer, task.type)).bases,
  wasRead: (rest: string): boolean => rest === task.rest || seen.has(pageName(task, rest)),
});

const follow = (leg: RecordLeg, task: SearchTask, next: readonly string[]): NextPage => {
  const { url, ...place } = placeOf(leg, task);
  const followed = nextPage({
    next,
    requestUrl: sentTo(leg.payer, url, task.page === 1 ? 'search' : 'page'),
    ...place,
  });
  return 'rest' in followed && !staysWithMember(leg, task, followed.rest)
    ? { end: 'elsewhere', why: 'patient' }
    : followed;
};

/** Whether a page's total is more than the page's entries, so that it cannot be a count of these alone. */
const exceeds = ({ total, entries }: PageInfo): boolean => total !== undefined && total > entries;

/** The first page of a search that may be, or may contain, something other than what was read. */
const oddOf = ({ odd, page }: SearchTask, taken: PageInfo): SearchTask['odd'] =>
  odd ?? (taken.odd === undefined ? undefined : { page, what: taken.odd });

const headerTotalOf = ({ headerTotal }: SearchTask, taken: PageInfo): number | undefined =>
  headerTotal === undefined ? taken.headerTotal : Math.max(headerTotal, taken.headerTotal ?? 0);

/** Whether no page is after one without a link to the next, by the links to the first and the last. */
const isAtLast = (leg: Pick<RecordLeg, 'payer' | 'seen'>, task: SearchTask, taken: PageInfo): boolean =>
  (taken.total === 0 && task.matched === 0) || isLastRead(taken, placeOf(leg, task));

/** A page that was not read although another page also links to it as the next. */
const unreadFork = (seen: RecordLeg['seen'], task: SearchTask): Fork | undefined => {
  const { forks = [] } = task;
  return forks.length >= mostForks ? forks[0] : forks.find(({ rest }) => !seen.has(pageName(task, rest)));
};

/** The problem to report at the end of a search, if resources may be missing. */
const problemAtEnd = (
  leg: Pick<RecordLeg, 'payer' | 'seen'>,
  task: SearchTask,
  following: Extract<NextPage, { end: string }>,
  taken: PageInfo,
): Problem | undefined => {
  const { payer, seen } = leg;
  const { type, page, matched, late = 0, included = 0, firstTotal, exceedsPage, isTotalUnreadable } = task;
  const { repeats = 0 } = task;
  const odd = oddOf(task, taken);
  const { end } = following;
  if (end === 'nothingNew') return { kind: 'pagesNothingNew', type, page };
  if (task.elsewhere !== undefined) return { kind: 'pageElsewhere', type, ...task.elsewhere };
  if (following.end === 'elsewhere') return { kind: 'pageElsewhere', type, page, why: following.why };
  const first = firstTotal ?? taken.total;
  const most = Math.max(first ?? 0, taken.total ?? 0);
  // A total counts matches only (https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.total). If a payer also counts what
  // it includes, its profile says that its totals mean nothing. Only an $everything that marks all but one as included shows that by itself.
  const isAllCounted = type === everything && payer.wholeRecord?.substitute === undefined && matched <= 1;
  const read = isAllCounted && matched + included === most ? most : matched;
  // A total equal to a page's entries may be the page's own count, and one that grows from page to page the count so far.
  const isOfAll = (exceedsPage === true || exceeds(taken)) && (taken.total ?? first) === first;
  const isProved = first !== undefined && isOfAll && read === most;
  if (end === 'loop' && !isProved) return { kind: 'pagesLoop', type, page };
  if (end === 'withoutUrl' && !isProved) return { kind: 'pageWithoutUrl', type, page };
  if (taken.unreadable === 'links' && !isProved) return { kind: 'saidUnreadable', type, page, what: 'links' };
  const fork = unreadFork(seen, task);
  if (fork !== undefined && !isProved) return { kind: 'saidUnreadable', type, page: fork.page, what: 'nexts' };
  if (odd !== undefined && !(odd.what === 'member' && isProved)) return { kind: 'saidUnreadable', type, ...odd };
  if (isTotalUnreadable === true || taken.unreadable === 'total')
    return { kind: 'saidUnreadable', type, page, what: 'total' };
  const missing = missingFromTotal({ first, last: taken.total, read });
  // A total below what came says nothing.
  if (missing === undefined) {
    if (!isProved && !isAtLast(leg, task, taken)) return { kind: 'saidUnreadable', type, page, what: 'last' };
    if ((headerTotalOf(task, taken) ?? 0) > (isAllCounted ? matched + included : matched))
      return { kind: 'saidUnreadable', type, page, what: 'header' };
    return page > 1 && repeats > 0 && !isProved ? { kind: 'pagesRepeat', type, page } : undefined;
  }
  const came = { read: read - late, ...(included > 0 && { included }), ...(late > 0 && { late }) };
  return missing === 'shrank'
    ? { kind: 'totalShrank', type, total: first ?? 0, ...came }
    : { kind: 'totalShort', type, total: taken.total ?? first ?? 0, ...came };
};

/**
 * A mark that no other search has: each search leaves the queue when it ends, and 1 means no mark. Searches by type may
 * take the place of the request for everything, so that one has another range.
 */
const markOf = ({ next: { queue } }: RecordLeg, { type }: SearchTask): number =>
  queue.length + 1 + (type === everything ? 0x8000 : 0);

const withoutTotal = ({ unreadable, odd, ...info }: PageInfo): PageInfo => ({
  ...info,
  total: undefined,
  headerTotal: undefined,
  odd: odd === 'header' ? undefined : odd,
  ...(unreadable === 'links' && { unreadable }),
});

/** Why a page cannot be read. @property remarks what the payer says in its place */
interface PageFailure {
  readonly fault: Problem;
  readonly remarks?: readonly Problem[];
}

/** Whether it asks by a parameter that never finds what names nobody. An earlier version says that only of one that the payer may not know. */
const isAskedByPart = ({ isByPart, mayBeUnknown }: SearchTask): boolean => (isByPart ?? mayBeUnknown) === true;

/** Takes a page. Returns the task with its matches counted, and the page, or a fault if it cannot be read. */
const takeOrFail = async (
  leg: RecordLeg,
  task: SearchTask,
  answer: Extract<Answer, { kind: 'json' }>,
  links: (next: readonly string[]) => void,
): Promise<{ readonly counted: SearchTask; readonly taken: PageInfo | PageFailure }> => {
  const { type, page, newOnPage = 0, mayBeUnknown } = task;
  let { matched, late = 0, included = 0 } = task;
  let again = 0;
  let isPatientAgain = false;
  let { provenances } = task;
  const match = (): void => {
    matched += 1;
  };
  const matchLate = (): void => {
    matched += 1;
    late += 1;
  };
  const include = (): void => {
    included += 1;
  };
  const repeat = (name: string): void => {
    if (name === `Patient/${leg.item.patient}`) isPatientAgain = true;
    else again += 1;
  };
  const provenance = (): void => {
    provenances = 'came';
  };
  const take = async (): Promise<PageInfo | PageFailure> => {
    try {
      const source = {
        of: 'search',
        type,
        page,
        mark: markOf(leg, task),
        ...(mayBeUnknown && { mayBeUnknown }),
        ...(isAskedByPart(task) && { isByPart: true as const }),
      } as const;
      const info = await takePage(leg, source, answer, { links, match, late: matchLate, include, repeat, provenance });
      return leg.payer.wholeRecord?.totals === 'meaningless' ? withoutTotal(info) : info;
    } catch (error) {
      if (!(error instanceof UnreadablePage)) throw error;
      const remarks = error.outcome === undefined ? undefined : payerRemarks(error.outcome, type, page);
      return { fault: { kind: 'pageUnreadable', type, page, fault: error.fault }, ...(remarks && { remarks }) };
    }
  };
  const taken = await take();
  const found = newOnPage + matched - task.matched;
  // Some payers begin each page of a record with its Patient. A page with nothing new still counts as a repeat.
  if (isPatientAgain && found === 0) again += 1;
  const counts =
    'fault' in taken
      ? { newOnPage: found }
      : { newOnPage: 0, repeats: (task.repeats ?? 0) + Math.max(0, again - newOnPage) };
  return { counted: updateTask(leg, task, { matched, late, included, provenances, ...counts }), taken };
};

/** Whether a page is larger than any is read. Another try would give the same. */
const isOfBound = (problem: Problem): boolean => problem.kind === 'pageUnreadable' && boundFaults.has(problem.fault);

const faultOf = ({ type, page }: SearchTask, answer: Answer): Problem => {
  if (answer.kind === 'otherType')
    return { kind: 'pageUnreadable', type, page, fault: 'mediaType', mediaType: answer.mediaType };
  if (answer.kind === 'failed' && answer.fault !== undefined)
    return { kind: 'pageUnreadable', type, page, fault: answer.fault };
  return { kind: 'pageNotRead', type, page, status: answer.kind === 'failed' ? answer.status : undefined };
};

const endTask = (leg: RecordLeg, problem?: Problem): undefined => {
  if (problem !== undefined) leg.problems.add(problem);
  leg.next.queue.shift();
};

/** Requests pages, at most one of them ahead of its turn. */
interface Pages {
  /** The answer for the next page, requested ahead or now; or why the leg stops before it. */
  readonly next: (task: SearchTask) => Promise<Answer> | LegStop;
  /** Requests the page after this one, unless the leg is to stop first. */
  readonly ahead: (task: SearchTask, next: readonly string[]) => void;
  /** Discards the page that was requested ahead. */
  readonly drop: () => void;
}

const pagesOf = (leg: RecordLeg): Pages => {
  const { whyNot } = leg.calls;
  let coming: { readonly rest: string; readonly answer: Promise<Answer> } | undefined;
  const drop = (): void => {
    coming?.answer.then(
      (answer) => (answer.kind === 'json' ? answer.end() : undefined),
      () => undefined,
    );
    coming = undefined;
  };
  return {
    next: ({ type, rest, page }) => {
      const taken = coming;
      if (taken?.rest === rest) {
        coming = undefined;
        return taken.answer;
      }
      drop();
      return whyNot() ?? leg.calls.ask(type, rest, page === 1 ? 'search' : 'page');
    },
    ahead: (task, next) => {
      const following = follow(leg, task, next);
      if (!('rest' in following) || whyNot() !== undefined) return;
      const answer = leg.calls.ask(task.type, following.rest, 'page');
      // Its failure counts when its turn comes. Until then nobody waits for it, and Node would end the process.
      answer.catch(() => undefined);
      coming = { rest: following.rest, answer };
    },
    drop,
  };
};

/**
 * Notes that a search was read to its end; one for everything also is one of each type that came. A search in its place is
 * one of its own type, and brings some of others.
 */
const noteEnd = ({ payer, next, parts, held, before }: RecordLeg, task: SearchTask): void => {
  const { finished, finishedByPart, withEverything } = next;
  const { type } = task;
  if (type !== everything) {
    (isAskedByPart(task) ? finishedByPart : finished).add(type);
    return;
  }
  const { substitute } = payer.wholeRecord ?? {};
  if (substitute !== undefined) {
    const { type: own } = parseRecordSearch(substitute);
    for (const one of limitsOf(substitute) !== '' ? [everything] : [everything, own]) withEverything.add(one);
    return;
  }
  const earlier = [...before.parts.map((part) => part.type), ...before.held.flatMap(({ types }) => types)];
  const again = next.early.filter((one) => isLinked(next, one)).map(({ problem }) => problem.type);
  for (const one of [everything, ...parts.types(), ...held.types(), ...earlier, ...again]) withEverything.add(one);
};

/**
 * A Patient that its search did not find, or `$everything` at a payer that declares no search of it, is read by its id, unless it may be
 * beyond what was asked for.
 */
const readPatientIfMissing = (leg: RecordLeg, { type }: SearchTask): void => {
  const { wanted, item, seen, next } = leg;
  const isSearched = next.queue.some((task) => task.kind === 'search' && task.type === 'Patient');
  const isLast = type === 'Patient' || (type === everything && !isSearched);
  const isMissing = isLast && isPatientDue(wanted, item) && !isAccountedFor(seen, `Patient/${item.patient}`);
  if (isMissing && wanted.may('Patient', 'r')) readPatientById(leg);
};

/** Reports once that a payer says that it searched a type without what `_typeFilter` asks for. More came then, and nothing is missing. */
const noteFilters = ({ item, seen, problems }: RecordLeg, type: string, self: string, url: string): void => {
  const filtered = (item.filters ?? []).map(parseRecordSearch).filter((one) => one.type === type);
  const asked = new Set(new URL(url).searchParams.keys());
  const names = filtered.flatMap(({ parameters }) => parameters.map(([name]) => name));
  const limiting = names.filter((name) => asked.has(name) && name !== '_sort');
  if (leavesOut(self, url, limiting) && seen.add(`unfiltered ${type}`)) problems.add({ kind: 'filterIgnored', type });
};

/**
 * Notes whether the first page of a search says that it was limited to the member. One that says so, and not that it brings
 * Provenances, may have ignored that, if none comes to its end.
 */
const noteSelf = (leg: RecordLeg, task: SearchTask, { self }: PageInfo): SearchTask['provenances'] => {
  const { item, next, seen } = leg;
  const { type, provenance, provenances } = task;
  const matching = matchingType(leg, { of: 'search', type, page: 1, mark: 0 });
  if (task.page > 1 || matching === undefined || matching === everything) return provenances;
  const url = askedBase(leg.payer, type) + task.rest;
  const isSure = isLimited(self, { type: matching, url, patients: [item.patient, ...next.linked] });
  if (!isSure) return provenances;
  if (!isAskedByPart(task)) seen.add(restricted(type, markOf(leg, task)));
  noteFilters(leg, type, self!, url);
  return provenance === 'declared' && !saysProvenances(self, url) ? (provenances ?? 'ignored') : provenances;
};

/** Notes that a search by a parameter that the payer may not know found something, and only without its Provenances. */
const noteWithout = ({ next }: RecordLeg, { type, mayBeUnknown, provenance, matched }: SearchTask): void => {
  const isWithout = mayBeUnknown === true && provenance === undefined && next.provenances?.[type] === 'asked';
  if (isWithout && matched > 0) next.provenances = { ...next.provenances, [type]: 'refused' };
};

/** Notes further pages that a page links to as the next, besides the one that is read. */
const forksOf = ({ seen }: RecordLeg, task: SearchTask, others: readonly string[] = []): SearchTask['forks'] => {
  const { forks = [], page } = task;
  if (forks.length >= mostForks) return forks;
  const unread = forks.filter((fork) => !seen.has(pageName(task, fork.rest)));
  const known = new Set(unread.map(({ rest }) => rest));
  const found = others.filter((rest) => !known.has(rest)).map((rest) => ({ page, rest }));
  return unread.length + found.length === 0 ? undefined : [...unread, ...found].slice(0, mostForks);
};

/** Updates the task after a page was read. Returns undefined if it was the last page. */
const afterPage = (leg: RecordLeg, task: SearchTask, taken: PageInfo, stale: number): SearchTask | undefined => {
  leg.next.pages += 1;
  const provenances = noteSelf(leg, task, taken);
  leg.seen.add(pageName(task, task.rest));
  noteWithout(leg, task);
  if (taken.isWithheld === true) leg.problems.add({ kind: 'pageWithheld', type: task.type, page: task.page });
  const following: NextPage = stale > mostStalePages ? { end: 'nothingNew' } : follow(leg, task, taken.next);
  if ('end' in following) {
    const problem = problemAtEnd(leg, task, following, taken);
    if (problem === undefined) noteEnd(leg, task);
    if (provenances === 'ignored' && task.matched > 0)
      leg.next.provenances = { ...leg.next.provenances, [task.type]: provenances };
    readPatientIfMissing(leg, task);
    return endTask(leg, problem);
  }
  return updateTask(leg, task, {
    rest: following.rest,
    page: task.page + 1,
    firstTotal: task.firstTotal ?? taken.total,
    ...(exceeds(taken) && { exceedsPage: true }),
    ...(taken.unreadable === 'total' && { isTotalUnreadable: true }),
    odd: oddOf(task, taken),
    headerTotal: headerTotalOf(task, taken),
    forks: forksOf(leg, task, following.others),
    elsewhere: task.elsewhere ?? (following.elsewhere && { page: task.page, why: following.elsewhere }),
    provenances,
    stale,
    ...fresh,
  });
};

interface Refused extends Pick<Extract<Answer, { kind: 'refused' }>, 'status' | 'saysNone'> {
  /** As in {@link Problem}. */
  readonly isOfForm?: true;
}

const refusalOf = ({ type, page }: SearchTask, { status, isOfForm: isSaid }: Refused): Problem =>
  page === 1
    ? { kind: 'typeRefused', type, status, ...(isSaid && { isOfForm: isSaid }) }
    : { kind: 'pageNotRead', type, page, status };

/**
 * Ends a search that the payer refuses. If it says that it does not have the type, the type is not reported, unless it answers nothing
 * else, either. A Patient that it gives to no search is read by its id, unless it is filtered, which a read cannot be.
 *
 * A 404 means that nothing was found if the payer declares the type and gives something of the member's: then neither of them can be what
 * it does not find. That may still come, and then it is not a problem. A payer that says so with 200 has searched.
 */
const endRefused = (leg: RecordLeg, task: SearchTask, refused: Refused): undefined => {
  const { status, saysNone } = refused;
  const { wanted, item, seen, next } = leg;
  const { type, page } = task;
  if (type === everything && page > 1) readPatientIfMissing(leg, task);
  // Its type has another search, which says whether the payer gives it.
  if (task.mayBeUnknown === true && page === 1 && isOfForm(refused)) return endTask(leg);
  const isGiven = seen.has(`Patient/${item.patient}`);
  const isRead = wanted.may('Patient', 'r') && !isFiltered(item, 'Patient') && !(isGiven && saysNone === true);
  if (type === 'Patient' && page === 1 && isRead) {
    readPatientById(leg);
    return endTask(leg);
  }
  const isKnown = status === 200 ? type !== everything : type in (next.declares?.types ?? {});
  if (saysNone === true && page === 1 && isKnown) {
    noteEnd(leg, task);
    return endTask(leg, isGiven || status === 200 ? undefined : { kind: 'typeRefused', type, status, saysNone });
  }
  if (status !== 404 || page > 1 || task.mayBeAbsent !== true) return endTask(leg, refusalOf(task, refused));
  const at = next.planned.indexOf(type);
  if (at >= 0) next.planned.splice(at, 1);
  return endTask(leg, { kind: 'typeRefused', type, status, isAbsent: true, ...(saysNone === true && { saysNone }) });
};

/** Ends a search that cannot be read. If the payer answers at all, a Patient that it did not give is read by its id, as after a refusal. */
const endFailed = (leg: RecordLeg, task: SearchTask, fault: Problem): undefined => {
  const { wanted, item, seen } = leg;
  const isGiven = isAccountedFor(seen, `Patient/${item.patient}`);
  const isRead = wanted.may('Patient', 'r') && !isFiltered(item, 'Patient') && !isGiven;
  const isAnswered = fault.kind !== 'pageNotRead' || fault.status !== undefined;
  // If nothing came of it, the types are searched in its place.
  if (task.type === everything && (task.page > 1 || leg.next.resources > 0)) readPatientIfMissing(leg, task);
  if (task.type !== 'Patient' || task.page > 1 || !isRead || !isAnswered) return endTask(leg, fault);
  readPatientById(leg);
  return endTask(leg, fault);
};

/**
 * Asks a search again without Provenances, if the payer declares that it brings them, and does not answer it. It is not asked again if
 * `$everything` brought its resources: then only their Provenances are missing.
 * @param end what ends any other search
 */
const askWithout = (
  leg: RecordLeg,
  task: SearchTask,
  end: () => undefined,
  { status, saysNone }: Partial<Refused> = {},
): SearchTask | undefined => {
  if (task.provenance !== 'declared' || task.page > 1 || (status === 404 && saysNone === true)) return end();
  // Counts what the last try brought before its page broke off.
  const { matched, included = 0 } = leg.next.queue[0] as SearchTask;
  const isNothingRead = matched === 0 && included === 0;
  const without = { ...task, ...withoutProvenances(task) };
  const isDropped = isNothingRead && dropIfCame(leg, without);
  if (!isDropped && status === 404) return end();
  // The payer may refuse a parameter that it does not know, and not the Provenances: the search without them says so.
  if (task.mayBeUnknown !== true) leg.next.provenances = { ...leg.next.provenances, [task.type]: 'refused' };
  return isDropped ? undefined : updateTask(leg, task, { ...withoutProvenances(task), ...fresh });
};

/**
 * Ends a search that the payer answers with an OperationOutcome in place of a Bundle, if another try would give the same. R4 has one
 * for a search that failed, with another status (https://hl7.org/fhir/R4/http.html#search).
 * @returns `later` if another try may succeed
 */
const endByRemarks = (
  leg: RecordLeg,
  task: SearchTask,
  remarks: readonly Problem[],
): SearchTask | 'later' | undefined => {
  const meaning = meaningOf(remarks);
  if (meaning === 'later') return meaning;
  if (meaning === 'none') return endRefused(leg, task, { status: 200, saysNone: true });
  const refused: Refused = { status: 200, ...(areOfForm(remarks) && { isOfForm: true }) };
  return askWithout(leg, task, () => endRefused(leg, task, refused), refused);
};

/**
 * Reads one page of the first task.
 * @returns the task as it is now, undefined if it is done, or why the leg stops
 */
const readPage = async (leg: RecordLeg, task: SearchTask, pages: Pages): Promise<SearchTask | LegStop | undefined> => {
  const settle = (after: After, fault: Problem): SearchTask | LegStop | undefined => {
    if ('giveUp' in after) return askWithout(leg, task, () => endFailed(leg, task, fault));
    if ('refused' in after) return askWithout(leg, task, () => endRefused(leg, task, { status: after.refused }));
    return 'stop' in after ? after.stop : (leg.next.queue[0] as SearchTask);
  };
  const asked = pages.next(task);
  if ('kind' in asked) return asked;
  const answer = await asked;
  noteTime(leg, task.type, answer);
  if (answer.kind === 'refused') return askWithout(leg, task, () => endRefused(leg, task, answer), answer);
  if (answer.kind !== 'json') return settle(await afterAnswer(leg, task, answer), faultOf(task, answer));
  const before = leg.next.resources;
  const { counted, taken } = await takeOrFail(leg, task, answer, (next) => pages.ahead(task, next));
  if ('fault' in taken) {
    pages.drop();
    if (isOfBound(taken.fault)) return endFailed(leg, task, taken.fault);
    const ended = taken.remarks === undefined ? 'later' : endByRemarks(leg, counted, taken.remarks);
    if (ended !== 'later') return ended;
    return settle(await afterFailure(leg, counted), taken.fault);
  }
  return afterPage(leg, counted, taken, leg.next.resources > before ? 0 : task.stale + 1);
};

/**
 * Reads the pages of the first task until it is done or the leg stops. If a page has its next link before its entries,
 * the next page is requested while the entries are read.
 */
export const readSearch = async (leg: RecordLeg, first: SearchTask): Promise<LegStop | undefined> => {
  const pages = pagesOf(leg);
  let task = first;
  try {
    for (;;) {
      const next = await readPage(leg, task, pages);
      if (next === undefined || next.kind !== 'search') return next;
      task = next;
    }
  } finally {
    pages.drop();
  }
};
