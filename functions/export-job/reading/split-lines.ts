import type { PageResource, SkippedResource } from './page-resource.ts';
import { createBundleSplitter, type BundleSplitter, type PageRoom } from './split-bundle.ts';
import { UnreadablePage } from './unreadable-page.ts';

/** Splits a file of NDJSON into its resources while its bytes arrive, in the memory of one resource. */
export interface LineSplitter {
  /** Passes on the resource of each line that ends in these bytes. */
  readonly push: (chunk: Uint8Array) => void;
  /** Ends the last line, which may have no line break. */
  readonly end: () => void;
}

const lineBreak = 0x0a;
const isBlank = (piece: Uint8Array): boolean => piece.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);

/**
 * @param take called with what is on each line that is not blank. Its `line` is only valid during the call.
 * @param onLine called after each line, blank ones included, with how many bytes it had, its line break included
 */
export const splitLines = (
  room: PageRoom,
  take: (resource: PageResource | SkippedResource) => void,
  onLine: (bytes: number) => void,
): LineSplitter => {
  let splitter: BundleSplitter | undefined;
  let found: PageResource | SkippedResource | undefined;
  let isBroken = false;
  let bytes = 0;

  const orBroken = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof UnreadablePage)) throw error;
      isBroken = true;
    }
  };

  const feed = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (isBroken || piece.length === 0 || (splitter === undefined && isBlank(piece))) return;
    splitter ??= createBundleSplitter({ of: 'read', room, take: (resource) => void (found = resource) });
    const { push } = splitter;
    orBroken(() => push(piece));
  };

  const endLine = (): void => {
    if (splitter !== undefined && !isBroken) orBroken(splitter.end);
    // If something follows a resource on its line, neither can be trusted.
    if (isBroken) take({ skipped: 'notJson', mode: 'match' });
    else if (found !== undefined) take(found);
    const ended = bytes;
    splitter = found = undefined;
    isBroken = false;
    bytes = 0;
    onLine(ended);
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(lineBreak); at >= 0; at = chunk.indexOf(lineBreak, from)) {
        feed(chunk.subarray(from, at));
        bytes += 1;
        endLine();
        from = at + 1;
      }
      feed(chunk.subarray(from));
    },
    end() {
      if (bytes > 0) endLine();
    },
  };
};
