import { createHash } from 'node:crypto';
import type { StoredPart } from '../shared/exports/manifest.ts';
import type { AgeIdentity } from './age/header.ts';
import { openAgeFile } from './age/open-file.ts';
import type { OpenObject } from './deps.ts';

/** A part is not the one that the job wrote. */
class ChangedPart extends Error {
  override readonly name = 'ChangedPart';
}

/** Passes on a part's sealed bytes, and fails at the end if their digest is not the manifest's. */
const checked = async function* (
  sealed: AsyncIterable<Uint8Array>,
  digest: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of sealed) {
    signal.throwIfAborted();
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('base64url') !== digest) throw new ChangedPart('a part was changed');
};

type Opening = Promise<AsyncIterable<Uint8Array>>;

/** Ends a transfer that nobody will read. */
const drop = async (opening: Opening | undefined): Promise<void> => {
  const body = await opening?.catch(() => undefined);
  await body?.[Symbol.asyncIterator]().return?.();
};

/**
 * Opens a file's parts one after the other, as a stream. While one part is read, the next is already requested.
 * @param first the first part, requested before the answer began
 */
export const joinParts = async function* (
  openObject: OpenObject,
  {
    parts,
    first,
    identity,
    signal,
  }: {
    readonly parts: readonly StoredPart[];
    readonly first: Opening | undefined;
    readonly identity: AgeIdentity;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Uint8Array> {
  let next = first;
  try {
    for (const [index, { digest }] of parts.entries()) {
      const body = await next;
      const following = parts[index + 1];
      next = following === undefined ? undefined : openObject(following.object, signal);
      // Avoids an unhandled rejection: the error is thrown when the part is awaited.
      next?.catch(() => undefined);
      if (body !== undefined) yield* openAgeFile(identity, checked(body, digest, signal));
    }
  } finally {
    await drop(next);
  }
};
