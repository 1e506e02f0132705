import { nowSeconds } from '../../shared/clock.ts';
import type { ExchangeInput } from '../../shared/exchanges/input.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { writeKeptParts } from '../../shared/exports/kept-parts.ts';
import { isComplete, type StoredManifest } from '../../shared/exports/manifest.ts';
import { keptName, manifestName } from '../../shared/exports/object-names.ts';
import { scopeNow } from '../../shared/partner/live-grant.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { intersectScopes, limitedByPayer } from '../../shared/scopes/limit-scopes.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { exchangeOwner, noteEnded } from '../../shared/store/exchanges.ts';
import type { Export, ExportStatus } from '../../shared/store/export-item.ts';
import { endExport, getExport } from '../../shared/store/exports.ts';
import { getLiveScope } from '../../shared/store/grants.ts';
import { sealFile } from '../age/seal-file.ts';
import { endedNow } from '../exchange/ended-now.ts';
import { deletedParts } from '../exchange/take-deletion.ts';
import type { JobDeps } from '../job/deps.ts';
import { getRunning, readInput, type Job } from '../job/job.ts';
import { withCause, writeEnd } from '../job/log.ts';
import { partWriter } from '../job/parts.ts';
import { createProblemList } from '../reading/problem-list.ts';
import { anyResource, countName, typeInName, type NotReadReason, type Problem } from '../reading/problems.ts';
import { seenNames, type SeenNames } from '../reading/seen-names.ts';
import { wantedOf } from '../record/wanted.ts';
import { newStateName } from '../state/state-file.ts';
import {
  earliestTimeOf,
  isLinked,
  typesDoneOf,
  type JobState,
  type PlanFile,
  type WrittenPart,
} from '../state/state.ts';
import { auditEnd, auditNothing, exchangeEnd, whyNotNow, type WhyNot } from './exchange-end.ts';
import { attachmentFiles, joinFiles } from './join-files.ts';
import { outcomesByType } from './outcomes-by-type.ts';
import { outcomeLine, sentenceOf } from './outcomes.ts';
import { problemsAtEnd } from './problems-at-end.ts';
import { planProvenance, provenanceLine } from './provenance.ts';
import { leftOfExchange, whatIsLeft } from './what-is-left.ts';
import { writeHeldLines } from './write-held-lines.ts';

/** How an export ended. */
export interface Ended {
  /** `gone` if the export was no longer running. */
  readonly status: Exclude<ExportStatus, 'running'> | 'gone';
  readonly resources: number;
}

/** Writes lines as one sealed part. */
const writePart = async (
  job: Job,
  item: Export,
  type: string,
  lines: readonly string[],
): Promise<readonly WrittenPart[]> => {
  const parts = partWriter(job.deps, item.exportId, item.recipient, job.buffers);
  for (const line of lines) parts.add(type, [Buffer.from(`${line}\n`)]);
  return parts.put();
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
    problems,
    outcomes,
    transactionTime,
  }: Pick<StoredManifest, 'outcomes' | 'transactionTime'> & {
    readonly scope: Scopes;
    readonly problems: readonly Problem[];
  },
): Promise<readonly WrittenPart[]> => {
  const { deps } = job;
  if (!wantedOf(scope, item.types).isWanted('Provenance')) return [];
  const payer = await deps.registry.payer(item.payer, { evenIfPaused: true });
  const line = provenanceLine({
    exportId: item.exportId,
    facade: facadeBase(deps.origin, item.payer),
    patient: item.patient,
    payerName: payer?.displayName ?? item.payer,
    transactionTime,
    recorded: new Date(deps.clock.now()).toISOString(),
    missing: outcomes.flatMap(({ outcome, reason }) =>
      outcome === 'complete' || reason === undefined ? [] : [reason],
    ),
    named: problems.map(sentenceOf),
  });
  return writePart(job, item, 'Provenance', [line]);
};

/** Adds the problems of what came before the member's Patient, unless it came once more and is in the record. */
const withEarly = (state: JobState, seen: SeenNames): JobState => {
  const { known, problems } = state;
  const list = createProblemList(known.reported);
  for (const one of known.early ?? []) {
    const { type, page } = one.problem;
    if (seen.has(one.name)) continue;
    list.add(isLinked(known, one) ? { kind: 'unknownPatient', type, page, isEarly: true } : one.problem);
  }
  return { ...state, known: { ...known, reported: list.counts() }, problems: [...problems, ...list.listed()] };
};

const withCounts = ({ known, problems: listedSoFar }: JobState, problems: readonly Problem[]): readonly Problem[] => [
  ...problems,
  ...Object.entries(known.reported).flatMap(([name, count]): Problem[] => {
    const listed = listedSoFar.filter((problem) => countName(problem) === name).length;
    return count > listed ? [{ kind: 'moreOfKind', type: typeInName(name), count: count - listed }] : [];
  }),
];

/** What an export ends with. */
interface ToWrite {
  readonly state: JobState;
  /** What was not read. */
  readonly left: readonly Problem[];
}

/** Who may not be exported now. */
const whyNotOf = async ({ deps }: Job, item: Export, input: ExchangeInput): Promise<WhyNot> =>
  whyNotNow(input.kind === 'match' ? new Set() : await endedNow(deps, item, input), deps.clock.now());

/** How many lines of a file were left out after it was read: they are about another patient's resources. */
const hangingIn = (problems: readonly Problem[], { number, kind }: PlanFile): number =>
  problems.filter(
    (one) => one.kind === 'fileLines' && one.why === 'hanging' && one.file === number && kind === 'output',
  ).length;

/** The manifest of an exchange, with a Provenance for each file of the payer's. */
const makeExchangeManifest = async (job: Job, item: Export, { state, left }: ToWrite): Promise<StoredManifest> => {
  const input = await job.input(item);
  const nowMs = job.deps.clock.now();
  const { problems, outcomes, transactionTime } = exchangeEnd(item, input, {
    state,
    left,
    whyNot: await whyNotOf(job, item, input),
  });
  const named = withCounts(state, problems);
  const errors = named.map(outcomeLine);
  const payer = await job.deps.registry.payer(item.payer, { evenIfPaused: true });
  const provenance = planProvenance(
    {
      exportId: item.exportId,
      facade: facadeBase(job.deps.origin, item.payer),
      payerName: payer?.displayName ?? item.payer,
      transactionTime,
      recorded: new Date(nowMs).toISOString(),
    },
    input,
    state.files.map((file) => ({ ...file, kept: file.kept - hangingIn(problems, file) })),
  );
  const ours = await writePart(job, item, 'Provenance', provenance);
  const isDeleted = ({ type }: WrittenPart): boolean => type === deletedParts;
  return {
    transactionTime,
    files: [
      ...joinFiles([...state.parts.filter((part) => !isDeleted(part)), ...ours], 'output'),
      ...joinFiles(state.parts.filter(isDeleted), 'deleted'),
      ...joinFiles(await writePart(job, item, 'OperationOutcome', errors), 'error'),
      ...attachmentFiles(state.attachments),
    ],
    outcomes,
  };
};

const makeManifest = async (job: Job, item: Export, { state, left }: ToWrite): Promise<StoredManifest> => {
  const scope = await scopeAtEnd(job, item);
  const { isWanted } = wantedOf(item.scope, item.types);
  const rules = { isWanted, isLimited: limitedByPayer(scope) };
  const problems = problemsAtEnd(state, [...state.problems, ...left], rules, item);
  const outcomes = outcomesByType(state, problems, item.types);
  const transactionTime = state.known.transactionTime ?? new Date(earliestTimeOf(item)).toISOString();
  const named = withCounts(state, problems);
  const provenance = await writeProvenance(job, item, { scope, problems: named, outcomes, transactionTime });
  const lines = named.map(outcomeLine);
  const errors = lines.length === 0 ? [] : await writePart(job, item, 'OperationOutcome', lines);
  return {
    transactionTime,
    files: [
      ...joinFiles([...state.parts, ...provenance], 'output'),
      ...joinFiles(errors, 'error'),
      ...attachmentFiles(state.attachments),
    ],
    outcomes,
    ...(problems.some(({ type }) => type === anyResource) && { isUntypedMissing: true }),
  };
};

/** `failed` if no resource was read and the record is not complete. */
const statusOf = (manifest: StoredManifest, { known }: JobState): Exclude<ExportStatus, 'running'> => {
  if (isComplete(manifest)) return 'completed';
  return known.resources === 0 ? 'failed' : 'partial';
};

/** What was written at the end, and the status that the export gets. */
export interface Written {
  /** The state objects that hold the sealed manifest and the list of kept parts. */
  readonly manifest: string;
  readonly kept: string;
  /** SHA-256 of the sealed manifest, base64url. */
  readonly digest: string;
  readonly status: Exclude<ExportStatus, 'running'>;
  readonly resources: number;
  readonly typesDone: number;
  readonly typesTotal: number;
}

const writeManifest = async (
  { deps, buffers }: Job,
  { exportId, recipient }: Export,
  manifest: StoredManifest,
): Promise<Pick<Written, 'manifest' | 'kept' | 'digest'>> => {
  const file = sealFile(recipient, deps.randomBytes, buffers.blocks);
  file.write(Buffer.from(JSON.stringify(manifest)));
  const sealed = file.end();
  const digest = sha256(sealed);
  const names = { manifest: newStateName(deps, exportId), kept: newStateName(deps, exportId) };
  await deps.objects.put(names.manifest, sealed);
  file.free();
  const parts = manifest.files.flatMap(({ parts: own }) => own.map(({ object }) => object));
  await deps.objects.put(names.kept, Buffer.from(writeKeptParts(parts)));
  return { ...names, digest };
};

const endOf = (deps: JobDeps, item: Export) => {
  const endedAt = nowSeconds(deps.clock);
  return { endedAt, expiresAt: Math.min(item.grantEndsAt, endedAt + deps.fileSeconds) };
};

type End = Parameters<typeof endExport>[2];

/** Stops counting an exchange as running. If that fails, the note expires when the exchange would be overdue. */
const noteOver = async ({ exchange }: JobDeps, item: Export): Promise<void> => {
  if (item.exchange === undefined || exchange === undefined) return;
  await noteEnded(exchange.table, exchangeOwner(item), item.exportId).catch(() => undefined);
};

/**
 * Writes an export's end, and its log line. If the answer is lost, the item says whether it was written. Returns false if
 * it was not: the export has ended otherwise, or another execution has begun it.
 */
const writeEndAndLog = async (
  { deps, execution }: Pick<Job, 'deps' | 'execution'>,
  item: Export,
  { why, ...end }: Omit<End, 'endedAt' | 'expiresAt'> & { readonly why: string | undefined },
): Promise<boolean> => {
  const whole = { ...end, ...endOf(deps, item) };
  const hasThisEnd = async (): Promise<boolean> => {
    const now = await getExport(deps.exports, item.grantId);
    const isThis = now?.exportId === item.exportId && now.status === end.status && now.endedAt === whole.endedAt;
    return isThis && now.manifestDigest === end.manifestDigest;
  };
  const written = await endExport(deps.exports, item, whole, execution).catch(async (error: unknown) => {
    if (await hasThisEnd()) return true;
    throw error;
  });
  if (!written && !(await hasThisEnd())) return false;
  await noteOver(deps, item);
  writeEnd(deps, item, { status: end.status, resources: end.resources, why });
  return true;
};

/**
 * Writes the last objects of an export: error files, Provenance and manifest. The result is checkpointed, so that each
 * try of {@link finish} gives the two objects with fixed names the same content.
 * @param why the rest of the queue is not read; undefined if nothing is left
 * @returns undefined if the export is no longer running
 * @throws Error whose message holds nothing from the record
 */
export const writeEndOfRecord = async (
  job: Job,
  files: readonly string[],
  why: NotReadReason | undefined,
): Promise<Written | undefined> => {
  const { deps, exportId, memory } = job;
  try {
    const item = await getRunning(deps, exportId);
    if (item === undefined) return undefined;
    const stateKey = await job.stateKey(item);
    const read = await memory.after({ exportId, stateKey }, files);
    const wanted = wantedOf(item.scope, item.types);
    const waiting = await writeHeldLines(job, item, { state: read, stateKey, why });
    const state = withEarly({ ...read, parts: [...read.parts, ...waiting.parts] }, seenNames(read.seen, stateKey));
    const isExchange = item.exchange !== undefined;
    const leftOver = { state, wanted, why };
    const unread = isExchange
      ? await leftOfExchange(deps, item, stateKey, leftOver)
      : await whatIsLeft(deps, stateKey, leftOver);
    const end = { state, left: [...unread, ...waiting.problems] };
    const manifest = await (isExchange ? makeExchangeManifest : makeManifest)(job, item, end);
    const written = await writeManifest(job, item, manifest);
    const status = statusOf(manifest, state);
    if (isExchange) {
      const input = await job.input(item);
      await auditEnd(deps, item, { input, state, status, whyNot: await whyNotOf(job, item, input) });
    }
    return {
      ...written,
      status,
      resources: state.known.resources,
      ...typesDoneOf(state.known),
    };
  } catch (error) {
    memory.forget();
    throw withCause(error);
  }
};

/**
 * Ends an export with what was written.
 * @throws Error whose message holds nothing from the record
 */
export const finish = async (
  job: Job,
  { manifest, kept, digest, ...end }: Written,
  why: NotReadReason | undefined,
): Promise<Ended> => {
  const { deps, exportId } = job;
  try {
    const item = await getRunning(deps, exportId);
    if (item === undefined) return await endedBefore(job);
    await deps.objects.put(manifestName(exportId), await deps.objects.get(manifest));
    await deps.objects.put(keptName(exportId), await deps.objects.get(kept));
    const { status, resources } = end;
    const isWritten = await writeEndAndLog(job, item, { ...end, manifestDigest: digest, why });
    return isWritten ? { status, resources } : await endedBefore(job);
  } catch (error) {
    throw withCause(error);
  }
};

/** The end that an earlier try wrote, if its answer was lost. */
const endedBefore = async ({ deps, exportId }: Job): Promise<Ended> => {
  const item = await getExport(deps.exports, grantOfExport(exportId) ?? '');
  if (item?.exportId !== exportId || item.status === 'running') return { status: 'gone', resources: 0 };
  return { status: item.status, resources: item.resources };
};

/**
 * Ends an export without files, unless another execution has begun it.
 * @throws Error whose message holds nothing from the record
 */
export const fail = async (job: Pick<Job, 'deps' | 'exportId' | 'execution'>, why: string): Promise<Ended> => {
  const { deps, exportId } = job;
  try {
    const item = await getRunning(deps, exportId);
    if (item === undefined) return { status: 'gone', resources: 0 };
    if (item.exchange !== undefined) {
      await auditNothing(deps, item, await readInput(deps, item).catch(() => undefined));
    }
    const { resources, typesDone = 0, typesTotal = 0 } = item;
    const end = { status: 'failed', resources, typesDone, typesTotal, manifestDigest: undefined, why } as const;
    return (await writeEndAndLog(job, item, end)) ? { status: 'failed', resources } : { status: 'gone', resources: 0 };
  } catch (error) {
    throw withCause(error);
  }
};
