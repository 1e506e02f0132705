import { planByType, problemsOf } from '../plan/plan-reading.ts';
import type { Problem } from '../reading/problems.ts';
import { everything } from '../state/state.ts';
import type { Leg } from './leg.ts';

/** Whether a problem means that `$everything` did not return even a first page. */
const isRefusal = (problem: Problem): boolean =>
  problem.type === everything &&
  (problem.kind === 'typeRefused' ||
    ((problem.kind === 'pageNotRead' || problem.kind === 'pageUnreadable') && problem.page === 1));

/** Replaces the request for everything with one search per type. */
export const searchByType = ({ payer, wanted, item, problems, queue, planned }: Leg): void => {
  const plan = planByType({ payer, wanted, asked: item });
  queue.unshift(...plan.tasks);
  planned.splice(0, planned.length, ...new Set(plan.tasks.map(({ type }) => type)));
  problems.push(...problemsOf(plan, { narrowed: true }));
};

/**
 * Some payers declare `$everything` but do not support it, or never answer it. If it returned nothing at all, each type
 * is searched instead, and the failed request is not reported as a problem.
 */
export const searchTypesInstead = (leg: Leg): void => {
  const { problems, state } = leg;
  const at = problems.findIndex(isRefusal);
  if (at === -1 || leg.resources + state.known.resources > 0) return;
  problems.splice(at, 1);
  searchByType(leg);
};
