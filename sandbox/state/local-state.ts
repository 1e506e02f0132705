import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeWithParents } from '../../bin/shared/folders.ts';
import { LocalStackError } from '../local-stack-error.ts';
import { noRooms, type Rooms } from './room.ts';

/** What a local stack saves for its next start. */
export interface LocalState {
  readonly rooms: Rooms;
  /** Where larger things have folders of their own; `undefined` if nothing is kept. */
  readonly folder: string | undefined;
  readonly close: () => Promise<void>;
}

/** Changes whenever an older process could no longer read what is kept, or the other way around. */
const format = '1';

const database = 'state.sqlite';
const ours = [database, `${database}-wal`, `${database}-shm`, `${database}-journal`, 'dynamodb', 'objects'];

/** SQLite's result codes (https://www.sqlite.org/rescode.html). */
const busy = 5;

/** Keeps nothing. */
export const noState: LocalState = { rooms: noRooms, folder: undefined, close: async () => {} };

const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

/**
 * Opens the file and holds it alone: the system frees the lock when the process ends, however it ends. In this mode, a
 * written value survives the process, not a power failure.
 */
const openFile = (file: string): DatabaseSync => {
  const opened = new DatabaseSync(file);
  try {
    opened.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS kept (room TEXT, key TEXT, text TEXT, PRIMARY KEY (room, key));
      INSERT OR IGNORE INTO kept VALUES ('state', 'format', '${format}');
      COMMIT;`);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
};

const formatOf = (opened: DatabaseSync): unknown =>
  opened.prepare("SELECT text FROM kept WHERE room = 'state' AND key = 'format'").get()?.['text'];

const roomsOf = (opened: DatabaseSync): Rooms => {
  const all = opened.prepare('SELECT key, text FROM kept WHERE room = ? ORDER BY rowid');
  const set = opened.prepare(
    'INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (room, key) DO UPDATE SET text = excluded.text',
  );
  const remove = opened.prepare('DELETE FROM kept WHERE room = ? AND key = ?');
  return (room) => ({
    entries: () => all.all(room).map(({ key, text }) => [String(key), String(text)] as const),
    // A request that is still under way when the stack stops changes nothing that is kept.
    set: (key, text) => void (opened.isOpen && set.run(room, key, text())),
    delete: (key) => void (opened.isOpen && remove.run(room, key)),
  });
};

/** Says what to do about a folder that cannot be used. */
export const unusable = (folder: string, why: string): LocalStackError =>
  new LocalStackError(`${folder} ${why}; start with --fresh, which empties it and starts over`);

const inUse = (folder: string): LocalStackError =>
  new LocalStackError(
    `${folder} is in use by another local stack; stop that one, or choose another with --state FOLDER`,
  );

const makeFolder = (folder: string): void => {
  try {
    makeWithParents(resolve(folder), 0o700);
    // A folder that is there already keeps its mode otherwise. One that holds something else is not ours to change.
    if (readdirSync(folder).every((name) => ours.includes(name))) chmodSync(folder, 0o700);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LocalStackError(`${folder} can't be created (${code}); choose another folder with --state FOLDER`);
  }
};

/** Empties the folder of what a local stack has left there, unless one is using it. */
const empty = (folder: string): void => {
  try {
    openFile(join(folder, database)).close();
  } catch (error) {
    if (codeOf(error) === busy) throw inUse(folder);
    // It is damaged, and is deleted for that.
  }
  for (const name of ours) rmSync(join(folder, name), { recursive: true, force: true });
};

/**
 * Opens what the last local stack left in a folder, and keeps it from every other one.
 * @param fresh whether to start over
 * @throws LocalStackError if another stack has it, or if it can't be read
 */
export const openState = (folder: string, { fresh = false }: { readonly fresh?: boolean } = {}): LocalState => {
  makeFolder(folder);
  if (fresh) empty(folder);
  let opened: DatabaseSync | undefined;
  try {
    opened = openFile(join(folder, database));
    if (formatOf(opened) !== format) throw unusable(folder, 'is from another version of the local stack');
    const held = opened;
    return { rooms: roomsOf(opened), folder, close: async () => held.close() };
  } catch (error) {
    opened?.close();
    if (error instanceof LocalStackError) throw error;
    throw codeOf(error) === busy ? inUse(folder) : unusable(folder, `can't be read (${(error as Error).message})`);
  }
};
