import type { StoredManifest } from '../../shared/exports/manifest.ts';
import type { Export, ExportStatus } from '../../shared/store/export-item.ts';
import type { Job } from '../job/job.ts';
import { partWriter } from '../job/parts.ts';
import { countName, typeInName, type NotReadReason, type Problem } from '../reading/problems.ts';
import type { JobState, WrittenPart } from '../state/state.ts';

/** What an export ends with. */
export interface Ending {
  readonly state: JobState;
  readonly stateKey: Uint8Array;
  /** Why the rest of the queue is not read; undefined if nothing is left. */
  readonly why: NotReadReason | undefined;
  /** The problems of lines that waited until the end. */
  readonly ofHeld: readonly Problem[];
}

/** The end of a record, or of an exchange. */
export interface MadeEnd {
  readonly manifest: StoredManifest;
  /** In the order of the error files. */
  readonly problems: readonly Problem[];
  /** Writes to the audit what came, before the partner can see it. @default a record is audited while it is read */
  readonly audit?: (status: Exclude<ExportStatus, 'running'>) => Promise<void>;
  /** Makes usable the Groups whose members the audit now names. @default nothing */
  readonly publish?: () => Promise<void>;
}

/** Writes lines as one sealed part. */
export const writePart = async (
  job: Job,
  item: Export,
  type: string,
  lines: readonly string[],
): Promise<readonly WrittenPart[]> => {
  const parts = partWriter(job.deps, item.exportId, item.recipient, job.buffers);
  for (const line of lines) parts.add(type, [Buffer.from(`${line}\n`)]);
  return parts.put();
};

/** The problems, and how many more there were of those that are only counted. */
export const withCounts = (
  { known, problems: listedSoFar }: JobState,
  problems: readonly Problem[],
): readonly Problem[] => {
  const listed = Map.groupBy(listedSoFar, countName);
  return [
    ...problems,
    ...Object.entries(known.reported).flatMap(([name, count]): Problem[] => {
      const more = count - (listed.get(name)?.length ?? 0);
      return more > 0 ? [{ kind: 'moreOfKind', type: typeInName(name), count: more }] : [];
    }),
  ];
};
