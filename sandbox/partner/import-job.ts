import { setTimeout as sleep } from 'node:timers/promises';
import { ExportError, readAttachment, readLines, readStatus } from './exports.ts';
import type { ExportFile, Manifest, Send, Status } from './exports.ts';
import { openStore } from './store/store.ts';
import type { RecordStore } from './store/store.ts';
import { storedRecord } from './stored-record.ts';
import type { StoredRecord } from './stored-record.ts';

type Running = Extract<Status, { done: false }>;

/** How far an import is. */
export type ImportState =
  | { readonly phase: 'running'; readonly status: Running }
  /** The gateway has the record; its files are being read. */
  | { readonly phase: 'loading'; readonly loaded: number; readonly total: number }
  | { readonly phase: 'done'; readonly manifest: Manifest; readonly expires: string }
  | { readonly phase: 'failed'; readonly error: unknown };

/** An import of a whole record. It goes on when nobody looks. */
export interface ImportJob {
  readonly statusUrl: string;
  /** Waits for the first state. */
  readonly state: () => Promise<ImportState>;
  /** Resolves when it is done or has failed. */
  readonly ended: Promise<void>;
  /** Asks for the status now, since an event says that something happened. */
  readonly wake: () => void;
  readonly stop: () => void;
}

const mostTries = 3;

/**
 * Follows an export until it is there, then reads its files line by line into a store.
 * @param send waits as long as the gateway asks
 * @param arrived gets the record
 */
export const startImport = (
  statusUrl: string,
  sendWith: (signal: AbortSignal) => Send,
  arrived: (record: StoredRecord) => void,
): ImportJob => {
  const stopping = new AbortController();
  const send = sendWith(stopping.signal);
  const first = Promise.withResolvers<void>();
  let state: ImportState | undefined;
  let waiting = new AbortController();
  const set = (next: ImportState): void => {
    state = next;
    first.resolve();
  };

  /** Waits for the time that the gateway asked for, or for an event. */
  const pause = async (seconds: number): Promise<void> => {
    waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, stopping.signal]);
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
    stopping.signal.throwIfAborted();
  };

  const follow = async (): Promise<Extract<Status, { done: true }>> => {
    for (;;) {
      const status = await readStatus(statusUrl, send);
      if (status.done) return status;
      set({ phase: 'running', status });
      await pause(status.retryAfterSeconds);
    }
  };

  const load = async ({ output, extension }: Manifest): Promise<StoredRecord> => {
    const total = output.reduce((sum, { count }) => sum + count, 0);
    const store = openStore();
    try {
      let loaded = 0;
      for (const file of output) {
        set({ phase: 'loading', loaded, total });
        const before = loaded;
        await loadFile(file, send, store, (lines) => set({ phase: 'loading', loaded: before + lines, total }));
        loaded += file.count;
      }
      // The export's files go, so an app keeps what it will need.
      for (const file of extension?.attachments ?? [])
        store.addFile(file.url, await again(() => readAttachment(file, send)));
      return storedRecord(store, { by: 'export', pages: output.length, isWhole: extension?.complete === true });
    } catch (error) {
      store.close();
      throw error;
    }
  };

  const run = async (): Promise<void> => {
    try {
      const { manifest, expires } = await follow();
      const record = await load(manifest);
      if (stopping.signal.aborted) return record.store.close();
      arrived(record);
      set({ phase: 'done', manifest, expires });
    } catch (error) {
      set({ phase: 'failed', error });
    }
  };

  return {
    statusUrl,
    state: async () => {
      await first.promise;
      return state as ImportState;
    },
    ended: run(),
    wake: () => waiting.abort(),
    stop: () => stopping.abort(),
  };
};

/** A download that breaks off begins again. */
const again = async <T>(read: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      const brokeOff = error instanceof TypeError || (error instanceof ExportError && error.status === 200);
      if (!brokeOff || tries === mostTries) throw error;
    }
  }
};

/** Reads one file. When it is read again, a resource that is there already is replaced. */
const loadFile = async (
  file: ExportFile,
  send: Send,
  store: RecordStore,
  tell: (lines: number) => void,
): Promise<void> =>
  again(async () => {
    let lines = 0;
    for await (const line of readLines(file, send)) {
      store.add(line);
      lines += 1;
      if (lines % 500 === 0) tell(lines);
    }
  });
