import { base64url } from '../../shared/base64url.ts';
import { partName } from '../../shared/exports/object-names.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { sealFile, type SealedFile } from '../age/seal-file.ts';
import type { FileDeps } from '../state/sealed-file.ts';
import type { WrittenPart } from '../state/state.ts';
import type { Buffers } from './buffers.ts';

/*
 * A leg writes its resources in parts. Each part has resources of one type, and a large leg has several parts of a type.
 * Resources are sealed as they arrive, so that memory holds little more than the ciphertext. A part counts only if a leg's
 * checkpoint names it. The sweep deletes all others.
 */

/** Collects the parts of one leg. */
export interface PartWriter {
  /** Adds a line, which includes its line break, in pieces. */
  readonly add: (type: string, line: Iterable<Uint8Array>) => void;
  /** The types of the lines so far. */
  readonly types: () => Iterable<string>;
  /** Bytes of NDJSON so far. */
  readonly bytes: () => number;
  /**
   * Puts the parts into the bucket before the page ends, if they have become large: a page may have any size.
   * @throws the bucket's error
   */
  readonly putIfLarge: () => Promise<void>;
  /**
   * The same, but lines can be added while they are put: it waits for the parts before these only. It takes twice the memory.
   * @throws the bucket's error
   */
  readonly putBehind: () => Promise<void>;
  /** Closes the parts, puts them into the bucket, and returns all of them. @throws the bucket's error */
  readonly put: () => Promise<readonly WrittenPart[]>;
}

/** If all open parts together hold more bytes than this, they are put before the page ends. In a usual leg they hold less. */
const mostHeldBytes = 9 * 1024 * 1024;

/** A part that is not closed yet. */
interface OpenPart {
  readonly type: string;
  readonly file: SealedFile;
  bytes: number;
  count: number;
}

/**
 * Collects a leg's lines, and seals them.
 * @param recipient the public key, 32 bytes
 * @param buffers reused by each leg
 */
export const partWriter = (
  { objects, randomBytes }: FileDeps,
  exportId: string,
  recipient: Uint8Array,
  { blocks, collectGarbage }: Buffers,
): PartWriter => {
  const open = new Map<string, OpenPart>();
  const written: WrittenPart[] = [];
  let bytes = 0;
  let heldBytes = 0;
  /** The parts that are on their way to the bucket. */
  let putting: Promise<void> = Promise.resolve();

  const openPart = (type: string): OpenPart => {
    const part = { type, file: sealFile(recipient, randomBytes, blocks), bytes: 0, count: 0 };
    open.set(type, part);
    return part;
  };

  const putParts = async (parts: readonly OpenPart[]): Promise<void> => {
    // One part at a time, because all of them are joined in the same memory.
    for (const { type, file, bytes: plainBytes, count } of parts) {
      const body = file.end();
      const digest = sha256(body);
      const object = partName(exportId, base64url(randomBytes(16)));
      await objects.put(object, body);
      file.free();
      written.push({ type, object, digest, bytes: plainBytes, count });
    }
    collectGarbage();
  };

  /** Closes the open parts, and puts them once those before them are put. */
  const putOpen = (): void => {
    const parts = [...open.values()];
    open.clear();
    heldBytes = 0;
    putting = putting.then(() => putParts(parts));
    // The next caller that waits for it gets the error.
    putting.catch(() => undefined);
  };

  return {
    add: (type, line) => {
      const part = open.get(type) ?? openPart(type);
      part.count += 1;
      for (const piece of line) {
        part.file.write(piece);
        part.bytes += piece.length;
        bytes += piece.length;
        heldBytes += piece.length;
      }
    },
    types: () => [...open.keys(), ...written.map(({ type }) => type)],
    bytes: () => bytes,
    putIfLarge: async () => {
      if (heldBytes <= mostHeldBytes) return;
      putOpen();
      await putting;
    },
    putBehind: async () => {
      if (heldBytes <= mostHeldBytes) return;
      await putting;
      putOpen();
    },
    put: async () => {
      putOpen();
      await putting;
      return written;
    },
  };
};
