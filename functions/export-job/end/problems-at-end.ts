import type { Export } from '../../shared/store/export-item.ts';
import type { Problem } from '../reading/problems.ts';
import { isMemberType } from '../record/declared.ts';
import { isFiltered, isPatientDue, type Wanted } from '../record/wanted.ts';
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

type InPart = Extract<Problem, { readonly kind: 'provenanceInPart' }>;

/**
 * Why Provenances of resources in the record may be missing: in R4 a search by patient finds those of the Patient only
 * (https://hl7.org/fhir/R4/provenance.html#search). Undefined if none are.
 */
const provenancesMissing = (
  { known, parts }: Pick<JobState, 'known' | 'parts'>,
  types: Export['types'],
): readonly InPart[] | undefined => {
  const { provenances = {}, finished = [], withEverything = [] } = known;
  const isOfAll = withEverything.includes('Provenance');
  const whyOf = (type: string): InPart['why'] | undefined => {
    // What came by reference only is not searched, whatever brings Provenances.
    if (isOfAll && (withEverything.includes(type) || !known.planned.includes(type))) return undefined;
    const how = provenances[type] ?? 'undeclared';
    if (how !== 'undeclared' && !finished.includes(type)) return 'unfinished';
    return how === 'asked' ? undefined : how;
  };
  const others = (all: Iterable<string>): string[] =>
    [...all].filter((type) => type !== 'Patient' && type !== 'Provenance' && isMemberType(type));
  const lacking = Map.groupBy(others(countsOf(parts).keys()), whyOf);
  lacking.delete(undefined);
  const found = [...lacking].map(([why, of]): InPart => ({
    kind: 'provenanceInPart',
    type: 'Provenance',
    of,
    why: why!,
  }));
  if (found.length > 0) return found;
  const isAlone = !isOfAll && types !== undefined && others(types).length === 0;
  return isAlone ? [{ kind: 'provenanceInPart', type: 'Provenance', of: [], why: 'alone' }] : undefined;
};

interface Rules extends Pick<Wanted, 'isWanted'> {
  /** Whether the payer granted only a part of a type. */
  readonly isLimited: (type: string) => boolean;
  /** The types that the scope names, and no search finds. */
  readonly byReference: readonly string[];
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
  { isWanted, isLimited, byReference }: Rules,
  asked: Pick<Export, 'since' | 'until' | 'filters' | 'types'>,
): readonly Problem[] => {
  const counts = countsOf(parts);
  const has = (type: string): boolean =>
    problems.some((one) => one.type === type && isLack(one, counts.get(type) ?? 0));
  const { finished, withEverything = [] } = known;
  // An earlier version began this export, and did not note which searches were read to their end.
  const limited = [...new Set([...known.planned, ...counts.keys(), ...byReference])]
    .filter((type) => type !== everything && isWanted(type) && isLimited(type))
    .map((type) => ({ kind: 'typeLimited', type }) as const);
  if (finished === undefined) return lastIfInPart([...problems.filter((one) => isLasting(one, counts)), ...limited]);
  /** Whether a problem with the request for everything counts for a type: no search of its own was read to its end. */
  const isCounted = (type: string): boolean => has(everything) && !finished.includes(type);
  const isPatientMissing =
    isPatientDue({ isWanted }, asked) && !counts.has('Patient') && !has('Patient') && !isCounted('Patient');
  const isOnlyReferred = (type: string): boolean =>
    type !== 'Patient' &&
    isMemberType(type) &&
    !finished.includes(type) &&
    !withEverything.includes(type) &&
    !has(type) &&
    !has(everything);
  const missing = provenancesMissing({ known, parts }, asked.types);
  const isProvenanceDue =
    known.provenances !== undefined &&
    isWanted('Provenance') &&
    !isFiltered(asked, 'Provenance') &&
    (known.planned.includes('Provenance') || counts.has('Provenance'));
  /** Each search has brought them, the Patient's too, so that none of their own is needed. */
  const isProvenanceBrought =
    isProvenanceDue &&
    missing === undefined &&
    known.provenances['Patient'] === 'asked' &&
    counts.has('Patient') &&
    (known.linked ?? []).length === 0 &&
    finished.includes('Patient');
  const isNeeded = (problem: Problem): boolean => {
    if (problem.kind === 'searchMissed')
      return (
        !isLimited(problem.type) && !problems.some((one) => one.kind === 'typeInPart' && one.type === problem.type)
      );
    return !(isProvenanceBrought && problem.kind === 'typeRefused' && problem.type === 'Provenance');
  };
  const isAstray = (type: string): boolean =>
    isWanted(type) && !has(type) && !(finished.includes(type) && counts.has(type));
  return lastIfInPart([
    ...problems
      .filter((one) => isLasting(one, counts) && isNeeded(one))
      .map((one) =>
        isRefusedThoughItCame(one, counts)
          ? ({ kind: 'typeOnlyReferred', type: one.type, why: 'scope' } as const)
          : one,
      ),
    ...(isPatientMissing ? [{ kind: 'patientNotGiven', type: 'Patient' } as const] : []),
    ...[...counts.keys()]
      .filter((type) => isOnlyReferred(type) && !(isProvenanceBrought && type === 'Provenance'))
      .map((type) => ({ kind: 'typeOnlyReferred', type, why: 'payer' }) as const),
    ...(isProvenanceDue && !has('Provenance') && !isCounted('Provenance') ? (missing ?? []) : []),
    ...(known.declares?.astray ?? []).filter(isAstray).map((type) => ({ kind: 'typeAstray', type }) as const),
    ...limited,
  ]);
};
