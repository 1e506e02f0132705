import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The bytes of one stored object. */
export interface StoredBody {
  readonly length: number;
  /** Reads the bytes from `from` up to, but not including, `to`. */
  readonly read: (from?: number, to?: number) => Buffer;
  /** Frees the memory or file that holds it. */
  readonly drop: () => void;
  /** What {@link BodyStore.restore} needs in a later process. */
  readonly saved: () => SavedBody;
}

/** A body itself, or the name and length of the file that holds it. */
export type SavedBody = { readonly base64: string } | { readonly file: string; readonly length: number };

export interface BodyStore {
  readonly keep: (body: Buffer) => StoredBody;
  readonly restore: (saved: SavedBody) => StoredBody;
  readonly close: () => void;
}

/** Larger bodies are kept in files, so that a record of several gigabytes fits. */
const mostBytesInMemory = 256 * 1024;

const inMemory = (body: Buffer): StoredBody => ({
  length: body.length,
  read: (from, to) => body.subarray(from, to),
  drop: () => {},
  saved: () => ({ base64: body.toString('base64') }),
});

const inFile = (folder: string, name: string, length: number): StoredBody => {
  const file = join(folder, name);
  return {
    length,
    read: (from = 0, to = length) => {
      const bytes = Buffer.alloc(to - from);
      const opened = openSync(file, 'r');
      try {
        readSync(opened, bytes, 0, bytes.length, from);
      } finally {
        closeSync(opened);
      }
      return bytes;
    },
    drop: () => rmSync(file, { force: true }),
    saved: () => ({ file: name, length }),
  };
};

/**
 * Creates an empty store.
 * @param kept the folder that keeps large bodies; without one, there is a temporary folder until the store closes
 */
export const bodyStore = (kept?: string): BodyStore => {
  let folder = kept;
  return {
    keep: (body) => {
      if (body.length <= mostBytesInMemory) return inMemory(body);
      folder ??= mkdtempSync(join(tmpdir(), 'p2p-gateway-s3-'));
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const name = randomUUID();
      writeFileSync(join(folder, name), body, { mode: 0o600 });
      return inFile(folder, name, body.length);
    },
    restore: (saved) =>
      'base64' in saved ? inMemory(Buffer.from(saved.base64, 'base64')) : inFile(kept ?? '', saved.file, saved.length),
    close: () => {
      if (folder !== undefined && kept === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
};
