import { planByType, problemsOf, type Plan } from '../plan/plan-reading.ts';
import { isMissing, type Problem } from '../reading/problems.ts';
import { everything, type SearchTask } from '../state/state.ts';
import { append, type Leg } from './leg.ts';

/** Whether a problem means that `$everything` did not return even a first page. */
const isRefusal = (problem: Problem): boolean =>
  problem.type === everything &&
  (problem.kind === 'typeRefused' ||
    ((problem.kind === 'pageNotRead' || problem.kind === 'pageUnreadable') && problem.page === 1));

/** Puts a plan's searches before what is left. */
export const followPlan = (
  { queue, planned, problems }: Leg,
  plan: Plan,
  options?: { readonly narrowed: true },
): void => {
  const left = queue.splice(0);
  append(queue, plan.tasks);
  append(queue, left);
  planned.splice(0);
  append(planned, new Set(plan.tasks.map(({ type }) => type)));
  for (const problem of problemsOf(plan, options)) problems.add(problem);
};

/** Replaces the request for everything, and the searches that follow it, with one search per type. */
export const searchByType = (leg: Leg): void => {
  const { payer, wanted, item, declared, queue } = leg;
  const left = queue.filter((task) => task.kind !== 'search');
  queue.splice(0);
  append(queue, left);
  followPlan(leg, planByType({ payer, wanted, asked: item, declared }), { narrowed: true });
};

/**
 * Drops a search that follows the request for everything, if that brought resources of its type and nothing seems to be
 * missing. Returns whether the queue has changed.
 */
export const dropIfCame = ({ queue, problems, state, withEverything }: Leg, task: SearchTask): boolean => {
  if (task.unlessCame !== true || task.page > 1 || !withEverything.has(task.type)) return false;
  const isLacking = (problem: Problem): boolean => problem.type === everything && isMissing(problem);
  if (problems.listed().some(isLacking) || state.problems.some(isLacking)) return false;
  queue.shift();
  return true;
};

/**
 * Some payers declare `$everything` but do not support it, or never answer it. If it returned nothing at all, each type
 * is searched instead, and the failed request is not reported as a problem.
 */
export const searchTypesInstead = (leg: Leg): void => {
  const { problems, state } = leg;
  const refusal = problems.listed().find(isRefusal);
  if (refusal === undefined || leg.resources + state.known.resources > 0) return;
  problems.remove(refusal);
  searchByType(leg);
};
