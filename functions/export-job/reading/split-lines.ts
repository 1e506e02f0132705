import { openObject } from '../../shared/json/bytes.ts';
import { beginAgain, nextToken, readTokens, stray, takeChunk, token } from '../../shared/json/tokens.ts';
import { keepValues } from './keep-value.ts';
import { readKept, readPlain, type PageResource, type SkippedResource } from './page-resource.ts';
import type { PageRoom } from './split-bundle.ts';

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
  room: Pick<PageRoom, 'resource'>,
  take: (resource: PageResource | SkippedResource) => void,
  onLine: (bytes: number) => void,
): LineSplitter => {
  // One reader for all lines: a file may have millions.
  const tokens = readTokens();
  const keeper = keepValues(room.resource);
  let at: 'blank' | 'resource' | 'after' | 'broken' = 'blank';
  let found: ReturnType<typeof readKept> | undefined;
  let bytes = 0;

  const read = (piece: Uint8Array): void => {
    takeChunk(tokens, piece);
    if (at === 'resource') keeper.goOn();
    for (;;) {
      const kind = nextToken(tokens);
      if (at !== 'resource') {
        const isStray = tokens.fault === stray;
        if (kind === token.none && !isStray) return;
        if (kind === token.gap && !isStray) continue;
        // If something follows a resource on its line, neither can be trusted.
        if (isStray || at === 'after' || tokens.chunk[tokens.start] !== openObject) {
          at = 'broken';
          return;
        }
        at = 'resource';
        keeper.begin(room.resource.length);
      }
      keeper.take(kind, tokens);
      if (kind === token.none) return;
      if (kind !== token.closing || tokens.level !== 0) continue;
      keeper.end(tokens);
      found = readKept(keeper);
      at = 'after';
    }
  };

  const feed = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (at === 'broken' || piece.length === 0 || (at === 'blank' && isBlank(piece))) return;
    read(piece);
  };

  /** Passes on what is on a whole line, if that is a resource as most are written. */
  const takePlain = (line: Buffer): boolean => {
    if (bytes > 0) return false;
    const plain = readPlain(line, room.resource.length);
    if (plain === undefined) return false;
    take({ ...plain, mode: 'match' });
    onLine(line.length + 1);
    return true;
  };

  const endLine = (): void => {
    if (at === 'after') take({ ...found!, mode: 'match' });
    else if (at !== 'blank') take({ skipped: 'notJson', mode: 'match' });
    const ended = bytes;
    at = 'blank';
    bytes = 0;
    beginAgain(tokens);
    onLine(ended);
  };

  return {
    push(given) {
      const chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
      let from = 0;
      for (let end = chunk.indexOf(lineBreak); end >= 0; end = chunk.indexOf(lineBreak, from)) {
        const line = chunk.subarray(from, end);
        if (!takePlain(line)) {
          feed(line);
          bytes += 1;
          endLine();
        }
        from = end + 1;
      }
      if (from < chunk.length) feed(chunk.subarray(from));
    },
    end() {
      if (bytes > 0) endLine();
    },
  };
};
