import type { StoredManifest, TypeOutcome } from '../../shared/exports/manifest.ts';
import { usualTypes } from '../plan/plan-reading.ts';
import { sentenceOf } from '../reading/outcomes.ts';
import { isMissing, type NotReadReason, type Problem } from '../reading/problems.ts';
import { everything, type JobState, type Known } from '../state/state.ts';

/** Whether a problem means that some of the type's resources are missing for this member. */
const isLack = (problem: Problem): boolean => {
  if (!isMissing(problem) || problem.kind === 'otherPatient') return false;
  // A resource that the payer does not have is not missing.
  return problem.kind !== 'referenceNotRead' || (problem.status !== 404 && problem.status !== 410);
};

/** A problem for each type that is left in the queue. */
export const notReadOf = ({ queue }: Known, why: NotReadReason): readonly Problem[] =>
  [...new Set(queue.flatMap((task) => (task.kind === 'search' ? [task.type] : [])))].map((type) => ({
    kind: 'typeNotRead',
    type,
    why,
  }));

const outcomeOf = (count: number, [first]: readonly Problem[]): TypeOutcome['outcome'] => {
  if (first === undefined) return 'complete';
  if (first.kind === 'typeOutOfScope') return 'refusedByScope';
  if (count > 0) return 'incomplete';
  if (first.kind === 'typeRefused') return 'refusedByPayer';
  return first.kind === 'typeNotRead' ? 'notRead' : 'incomplete';
};

/**
 * The outcome of each type that was planned, that came, or that has a problem. A problem with the request for
 * everything counts for every type, including the usual types that never came.
 * @param asked the types that were asked for; undefined for all
 */
export const outcomesByType = (
  { known, parts }: Pick<JobState, 'known' | 'parts'>,
  problems: readonly Problem[],
  asked: readonly string[] | undefined,
): StoredManifest['outcomes'] => {
  const lacks = problems.filter(isLack);
  const ofAll = lacks.filter(({ type }) => type === everything);
  const named = [
    ...known.planned,
    ...(known.planned.includes(everything) ? (asked ?? (ofAll.length > 0 ? usualTypes : ['Patient'])) : []),
    ...parts.map(({ type }) => type),
    ...lacks.flatMap(({ type }) => type ?? []),
  ];
  return [...new Set(named)]
    .filter((type) => type !== everything)
    .map((type) => {
      const count = parts.reduce((sum, part) => sum + (part.type === type ? part.count : 0), 0);
      const about = [...lacks.filter((problem) => problem.type === type), ...ofAll];
      const reason = about[0] === undefined ? undefined : sentenceOf(about[0]);
      const made = { type, outcome: outcomeOf(count, about), count };
      return reason === undefined ? made : Object.assign(made, { reason });
    });
};
