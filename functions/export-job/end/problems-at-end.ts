import type { Export } from '../../shared/store/export-item.ts';
import { isMissing, isOfForm, type Problem } from '../reading/problems.ts';
import { isKnownOf, isMemberType } from '../record/declared.ts';
import { isFiltered, isPatientDue, type Wanted } from '../record/wanted.ts';
import { everything, type JobState } from '../state/state.ts';
import { countsOf, isLack } from './outcomes-by-type.ts';

/** Whether anything of the member's came, which shows that the payer knows the member. */
const knowsMember = (counts: ReadonlyMap<string, number>): boolean =>
  [...counts.keys()].some((type) => type === 'Patient' || isMemberType(type));

/** Whether something is missing because the payer answered with a status other than 404. */
const isOtherRefusal = (problem: Problem): boolean =>
  'status' in problem && problem.status !== undefined && problem.status !== 404 && isMissing(problem);

/**
 * A type that no search finds is read by reference, so it is a problem only if none came; a 404 that may mean that there is none,
 * or a first page of Patient that cannot be read, only if the member's Patient did not come; and a 404 that may mean that the payer does
 * not have the type, only if it answered nothing else, or another search of the type.
 */
const isLasting = (
  problem: Problem,
  counts: ReadonlyMap<string, number>,
  { isAnswered, ended }: { readonly isAnswered: boolean; readonly ended: readonly string[] },
): boolean => {
  if (problem.kind === 'typeRefused' && problem.isAbsent === true) return !isAnswered || ended.includes(problem.type);
  if (problem.kind === 'typeRefused' && problem.saysNone === true) return !knowsMember(counts);
  const isPage = problem.kind === 'pageUnreadable' || problem.kind === 'pageNotRead';
  if (isPage && problem.type === 'Patient' && problem.page === 1) return !counts.has('Patient');
  return problem.kind !== 'typeNotSearched' || !counts.has(problem.type);
};

/** What a 404 to a search says if the payer answered nothing else: not that it has the type and keeps it back. */
const asAbsent = (problem: Problem): Problem =>
  problem.kind === 'typeRefused' && problem.status === 404 && problem.saysNone !== true
    ? { ...problem, isAbsent: true }
    : problem;

/** A payer that answers anything has a type that it gave a 404 for and that counts: it refused that search. */
const asRefused = (problem: Problem): Problem =>
  problem.kind === 'typeRefused' && problem.isAbsent === true
    ? { kind: 'typeRefused', type: problem.type, status: problem.status }
    : problem;

/** What limits a type from the start is no news if something else went wrong with it. */
const lastIfInPart = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted((one, other) => Number(one.kind === 'typeInPart') - Number(other.kind === 'typeInPart'));

/** Whether the scope covers no search of a type, but some came by reference. */
const isRefusedThoughItCame = (problem: Problem, counts: ReadonlyMap<string, number>): boolean =>
  problem.kind === 'typeOutOfScope' &&
  problem.narrowed !== true &&
  isMemberType(problem.type) &&
  counts.has(problem.type);

/** Whether a problem means that resources may be missing, which may refer to others. */
const isOfRecord = (problem: Problem): boolean =>
  isMissing(problem) && !/^(?:attachment|typeOutOfScope|typeNotSearched|provenanceInPart)/.test(problem.kind);

type InPart = Extract<Problem, { readonly kind: 'provenanceInPart' }>;

/** Whether the scope covers reads of a type but no searches. */
const isHalfInScope = (problem: Problem): boolean => problem.kind === 'typeOnlyReferred' && problem.why === 'scope';

/**
 * Why Provenances of the member's resources may be missing: in R4 a search by patient finds those of the Patient only
 * (https://hl7.org/fhir/R4/provenance.html#search). Undefined if none are.
 */
const provenancesMissing = (
  { known, parts }: Pick<JobState, 'known' | 'parts'>,
  problems: readonly Problem[],
  { isLimited, types }: Pick<Rules, 'isLimited'> & Pick<Export, 'types'>,
): readonly InPart[] | undefined => {
  const {
    planned,
    declares,
    provenances = {},
    finished = [],
    finishedByPart = [],
    withEverything = [],
    besides = {},
  } = known;
  const counts = countsOf(parts);
  const isOfAll = withEverything.includes('Provenance');
  const withProblem = (is: (problem: Problem) => boolean): ReadonlySet<string> =>
    new Set(problems.filter(is).map(({ type }) => type));
  const half = withProblem(isHalfInScope);
  const missed = withProblem(({ kind }) => kind === 'searchMissed');
  const inPart = withProblem(({ kind }) => kind === 'typeInPart');
  const keptBack = withProblem(
    (problem) => problem.kind === 'pageWithheld' || (problem.kind === 'payerRemark' && isMissing(problem)),
  );
  const whyOf = (type: string): InPart['why'] | undefined => {
    if (missed.has(type)) return 'missed';
    // A type that the payer does not have has no Provenances.
    const isAbsent = isKnownOf(declares, type) && !(type in declares.types) && !counts.has(type);
    if (!isAbsent && isLimited(type)) return 'limited';
    if (!isAbsent && inPart.has(type)) return 'part';
    if (isOfAll && withEverything.includes(type)) return undefined;
    if (half.has(type)) return 'scope';
    const isFinished = finished.includes(type) || finishedByPart.includes(type);
    // A search that found nothing, and kept nothing back, has no Provenances to bring.
    if (isAbsent || (isFinished && !counts.has(type) && !keptBack.has(type))) return undefined;
    const how = provenances[type] ?? 'undeclared';
    if (how !== 'undeclared' && !isFinished) return 'unfinished';
    if (how === 'undeclared' && !isKnownOf(declares, type)) return 'unread';
    if (how !== 'asked') return how;
    // What came otherwise, such as with `$everything`, came without its own.
    return (besides[type] ?? 0) > 0 ? 'missed' : undefined;
  };
  const others = (all: Iterable<string>): string[] =>
    [...new Set(all)].filter((type) => type !== 'Patient' && type !== 'Provenance' && isMemberType(type));
  const lacking = Map.groupBy(others([...counts.keys(), ...planned, ...half]), whyOf);
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
  /** The types that the request or the scope names and no search can find. */
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
  const { finished, finishedByPart = [], withEverything = [] } = known;
  const ended = [...(finished ?? []), ...finishedByPart];
  const isRead = counts.size > 0 || ended.length > 0 || withEverything.length > 0;
  const isAnswered = isRead || problems.some(isOtherRefusal);
  const lasting = problems
    .filter((one) => isLasting(one, counts, { isAnswered, ended }))
    .map((one) => (isAnswered ? asRefused(one) : asAbsent(one)));
  const limited = [...new Set([...known.planned, ...counts.keys(), ...byReference])]
    .filter((type) => type !== everything && isWanted(type) && isLimited(type))
    .map((type) => ({ kind: 'typeLimited', type }) as const);
  // An earlier version began this export, and did not note which searches were read to their end.
  if (finished === undefined) return lastIfInPart([...lasting, ...limited]);
  const missed = Object.keys(known.along ?? {})
    .filter((type) => known.along![type]! > 0 && finished.includes(type) && !withEverything.includes(type))
    .map((type) => ({ kind: 'searchMissed', type }) as const);
  const isMissed = ({ kind, type }: Problem): boolean =>
    kind === 'searchMissed' &&
    !isLimited(type) &&
    !problems.some((one) => one.kind === 'typeInPart' && one.type === type);
  const meant = [...lasting, ...missed].filter((one) => one.kind !== 'searchMissed' || isMissed(one));
  const missing = provenancesMissing({ known, parts }, meant, { isLimited, types: asked.types });
  // A search by patient that was refused, or found none, says nothing about Provenances of other types.
  const isNoneOfPatient = problems.some(
    (one) => one.kind === 'typeRefused' && one.type === 'Provenance' && one.isAbsent === true,
  );
  const isProvenanceNamed = known.planned.includes('Provenance') || counts.has('Provenance');
  // A payer that brings them with a search has them, whether it lists them or not.
  const isProvenanceOffered =
    (known.declares?.provenanceOf ?? []).length > 0 ||
    Object.values(known.provenances ?? {}).some((how) => how !== 'undeclared');
  const isProvenanceDue =
    known.provenances !== undefined &&
    isWanted('Provenance') &&
    !isFiltered(asked, 'Provenance') &&
    (isProvenanceNamed || isProvenanceOffered || isNoneOfPatient);
  /** Each search has brought them, the Patient's too, so that none of their own is needed. If none came, the payer may keep them back. */
  const isProvenanceBrought =
    isProvenanceDue &&
    missing === undefined &&
    known.provenances['Patient'] === 'asked' &&
    counts.has('Patient') &&
    (known.linked ?? []).length === 0 &&
    finished.includes('Patient');
  // Only the problems that are reported decide whether a type has one.
  const isNoLoss = (one: Problem): boolean =>
    one.kind === 'typeRefused' && one.type === 'Provenance' && (counts.has('Provenance') || isOfForm(one));
  // The reason why Provenances of other types are missing says more than the refusal of a search by patient.
  const isMissedAnyhow = (one: Problem): boolean =>
    isProvenanceDue &&
    missing !== undefined &&
    one.type === 'Provenance' &&
    one.kind === 'typeRefused' &&
    isOfForm(one);
  const reported = meant
    .filter((one) => !(isProvenanceBrought && isNoLoss(one)) && !(isAnswered && isMissedAnyhow(one)))
    .map((one) =>
      isRefusedThoughItCame(one, counts) ? ({ kind: 'typeOnlyReferred', type: one.type, why: 'scope' } as const) : one,
    );
  const has = (type: string): boolean =>
    reported.some((one) => one.type === type && isLack(one, counts.get(type) ?? 0));
  /** Whether a problem with the request for everything counts for a type: no search of its own was read to its end. */
  const isCounted = (type: string): boolean => has(everything) && !finished.includes(type);
  const isPatientMissing =
    isPatientDue({ isWanted }, asked) && !counts.has('Patient') && !has('Patient') && !isCounted('Patient');
  const isOnlyReferred = (type: string): boolean =>
    type !== 'Patient' &&
    isMemberType(type) &&
    !ended.includes(type) &&
    !withEverything.includes(type) &&
    !has(type) &&
    !has(everything);
  const isAstray = (type: string): boolean => isWanted(type) && !has(type);
  const isUnread = reported.some((one) => isOfRecord(one) && has(one.type));
  const mayBeReferred = (type: string): boolean => isWanted(type) && !counts.has(type) && !has(type);
  return lastIfInPart([
    ...reported,
    ...(isUnread ? byReference.filter(mayBeReferred) : []).map((type) => ({ kind: 'referrersMissing', type }) as const),
    ...(isPatientMissing ? [{ kind: 'patientNotGiven', type: 'Patient' } as const] : []),
    ...[...counts.keys()]
      .filter((type) => isOnlyReferred(type) && !(isProvenanceBrought && type === 'Provenance'))
      .map((type) => ({ kind: 'typeOnlyReferred', type, why: 'payer' }) as const),
    ...(isProvenanceDue && !has('Provenance') && !(isProvenanceNamed && isCounted('Provenance'))
      ? (missing ?? [])
      : []),
    ...(known.declares?.astray ?? []).filter(isAstray).map((type) => ({ kind: 'typeAstray', type }) as const),
    ...limited,
  ]);
};
