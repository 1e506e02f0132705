import type { StoredManifest, TypeOutcome } from '../../shared/exports/manifest.ts';
import { anyResource, isMissing, isOfNothing, type Problem } from '../reading/problems.ts';
import { isKnownWhole, memberTypes } from '../record/declared.ts';
import { everything, type JobState } from '../state/state.ts';
import { sentenceOf as sentence } from './outcomes.ts';

/**
 * Whether a problem means that some of the type's resources are, or may be, missing for this member. Another patient's that
 * only came along are not, unless nothing else came. If the payer gave it as the member's, some may be: the payer may know the
 * member by another id. A Patient of another id is another person's, if the member's own came. In an exchange it may be a
 * member's.
 */
export const isLack = (problem: Problem, count: number): boolean => {
  if (problem.kind !== 'otherPatient') return isMissing(problem);
  return count === 0 || (problem.from !== undefined && problem.type !== 'Patient');
};

/**
 * Whether the scope alone keeps the type out, as whoever asked could know. What the scope lost while the export ran is
 * missing from it.
 */
const isRefusal = (problem: Problem): boolean => problem.kind === 'typeOutOfScope' && problem.narrowed !== true;

const notReadKinds: ReadonlySet<Problem['kind']> = new Set([
  'typeNotRead',
  'typeNotSearched',
  'typeOutOfScope',
  'typeAstray',
  'referencesNotRead',
]);

/** The outcome of a type, and the problem that explains it. A problem that makes the type incomplete comes first. */
const outcomeOf = (
  count: number,
  problems: readonly Problem[],
): { readonly outcome: TypeOutcome['outcome']; readonly problem?: Problem | undefined } => {
  const problem = problems.find((one) => !isRefusal(one));
  if (problem === undefined) {
    return problems.length === 0 ? { outcome: 'complete' } : { outcome: 'refusedByScope', problem: problems[0] };
  }
  if (count > 0) return { outcome: 'incomplete', problem };
  if (problem.kind === 'typeRefused' && !isOfNothing(problem)) return { outcome: 'refusedByPayer', problem };
  return { outcome: notReadKinds.has(problem.kind) || isOfNothing(problem) ? 'notRead' : 'incomplete', problem };
};

/** How many resources of each type came. */
export const countsOf = (parts: JobState['parts']): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { type, count } of parts) counts.set(type, (counts.get(type) ?? 0) + count);
  return counts;
};

/**
 * The outcome of each type that was planned, that came, that the scope names, or that has a problem. A problem with the request for
 * everything counts for every type, except those with a search of their own that was read to its end.
 * @param asked the types that were asked for; undefined for all
 * @param alsoNamed others that have an outcome, whatever came of them
 * @param sentenceOf describes a problem in a sentence
 */
export const outcomesByType = (
  { known, parts }: Pick<JobState, 'known' | 'parts'>,
  problems: readonly Problem[],
  asked: readonly string[] | undefined,
  alsoNamed: readonly string[] = [],
  sentenceOf: (problem: Problem) => string = sentence,
): StoredManifest['outcomes'] => {
  const counts = countsOf(parts);
  const countOf = (type: string): number => counts.get(type) ?? 0;
  const lacks = problems.filter((problem) => isLack(problem, countOf(problem.type)));
  const byType = Map.groupBy(lacks, ({ type }) => type);
  const ofAll = byType.get(everything) ?? [];
  const asksForAll = known.planned.includes(everything) || ofAll.length > 0;
  // Nothing was planned yet. A plan has each type; one that the payer then says it does not have leaves it.
  const isUnplanned = !isKnownWhole(known.declares) && !known.planned.some((type) => memberTypes.includes(type));
  const named = [
    ...known.planned,
    ...(asksForAll ? (asked ?? (ofAll.length > 0 && isUnplanned ? ['Patient', ...memberTypes] : ['Patient'])) : []),
    ...parts.map(({ type }) => type),
    ...alsoNamed,
    ...byType.keys(),
  ];
  return [...new Set(named)]
    .filter((type) => type !== everything && type !== anyResource)
    .map((type) => {
      const count = countOf(type);
      const own = byType.get(type) ?? [];
      const about = known.finished?.includes(type) === true ? own : [...own, ...ofAll];
      const { outcome, problem } = outcomeOf(count, about);
      const made = { type, outcome, count };
      return problem === undefined ? made : Object.assign(made, { reason: sentenceOf(problem) });
    });
};
