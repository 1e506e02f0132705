import type { Export } from '../../shared/store/export-item.ts';
import type { Problem } from '../reading/problems.ts';
import { isMemberType } from '../record/declared.ts';
import { isPatientDue, type Wanted } from '../record/wanted.ts';
import { everything, type JobState } from '../state/state.ts';
import { countsOf, isLack } from './outcomes-by-type.ts';

/**
 * A type that no search finds is read by reference, so it is a problem only if none came; a 404 that may mean that there is none,
 * only if the member's Patient did not come.
 */
const isLasting = (problem: Problem, counts: ReadonlyMap<string, number>): boolean => {
  if (problem.kind === 'typeRefused' && problem.saysNone === true) return !counts.has('Patient');
  return problem.kind !== 'typeNotSearched' || !counts.has(problem.type);
};

/** What limits a type from the start is no news if something else went wrong with it. */
const lastIfInPart = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted((one, other) => Number(one.kind === 'typeInPart') - Number(other.kind === 'typeInPart'));

/** Whether the scope covers no search of a type, but some came by reference. */
const isRefusedThoughItCame = (problem: Problem, counts: ReadonlyMap<string, number>): boolean =>
  problem.kind === 'typeOutOfScope' &&
  problem.narrowed !== true &&
  isMemberType(problem.type) &&
  counts.has(problem.type);

interface Rules extends Pick<Wanted, 'isWanted'> {
  /** Whether the payer granted only a part of a type. */
  readonly isLimited: (type: string) => boolean;
}

/**
 * What the searches do not say by themselves: that the member's Patient never came, that of some types only what other
 * resources refer to came, and that the payer granted only a part of some. A problem is left out if it turns out to be
 * none.
 * @param rules.isWanted by the scope at the kick-off
 */
export const problemsAtEnd = (
  { known, parts }: Pick<JobState, 'known' | 'parts'>,
  problems: readonly Problem[],
  { isWanted, isLimited }: Rules,
  asked: Pick<Export, 'since' | 'until' | 'filters'>,
): readonly Problem[] => {
  const counts = countsOf(parts);
  const has = (type: string): boolean =>
    problems.some((one) => one.type === type && isLack(one, counts.get(type) ?? 0));
  const { finished, withEverything = [] } = known;
  // An earlier version began this export, and did not note which searches were read to their end.
  const limited = [...new Set([...known.planned, ...counts.keys()])]
    .filter((type) => type !== everything && isWanted(type) && isLimited(type))
    .map((type) => ({ kind: 'typeLimited', type }) as const);
  if (finished === undefined) return lastIfInPart([...problems.filter((one) => isLasting(one, counts)), ...limited]);
  const isPatientMissing =
    isPatientDue({ isWanted }, asked) &&
    !counts.has('Patient') &&
    !has('Patient') &&
    (finished.includes('Patient') || !has(everything));
  const isOnlyReferred = (type: string): boolean =>
    type !== 'Patient' &&
    isMemberType(type) &&
    !finished.includes(type) &&
    !withEverything.includes(type) &&
    !has(type) &&
    !has(everything);
  return lastIfInPart([
    ...problems
      .filter((one) => isLasting(one, counts))
      .map((one) =>
        isRefusedThoughItCame(one, counts)
          ? ({ kind: 'typeOnlyReferred', type: one.type, why: 'scope' } as const)
          : one,
      ),
    ...(isPatientMissing ? [{ kind: 'patientNotGiven', type: 'Patient' } as const] : []),
    ...[...counts.keys()]
      .filter(isOnlyReferred)
      .map((type) => ({ kind: 'typeOnlyReferred', type, why: 'payer' }) as const),
    ...limited,
  ]);
};
