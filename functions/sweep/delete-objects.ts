import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, NoSuchKey } from '@aws-sdk/client-s3';
import { readKeptParts } from '../shared/exports/kept-parts.ts';
import { keptName, manifestName, prefixOf } from '../shared/exports/object-names.ts';
import type { SweepDeps } from './deps.ts';

/** The names of an ended export's objects that stay. */
const keptObjects = async ({ bucket }: SweepDeps, exportId: string): Promise<ReadonlySet<string>> => {
  const always = [manifestName(exportId), keptName(exportId)];
  try {
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key: keptName(exportId) }));
    return new Set([...always, ...readKeptParts((await Body?.transformToString('utf8')) ?? '')]);
  } catch (error) {
    // The export could read nothing, so there is no list; or another sweep has deleted everything.
    if (error instanceof NoSuchKey) return new Set(always);
    throw error;
  }
};

const deleteSome = async ({ bucket }: SweepDeps, names: readonly string[]): Promise<void> => {
  if (names.length === 0) return;
  const { Errors = [] } = await bucket.client.send(
    new DeleteObjectsCommand({
      Bucket: bucket.name,
      Delete: { Quiet: true, Objects: names.map((Key) => ({ Key })) },
    }),
  );
  if (Errors.length > 0) throw new Error(`${Errors.length} objects were not deleted: ${Errors[0]?.Code ?? 'unknown'}`);
};

/**
 * Deletes an export's objects: all of them, or all but the manifest, its parts and their list. Returns how many.
 * @throws whatever S3 throws
 */
export const deleteObjects = async (
  deps: SweepDeps,
  { exportId, keep }: { readonly exportId: string; readonly keep: boolean },
): Promise<number> => {
  const kept = keep ? await keptObjects(deps, exportId) : new Set<string>();
  let deleted = 0;
  let from: string | undefined;
  do {
    const page = await deps.bucket.client.send(
      new ListObjectsV2Command({
        Bucket: deps.bucket.name,
        Prefix: prefixOf(exportId),
        ...(from === undefined ? {} : { ContinuationToken: from }),
      }),
    );
    const names = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined || kept.has(Key) ? [] : [Key]));
    await deleteSome(deps, names);
    deleted += names.length;
    from = page.NextContinuationToken;
  } while (from !== undefined);
  return deleted;
};
