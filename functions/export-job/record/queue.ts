/** How a leg changes its queue: the task at its head, and the searches that are left. */
import { updateTask } from '../leg/leg.ts';
import { isMissing, type Problem } from '../reading/problems.ts';
import { everything, type ProvenanceAsked, type SearchTask, type Task } from '../state/state.ts';
import { planByType, problemsOf, type Plan } from './plan-reading.ts';
import type { RecordLeg } from './record-leg.ts';

/** Replaces all items. An argument for each, as of `push(...items)`, would overflow the stack. */
const replace = <T>(items: T[], ...by: readonly Iterable<T>[]): void => {
  items.splice(0);
  for (const some of by) for (const one of some) items.push(one);
};

/** Adds the Patient to the resources that are read by id after the searches. */
export const readPatientById = ({ item: { patient }, seen, referred }: RecordLeg): void => {
  if (seen.add(`reference Patient/${patient}`)) referred.names.push(`Patient/${patient}`);
};

/** How Provenances are asked for: with each search of a type, or not of all. */
const provenancesOf = (tasks: readonly SearchTask[]): Readonly<Record<string, ProvenanceAsked>> => {
  const byType = Map.groupBy(tasks, ({ type }) => type);
  const isAsked = (own: readonly SearchTask[]): boolean => own.every(({ provenance }) => provenance !== undefined);
  return Object.fromEntries(
    [...byType].map(([type, own]): [string, ProvenanceAsked] => [type, isAsked(own) ? 'asked' : 'undeclared']),
  );
};

/** Puts a plan's searches before what is left. */
export const followPlan = (leg: RecordLeg, plan: Plan, left: readonly Task[] = [...leg.next.queue]): void => {
  const {
    next: { queue, planned },
    problems,
    wantedAtKickOff,
  } = leg;
  if (plan.readsPatient) readPatientById(leg);
  replace(queue, plan.tasks, left);
  replace(planned, new Set(plan.tasks.map(({ type }) => type)));
  leg.next.provenances = provenancesOf(plan.tasks);
  for (const problem of problemsOf(plan, wantedAtKickOff.isWanted)) problems.add(problem);
  for (const type of [...plan.outOfScope, ...plan.halfInScope.map((problem) => problem.type)])
    leg.seen.add(`beyond ${type}`);
};

/** Replaces the request for everything, and the searches that follow it, with one search per type. */
const searchByType = (leg: RecordLeg): void => {
  const { payer, wanted, item, next } = leg;
  const left = next.queue.filter(({ kind }) => kind !== 'search');
  followPlan(leg, planByType({ payer, wanted, asked: item, declared: next.declares }), left);
};

/**
 * Drops a search that follows the request for everything, if that brought resources of its type and nothing seems to be
 * missing. Returns whether the queue has changed.
 */
export const dropIfCame = ({ next, problems, before }: RecordLeg, task: SearchTask): boolean => {
  if (task.unlessCame !== true || task.page > 1 || !next.withEverything.has(task.type)) return false;
  // Without any Provenance, nobody knows whether the request for everything brings them.
  if (task.provenance !== undefined && !next.withEverything.has('Provenance')) return false;
  const isLacking = (problem: Problem): boolean => problem.type === everything && isMissing(problem);
  if (problems.listed().some(isLacking) || before.problems.some(isLacking)) return false;
  next.queue.shift();
  return true;
};

/** Reports once that the partner's scope, which may be narrowed while the export runs, no longer covers a type. */
export const reportLostScope = ({ seen, problems }: RecordLeg, type: string): void => {
  if (seen.add(`lost ${type}`)) problems.add({ kind: 'typeOutOfScope', type, narrowed: true });
};

/**
 * Reports once that the record has, or refers to, resources of a type that the scope does not let the job read. If it lets the job search
 * the type, these are what no search found.
 */
export const reportBeyondScope = (leg: RecordLeg, type: string): void => {
  const { wanted, wantedAtKickOff, item, next, seen, problems } = leg;
  const maySearch = wanted.may(type, 's');
  const isPlanned = next.planned.some((one) => one === type || one === everything);
  // A search by time may have left it out rightly.
  const isTimed = item.since !== undefined || item.until !== undefined;
  if (wantedAtKickOff.may(type, 'r')) reportLostScope(leg, type);
  else if ((!isPlanned || (maySearch && !isTimed)) && seen.add(`beyond ${type}`))
    problems.add(
      maySearch ? { kind: 'typeOnlyReferred', type, why: 'scopeOfReads' } : { kind: 'typeOutOfScope', type },
    );
};

/**
 * Drops the first search if the scope no longer covers it, and reports what is missing. A request for everything that
 * was not answered yet is replaced by searches. Returns whether the queue has changed.
 */
const dropIfBeyondScope = (leg: RecordLeg, { type, page }: SearchTask): boolean => {
  const { wanted, next, problems } = leg;
  if (type === everything ? wanted.mayAll('rs') : wanted.may(type, 's')) return false;
  next.queue.shift();
  if (type !== everything) reportLostScope(leg, type);
  else if (page === 1) searchByType(leg);
  else problems.add({ kind: 'typeNotRead', type, why: 'scopeNarrowed' });
  return true;
};

/** The search without the parameter that brings Provenances, where it is the gateway that adds it. */
export const withoutProvenances = ({ rest }: SearchTask): Pick<SearchTask, 'rest' | 'provenance'> => ({
  rest: rest.replace('&_revinclude=Provenance:target', ''),
  provenance: undefined,
});

/** Asks for no Provenances with a search that begins when the scope no longer covers them, and reports that they are missing. */
const narrowSearch = (leg: RecordLeg, task: SearchTask): SearchTask => {
  if (task.provenance !== 'declared' || task.page > 1 || leg.wanted.may('Provenance', 's')) return task;
  reportLostScope(leg, 'Provenance');
  return updateTask(leg, task, withoutProvenances(task));
};

/** The next task to read; undefined if none is left. Drops searches that the scope no longer covers, or that nobody needs. */
export const nextTask = (leg: RecordLeg): Task | undefined => {
  for (;;) {
    const [task] = leg.next.queue;
    if (task?.kind !== 'search') return task;
    if (!dropIfBeyondScope(leg, task) && !dropIfCame(leg, task)) return narrowSearch(leg, task);
  }
};

/** Whether a problem means that `$everything` did not return even a first page. If the payer says that it withholds the content, that is reported. */
const isRefusal = (problem: Problem): boolean =>
  problem.type === everything &&
  ((problem.kind === 'typeRefused' && (problem.status !== 200 || problem.isOfForm === true)) ||
    ((problem.kind === 'pageNotRead' || problem.kind === 'pageUnreadable') && problem.page === 1));

/**
 * Some payers declare `$everything` but do not support it, or never answer it. If it returned nothing at all, each type
 * is searched instead, and the failed request is not reported as a problem.
 */
export const searchTypesInstead = (leg: RecordLeg): void => {
  const { problems, next } = leg;
  const refusal = problems.listed().find(isRefusal);
  if (refusal === undefined || next.resources > 0) return;
  problems.remove(refusal);
  searchByType(leg);
};
