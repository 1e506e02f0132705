import { mostFileBytes, type StoredFile } from '../../shared/exports/manifest.ts';
import { attachmentName } from '../../shared/exports/urls.ts';
import type { WrittenAttachment, WrittenPart } from '../state/state.ts';

/** The names of files that are not named after a resource type. */
const names: Readonly<Partial<Record<StoredFile['kind'], string>>> = { error: 'errors', deleted: 'deleted' };

const fileOf = (type: string, kind: StoredFile['kind'], number: number, parts: readonly WrittenPart[]): StoredFile => ({
  name: `${names[kind] ?? type}-${number}.ndjson`,
  kind,
  // Deletions are listed in Bundles.
  type: kind === 'deleted' ? 'Bundle' : type,
  count: parts.reduce((sum, { count }) => sum + count, 0),
  parts: parts.map(({ object, digest, bytes }) => ({ object, digest, bytes })),
});

/** Joins the parts of one type into files. Each file is a run of parts. */
const joinType = (
  type: string,
  kind: StoredFile['kind'],
  parts: readonly WrittenPart[],
  mostBytes: number,
): StoredFile[] => {
  const runs: WrittenPart[][] = [];
  let bytes = 0;
  for (const part of parts) {
    const run = runs.at(-1);
    if (run === undefined || bytes + part.bytes > mostBytes) {
      runs.push([part]);
      bytes = part.bytes;
    } else {
      run.push(part);
      bytes += part.bytes;
    }
  }
  return runs.map((run, at) => fileOf(type, kind, at + 1, run));
};

const attachmentFile = ({ contentType, hash, parts }: WrittenAttachment, at: number): StoredFile => ({
  name: attachmentName(at),
  kind: 'attachment',
  // What a token's scope must cover.
  type: 'Binary',
  count: 1,
  contentType,
  hash,
  parts,
});

/**
 * The files of attachments. Their names are by their places among all that came.
 * @param isLeftOut whether one is not handed over. @default all are
 */
export const attachmentFiles = (
  attachments: readonly WrittenAttachment[],
  isLeftOut: (one: WrittenAttachment) => boolean = () => false,
): StoredFile[] => attachments.flatMap((one, at) => (isLeftOut(one) ? [] : [attachmentFile(one, at)]));

/** The files of a manifest, by type, in the order in which the types first came. */
export const joinFiles = (
  parts: readonly WrittenPart[],
  kind: StoredFile['kind'],
  mostBytes = mostFileBytes,
): StoredFile[] =>
  [...new Set(parts.map(({ type }) => type))].flatMap((type) =>
    joinType(
      type,
      kind,
      parts.filter((part) => part.type === type),
      mostBytes,
    ),
  );
