import { nowSeconds } from '../../shared/clock.ts';
import type { StoredManifest } from '../../shared/exports/manifest.ts';
import { parseRecordSearch } from '../../shared/fhir/record-search.ts';
import { scopeNow } from '../../shared/partner/live-grant.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { intersectScopes, limitedByPayer } from '../../shared/scopes/limit-scopes.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { getLiveScope } from '../../shared/store/grants.ts';
import type { JobDeps } from '../job/deps.ts';
import type { Job } from '../job/job.ts';
import { anyResource, isMissing, type Problem } from '../reading/problems.ts';
import { isAccountedFor, parseName, seenNames } from '../reading/seen-names.ts';
import { isKnownOf, isMemberType, memberTypes } from '../record/declared.ts';
import { namedIn } from '../record/plan-reading.ts';
import { wantedOf, type Wanted } from '../record/wanted.ts';
import { readStateFile, referredIn } from '../state/state-file.ts';
import { earliestTimeOf, everything, type JobState, type WrittenPart } from '../state/state.ts';
import { withCounts, writePart, type Ending, type MadeEnd } from './ending.ts';
import { attachmentFiles, joinFiles } from './join-files.ts';
import { countsOf, outcomesByType } from './outcomes-by-type.ts';
import { outcomeLine, sentenceOf } from './outcomes.ts';
import { problemsAtEnd } from './problems-at-end.ts';
import { provenanceLine } from './provenance.ts';

/** How many references of each type are still to be read. */
const countReferences = async (
  deps: JobDeps,
  stateKey: Uint8Array,
  state: JobState,
  wanted: Wanted,
): Promise<ReadonlyMap<string, number>> => {
  const counts = new Map<string, number>();
  const task = state.known.queue.find(({ kind }) => kind === 'references');
  if (task?.kind !== 'references') return counts;
  const seen = seenNames(state.seen, stateKey);
  for (let file = task.file; file < state.referenceFiles.length; file += 1) {
    const names = referredIn(await readStateFile(deps, stateKey, state.referenceFiles[file]!));
    for (const name of names.slice(file === task.file ? task.at : 0)) {
      const { type } = parseName(name);
      if (wanted.may(type, 'r') && !isAccountedFor(seen, name)) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  }
  return counts;
};

/** The types that the request or, without any there, the scope names, and no search can find. */
const namedByReference = (wanted: Wanted, asked: readonly string[] | undefined): readonly string[] =>
  namedIn(wanted, asked).filter((type) => wanted.isWanted(type) && !isMemberType(type));

/**
 * The problems to report if an export ends before its queue is empty: one for each type that was not searched to the end,
 * one for each other type with references that were not read, and one for each that only references bring.
 * @throws whatever the bucket throws
 */
const whatIsLeft = async (
  deps: JobDeps,
  item: Pick<Export, 'scope' | 'types'>,
  { state, stateKey, why }: Ending,
): Promise<readonly Problem[]> => {
  if (why === undefined) return [];
  const types = new Set(
    state.known.queue.flatMap((task) => {
      // Nothing was planned yet.
      if (task.kind === 'statement') return [everything];
      return task.kind === 'search' ? [task.type] : [];
    }),
  );
  const wanted = wantedOf(item.scope, item.types);
  const references = await countReferences(deps, stateKey, state, wanted);
  // What is left may refer to more of those that only references bring.
  const isMore = types.size + references.size > 0;
  const byReference = isMore
    ? [...new Set([...namedByReference(wanted, item.types), ...countsOf(state.parts).keys()])].filter(
        (type) => !isMemberType(type),
      )
    : [];
  return [
    ...[...types].map((type) => ({ kind: 'typeNotRead', type, why }) as const),
    ...[...references]
      .filter(([type]) => !types.has(type))
      .map(([type, count]) => ({ kind: 'referencesNotRead', type, count, why }) as const),
    ...byReference.filter((type) => !references.has(type)).map((type) => ({ kind: 'typeNotRead', type, why }) as const),
  ];
};

/** What the grant, the payer and the registration have left of the kick-off's scope. */
const scopeAtEnd = async ({ deps }: Job, item: Export): Promise<Scopes> => {
  const granted = await getLiveScope(deps.grants, item.grantId, nowSeconds(deps.clock));
  const left = granted === undefined ? item.scope : intersectScopes(granted, item.scope);
  // A blocked partner reads nothing, whatever the scope.
  const partner = await deps.registry.partner(item.partner).catch(() => undefined);
  return partner === undefined ? left : scopeNow(left, partner);
};

/**
 * Writes our own Provenance, if the scope still covers that type: it is a resource like the others, and a token that may
 * not read it could not open the export.
 * @param problems in the order of the error files
 */
const writeProvenance = async (
  job: Job,
  item: Export,
  {
    scope,
    payerName,
    problems,
    outcomes,
    transactionTime,
  }: Pick<StoredManifest, 'outcomes' | 'transactionTime'> & {
    readonly scope: Scopes;
    readonly payerName: string;
    readonly problems: readonly Problem[];
  },
): Promise<readonly WrittenPart[]> => {
  const { deps } = job;
  if (!wantedOf(scope, item.types).isWanted('Provenance')) return [];
  const line = provenanceLine({
    exportId: item.exportId,
    facade: facadeBase(deps.origin, item.payer),
    patient: item.patient,
    payerName,
    transactionTime,
    recorded: new Date(deps.clock.now()).toISOString(),
    missing: outcomes.flatMap(({ outcome, reason }) =>
      outcome === 'complete' || reason === undefined ? [] : [reason],
    ),
    named: problems.map(sentenceOf),
  });
  return writePart(job, item, 'Provenance', [line]);
};

/** Names a problem of the search that replaces `$everything` by that search's own type. @param substitute as the payer's profile has it */
const asSearched =
  (substitute: string | undefined) =>
  (problem: Problem): Problem =>
    substitute === undefined || problem.type !== everything || problem.kind === 'typeNotRead'
      ? problem
      : { ...problem, type: parseRecordSearch(substitute).type };

/** The type of the search in place of `$everything`, if that was asked for: the payer need not declare it. */
const ownOf = (substitute: string | undefined, { known }: JobState, { isWanted }: Wanted): readonly string[] =>
  substitute !== undefined && known.planned.includes(everything)
    ? [parseRecordSearch(substitute).type].filter(isWanted)
    : [];

/**
 * Whether something is missing and nothing says of which type. A request for everything that fell short may have left out resources of a
 * type that the payer does not declare. That type has no search of its own, which would have found them.
 */
const isUntypedMissing = (
  { known: { declares, finished = [] } }: JobState,
  problems: readonly Problem[],
  { isWanted }: Pick<Wanted, 'isWanted'>,
): boolean => {
  const isUndeclared = (type: string): boolean => isKnownOf(declares, type) && !(type in declares.types);
  const isUnsearched = memberTypes.some(
    (type) => type !== 'Patient' && isWanted(type) && isUndeclared(type) && !finished.includes(type),
  );
  return problems.some(
    (one) => one.type === anyResource || (one.type === everything && isMissing(one) && isUnsearched),
  );
};

/** Ends the reading of a record: its problems, outcomes, error files and Provenance. */
export const endOfRecord = async (job: Job, item: Export, ending: Ending): Promise<MadeEnd> => {
  const { state, ofHeld } = ending;
  const left = await whatIsLeft(job.deps, item, ending);
  const scope = await scopeAtEnd(job, item);
  const wanted = wantedOf(item.scope, item.types);
  const { isWanted } = wanted;
  const byReference = namedByReference(wanted, item.types);
  // What was read in part stays so, whatever the payer granted or took later.
  const limited = [item.scope, scope].map(limitedByPayer);
  const isLimited = (type: string): boolean => limited.some((isOf) => isOf(type));
  const rules = { isWanted, isLimited, byReference };
  const problems = problemsAtEnd(state, [...state.problems, ...left, ...ofHeld], rules, item);
  const payer = await job.deps.registry.payer(item.payer, { evenIfPaused: true });
  const substitute = payer?.wholeRecord?.substitute;
  const said = asSearched(substitute);
  const named = [...byReference, ...ownOf(substitute, state, wanted)];
  const outcomes = outcomesByType(state, problems, item.types, named, (problem) => sentenceOf(said(problem)));
  const transactionTime = state.known.transactionTime ?? new Date(earliestTimeOf(item)).toISOString();
  const listed = withCounts(state, problems).map(said);
  const payerName = payer?.displayName ?? item.payer;
  const provenance = await writeProvenance(job, item, {
    scope,
    payerName,
    problems: listed,
    outcomes,
    transactionTime,
  });
  const errors = await writePart(job, item, 'OperationOutcome', listed.map(outcomeLine));
  const manifest: StoredManifest = {
    transactionTime,
    files: [
      ...joinFiles([...state.parts, ...provenance], 'output'),
      ...joinFiles(errors, 'error'),
      ...attachmentFiles(state.attachments),
    ],
    outcomes,
    ...(isUntypedMissing(state, problems, wanted) && { isUntypedMissing: true }),
  };
  return { manifest, problems: listed };
};
