import type { HangsOn } from '../reading/hangs-on.ts';
import type { OwnAttachment } from '../reading/own-attachments.ts';
import { getSealed, putSealed, type FileDeps } from './sealed-file.ts';
import { newStateName } from './state-file.ts';
import type { HeldFile } from './state.ts';

/*
 * Lines of resources whose attachments are still to be fetched, or that name no patient, so that it is not known yet whose they are. A line
 * that is sealed to the partner cannot change any more, and the URL in it depends on whether its attachment comes. So it waits in a file of the job's own, sealed under
 * the state key and bound to its name:
 *
 *   for each line: length of the head, 4 bytes ‖ head, JSON ‖ length of the line, 4 bytes ‖ line
 */

/** A line that is waiting to be written, and the attachments to fetch first. */
export interface HeldLine {
  readonly type: string;
  readonly id: string | undefined;
  readonly attachments: readonly OwnAttachment[];
  /** The URLs of its other attachments that are below the payer's Binaries. */
  readonly others?: readonly string[];
  /** What it refers to, if that decides whose it is and was not known yet. */
  readonly hangsOn?: HangsOn;
  /**
   * Of an exchange: which members it names, by their ids at the payer, in which file it came, how many members were lost by then, and
   * whether it names nobody and only the request for the whole Group showed then that it is a member's.
   */
  readonly whose?: {
    readonly members: readonly string[];
    readonly file: number;
    readonly lost: number;
    readonly byGroup?: boolean;
  };
  /** The FHIR base that it came from, if that is one of the payer's `furtherBases`. */
  readonly home?: string;
  /** Without a line break, as the payer wrote it. */
  readonly line: Buffer;
}

/** Collects the waiting lines. */
export interface HeldWriter {
  /** Copies the line. */
  readonly add: (held: HeldLine) => void;
  /** The types of the lines so far. */
  readonly types: () => Iterable<string>;
  /** @throws the bucket's error */
  readonly putIfLarge: () => Promise<void>;
  /** Writes what is not written yet, and returns all files. @throws the bucket's error */
  readonly put: () => Promise<readonly HeldFile[]>;
}

/** Lines are written once they have this many bytes. Most have some 2 KB. */
const mostHeldBytes = 1024 * 1024;

const framed = (bytes: Uint8Array): readonly Uint8Array[] => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
};

export const heldWriter = (deps: FileDeps, exportId: string, stateKey: Uint8Array): HeldWriter => {
  const files: HeldFile[] = [];
  let types = new Set<string>();
  let hangs = false;
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const put = async (): Promise<readonly HeldFile[]> => {
    if (pieces.length === 0) return files;
    const name = newStateName(deps, exportId);
    const content = Buffer.concat(pieces);
    files.push({ object: name, types: [...types], hangs });
    types = new Set();
    hangs = false;
    pieces = [];
    bytes = 0;
    await putSealed(deps, stateKey, name, content);
    return files;
  };
  return {
    add: ({ line, ...head }) => {
      types.add(head.type);
      hangs ||= head.hangsOn !== undefined;
      pieces.push(...framed(Buffer.from(JSON.stringify(head))), ...framed(Buffer.from(line)));
      bytes += line.length;
    },
    types: () => [...files.flatMap((file) => file.types), ...types],
    putIfLarge: async () => {
      if (bytes > mostHeldBytes) await put();
    },
    put,
  };
};

/** Reads a file of lines that wait. @throws whatever the bucket throws, and Error if it is damaged */
export const readHeldLines = async (
  deps: Pick<FileDeps, 'objects'>,
  stateKey: Uint8Array,
  name: string,
): Promise<readonly HeldLine[]> => {
  const plain = await getSealed(deps, stateKey, name);
  const lines: HeldLine[] = [];
  let at = 0;
  const next = (): Buffer => {
    const from = at + 4;
    at = from + plain.readUInt32BE(at);
    return plain.subarray(from, at);
  };
  while (at < plain.length) {
    const head = JSON.parse(next().toString('utf8')) as Omit<HeldLine, 'line'>;
    lines.push({ ...head, line: next() });
  }
  return lines;
};
