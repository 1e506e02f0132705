import { nowSeconds } from '../../shared/clock.ts';
import { grantOfExport } from '../../shared/exports/export-id.ts';
import { writeKeptParts } from '../../shared/exports/kept-parts.ts';
import { isComplete, type StoredManifest } from '../../shared/exports/manifest.ts';
import { keptName, manifestName } from '../../shared/exports/object-names.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import type { Export, ExportStatus } from '../../shared/store/export-item.ts';
import { endExport, getExport } from '../../shared/store/exports.ts';
import { sealFile } from '../age/seal-file.ts';
import type { JobDeps } from '../job/deps.ts';
import { inStep } from '../job/in-step.ts';
import { getRunning, readInput, type Job } from '../job/job.ts';
import { writeEnd } from '../job/log.ts';
import { createProblemList } from '../reading/problem-list.ts';
import type { NotReadReason, Problem } from '../reading/problems.ts';
import { seenNames, type SeenNames } from '../reading/seen-names.ts';
import { newStateName } from '../state/state-file.ts';
import { isLinked, typesDoneOf, type JobState } from '../state/state.ts';
import { endOfExchange } from './end-of-exchange.ts';
import { endOfRecord } from './end-of-record.ts';
import { auditNothing } from './members-at-end.ts';
import { writeHeldLines } from './write-held-lines.ts';

/** How an export ended. */
export interface Ended {
  /** `gone` if the export was no longer running. */
  readonly status: Exclude<ExportStatus, 'running'> | 'gone';
  readonly resources: number;
}

/** Adds the problems of what came before the member's Patient, unless it came once more and is in the record. */
const withEarly = (state: JobState, seen: SeenNames): JobState => {
  const { known, problems } = state;
  const list = createProblemList(known.reported);
  for (const one of known.early ?? []) {
    const { type, page } = one.problem;
    if (seen.has(one.name)) continue;
    if (isLinked(known, one)) list.add({ kind: 'unknownPatient', type, page, isEarly: true });
    else if (one.isGuessed !== true) list.add(one.problem);
  }
  return { ...state, known: { ...known, reported: list.counts() }, problems: [...problems, ...list.listed()] };
};

/** `failed` if no resource was read and the record is not complete. */
const statusOf = (manifest: StoredManifest, { known }: JobState): Exclude<ExportStatus, 'running'> => {
  if (isComplete(manifest)) return 'completed';
  return known.resources === 0 ? 'failed' : 'partial';
};

/** Why nothing came, for the log: the first problem, without anything from the record. */
const whyNothing = ([first]: readonly Problem[]): string => {
  const { kind, why, status }: { readonly kind?: string; readonly why?: string; readonly status?: number } =
    first ?? {};
  return ['nothing came:', kind, why, status].filter((word) => word !== undefined).join(' ');
};

/** What was written at the end, and the status that the export gets. */
export interface Written {
  /** The state objects that hold the sealed manifest and the list of kept parts. */
  readonly manifest: string;
  readonly kept: string;
  /** SHA-256 of the sealed manifest, base64url. */
  readonly digest: string;
  readonly status: Exclude<ExportStatus, 'running'>;
  /** Why an export failed although it read its queue to the end. */
  readonly detail?: string;
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
export const writeEndOfRecord = (
  job: Job,
  files: readonly string[],
  why: NotReadReason | undefined,
): Promise<Written | undefined> =>
  inStep(job, 'manifest', async (item) => {
    const { deps, exportId, memory } = job;
    if (item === undefined) return undefined;
    const stateKey = await job.stateKey(item);
    const read = await memory.after({ exportId, stateKey }, files);
    const held = await writeHeldLines(job, item, { state: read, stateKey, why });
    const state = withEarly(
      { ...read, known: held.known, parts: [...read.parts, ...held.parts] },
      seenNames(read.seen, stateKey),
    );
    const ending = { state, stateKey, why, ofHeld: held.problems };
    const { manifest, problems, audit, publish } = await (item.exchange === undefined ? endOfRecord : endOfExchange)(
      job,
      item,
      ending,
    );
    const written = await writeManifest(job, item, manifest);
    const status = statusOf(manifest, state);
    await audit?.(status);
    // A match that was deleted in the meantime makes no Group usable.
    if (publish !== undefined && (await getRunning(deps, exportId)) === undefined) return undefined;
    await publish?.();
    return {
      ...written,
      status,
      ...(status === 'failed' && why === undefined ? { detail: whyNothing(problems) } : {}),
      resources: state.known.resources,
      ...typesDoneOf(state.known),
    };
  });

/**
 * Ends an export with what was written.
 * @throws Error whose message holds nothing from the record
 */
export const finish = (
  job: Job,
  { manifest, kept, digest, detail, ...end }: Written,
  why: NotReadReason | undefined,
): Promise<Ended> =>
  inStep(job, 'finish', async (item) => {
    const { deps, exportId } = job;
    if (item === undefined) return endedBefore(job);
    await deps.objects.put(manifestName(exportId), await deps.objects.get(manifest));
    await deps.objects.put(keptName(exportId), await deps.objects.get(kept));
    const { status, resources } = end;
    const isWritten = await writeEndAndLog(job, item, { ...end, manifestDigest: digest, why: why ?? detail });
    return isWritten ? { status, resources } : endedBefore(job);
  });

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
export const fail = (job: Pick<Job, 'deps' | 'exportId' | 'execution'>, why: string): Promise<Ended> =>
  inStep(job, 'stop', async (item) => {
    const { deps } = job;
    if (item === undefined) return { status: 'gone', resources: 0 };
    if (item.exchange !== undefined) {
      await auditNothing(deps, item, await readInput(deps, item).catch(() => undefined));
    }
    const { resources, typesDone = 0, typesTotal = 0 } = item;
    const end = { status: 'failed', resources, typesDone, typesTotal, manifestDigest: undefined, why } as const;
    if (!(await writeEndAndLog(job, item, end))) return { status: 'gone', resources: 0 };
    return { status: 'failed', resources };
  });
