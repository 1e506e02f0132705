import { binary, hasEscapedScheme, isAbsolute, matchDecoded, matchSource, undecided } from './base-urls.ts';
import * as json from './json-bytes.ts';
import * as keys from './link-keys.ts';

/**
 * Rewrites the links of a FHIR JSON answer while its bytes stream through: URLs that a client would follow and that
 * start with the payer's FHIR base get the gateway's base instead. Nothing is parsed and printed, so decimals such as
 * `1.00`, key order, white space and escapes reach the partner as the payer wrote them.
 *
 * A link is the string value of
 * - `fullUrl` and `reference`, anywhere;
 * - `url` in the object (or in an object of the array) that a `link` key holds; where the answer has pages, the whole of
 *   it is given to `seal`, unless the object's `relation` was read as `self` before;
 * - `location` in the object that a `response` key holds;
 * - `url` anywhere else only where it points to `{base}/Binary`.
 *
 * Most of an answer is not tokenised at all: a search for those keys jumps from one to the next. That is sound because
 * in JSON the bytes `"reference" : "` are a key and the start of its value wherever they stand: inside a string the
 * quotes would have backslashes, and if the first quote closed a string, bare letters would follow it. Only what a
 * `link` or `response` key holds is read token by token, to know which object a `url` or `location` belongs to.
 *
 * One pass, linear in time whatever the chunks are. It keeps one byte for each of at most 128 levels under a `link` or
 * `response`, and holds back bytes only of a link that a chunk's end cut before it was decided (at most six for each
 * character of the longest base and of `/Binary/`; of a page's link, all of it up to `longestPageLink`). What is nested deeper passes unchanged; so does everything where
 * the first byte is not that of a JSON object or array, or after the first structural error that is noticed.
 */
export interface LinkRewriter {
  /** Takes the payer's next bytes and returns what may leave now. An unchanged chunk is returned itself, not copied. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Returns what was still held back, unless the answer was complete. */
  end(): Uint8Array[];
  /** How many absolute http(s) links to elsewhere passed unchanged so far. */
  readonly foreignLinks: number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: number;
}

/** Bytes of the longest page link that is sealed, JSON's escapes undone. */
export const longestPageLink = 5000;

export interface LinkRewriterOptions {
  /** The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest that fits wins. */
  readonly from: readonly string[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
  /**
   * Makes of a page's link the one that the partner gets; undefined for a link that is not below the payer's bases, null
   * for one that is too long: both are treated as any other link. Left out where an answer has no pages.
   */
  readonly seal?: ((url: string) => string | undefined | null) | undefined;
}

const maxDepth = 128;

// What the next byte belongs to. SEEKING is outside of every `link` and `response`.
const starting = 0;
const seeking = 1;
const afterValueState = 2;
const beforeValue = 3;
const beforeElement = 4; // as beforeValue, or the array's end
const beforeKey = 5;
const beforeFirstKey = 6; // as beforeKey, or the object's end
const beforeColon = 7;
const inString = 8;
const inKey = 9; // a key with escapes, or cut by a chunk's end
const inLink = 10; // a link with escapes, or cut by a chunk's end
const tooDeep = 11;
const broken = 12;
const inRelation = 13; // under a `link`, what kind of link it is
const inPage = 14; // a page's link

// What a level of the stack is.
const object = 1;
const underLink = 2;
const underResponse = 4;
const isSelf = 8;

const self = json.bytesOf('self');

const nothing = new Uint8Array(0);
const withoutSlash = (base: string) => base.replace(/\/+$/, '');

/** Makes the rewriter of one answer. See {@link LinkRewriter}. */
export const createLinkRewriter = (options: LinkRewriterOptions): LinkRewriter => {
  const urls = [...new Set(options.from.map(withoutSlash))]
    .filter((base) => base !== '')
    .sort((a, b) => b.length - a.length);
  const bases = urls.map(json.bytesOf);
  const target = json.bytesOf(JSON.stringify(withoutSlash(options.to)).slice(1, -1));
  /** Characters of a link that decide about it: the longest base, `/Binary`, and what follows. */
  const limit = (bases[0]?.length ?? 0) + binary.length + 1;
  const link = json.createPrefixReader(limit);
  const key = json.createPrefixReader(keys.longestKey + 1);
  const relation = json.createPrefixReader(self.length + 1);
  const page = json.createStringReader(Math.max(longestPageLink, limit));
  const { seal } = options;
  /** First bytes that are worth a look: those of the bases, of http(s), of an escape. */
  const interesting = new Uint8Array(256);
  for (const byte of [json.backslashByte, 0x68, 0x48, ...bases.map((base) => base[0]!)]) interesting[byte] = 1;

  let state = starting;
  /** What the current value's key said; `otherKey` in arrays. */
  let kind = keys.otherKey;
  let foreignLinks = 0;
  let unsealedLinks = 0;
  /** Start and end in the chunk of everything to be replaced. */
  let edits: number[] = [];
  /** What replaces it, by its place in `edits`, where that is a sealed link: nearly always it is the gateway's base. */
  let sealedLinks: Map<number, Uint8Array> | undefined;

  // Reading under a `link` or `response`; the bottom of the stack is what is around it.
  const stack = new Uint8Array(maxDepth + 1);
  let depth = 0;
  let excessDepth = 0;
  let afterString = afterValueState;
  let escaped = false;

  // Searching: the chunk's bytes as characters, and what was seen before it and may be the beginning of a key.
  const usualKey = keys.usualKey(urls[0]);
  let pattern = usualKey;
  let text = '';
  let tail = '';
  let soughtFrom = 0;

  const kindHere = (raw: number): number => {
    const level = stack[depth]!;
    if (raw === keys.urlKey) {
      if ((level & underLink) === 0) return keys.maybeBinary;
      return seal === undefined || level & isSelf ? keys.linkedKey : keys.pageKey;
    }
    if (raw === keys.relationKey) return level & underLink ? raw : keys.otherKey;
    if (raw === keys.locationKey) return level & underResponse ? keys.linkedKey : keys.otherKey;
    return raw;
  };

  /** Goes on after a value: token by token, or searching where no `link` or `response` is around it. */
  const afterValue = (at: number): number => {
    kind = keys.otherKey;
    state = afterValueState;
    if (depth > 0) return at;
    state = seeking;
    soughtFrom = at;
    tail = '';
    return at;
  };

  const open = (isObject: boolean): void => {
    if (depth === maxDepth) {
      excessDepth = 1;
      state = tooDeep;
      return;
    }
    const parent = stack[depth]!;
    let level = isObject ? object : 0;
    if (kind === keys.linkKey || (parent & object) === 0)
      level |= kind === keys.linkKey ? underLink : parent & underLink;
    if (kind === keys.responseKey && isObject) level |= underResponse;
    stack[++depth] = level;
    kind = keys.otherKey;
    state = isObject ? beforeFirstKey : beforeElement;
  };

  const close = (isObject: boolean, at: number): number => {
    if (((stack[depth]! & object) !== 0) !== isObject) {
      state = broken;
      return at;
    }
    depth--;
    return afterValue(at);
  };

  const replace = (from: number, to: number, by: Uint8Array): void => {
    if (by !== target) (sealedLinks ??= new Map()).set(edits.length, by);
    edits.push(from, to);
  };

  const replacement = (edit: number): Uint8Array => sealedLinks?.get(edit) ?? target;

  /** Whether a decoded link is absolute and to elsewhere. */
  const countForeign = (): void => {
    if (kind !== keys.maybeBinary && isAbsolute(link.decoded, 0)) foreignLinks++;
  };

  /** Decides a link that was decoded: returns the raw length of the base to be replaced, 0 for none. */
  const decideDecoded = (): number => {
    const matched = matchDecoded(bases, link.decoded, link.length(), kind === keys.maybeBinary);
    if (matched > 0) return link.rawEnd(matched);
    countForeign();
    return 0;
  };

  /** A page's link that was read, sealed; null where it is too long, undefined where it is no page of the payer's. */
  const sealPage = (): string | undefined | null => {
    if (page.isTooLong()) return null;
    let url: string;
    try {
      url = JSON.parse(`"${page.text()}"`) as string;
    } catch {
      return undefined; // No JSON.
    }
    return Buffer.byteLength(url) > longestPageLink ? null : seal!(url);
  };

  /** Decides a page's link: how many of its raw bytes are to be replaced, and by what. */
  const decidePage = (): { raw: number; by: Uint8Array } => {
    const sealed = sealPage();
    if (typeof sealed === 'string') {
      return { raw: page.raw().length, by: json.bytesOf(JSON.stringify(sealed).slice(1, -1)) };
    }
    link.reset();
    link.read(page.raw(), 0);
    const raw = decideDecoded();
    if (sealed === null && (raw > 0 || !isAbsolute(link.decoded, 0))) unsealedLinks++;
    return { raw, by: target };
  };

  /** Decides a link as it stands in the chunk; false where an escape or the chunk's end is in the way. */
  const decideSource = (chunk: Uint8Array, at: number): boolean => {
    if (at + limit >= chunk.length) return false;
    if (interesting[chunk[at]!] === 0) return true;
    const matched = matchSource(bases, chunk, at, kind === keys.maybeBinary);
    if (matched === undecided) return false;
    if (matched > 0) {
      edits.push(at, at + matched);
      return true;
    }
    if (hasEscapedScheme(chunk, at)) return false;
    if (kind === keys.linkedKey && isAbsolute(chunk, at)) foreignLinks++;
    return true;
  };

  /** Where the key starts (its first quote) whose last quote is at `end`; -1 where it is the end of a longer one. */
  const startOfKey = (chunk: Buffer, end: number): number => {
    let start = end - 1;
    while (chunk[start] !== json.quoteByte) start--;
    const before = start > 0 ? chunk[start - 1] : tail.charCodeAt(tail.length - 1);
    return before === json.backslashByte ? -1 : start;
  };

  /** Edits a link that was found with its key and the longest base, which ends at `end`. */
  const editUsualLink = (chunk: Buffer, end: number): void => {
    const from = end - bases[0]!.length;
    let endOfKey = from - 2;
    while (chunk[endOfKey] !== json.quoteByte) endOfKey--;
    if (startOfKey(chunk, endOfKey) < 0) return;
    edits.push(from, end);
    soughtFrom = end;
    tail = '';
  };

  /**
   * Finds the next key of ours that lies in the chunk and returns where it ends, else the chunk's length. Links that are
   * written as usual are decided on the way.
   */
  const seek = (chunk: Buffer, from: number): number => {
    pattern.lastIndex = from;
    while (pattern.test(text)) {
      const end = pattern.lastIndex;
      if (chunk[end - 1] !== json.quoteByte) {
        editUsualLink(chunk, end);
        continue;
      }
      const start = startOfKey(chunk, end - 1);
      if (start < 0) continue;
      kind = kindHere(
        pattern === keys.spelledKey
          ? keys.kindOfSource(text.slice(start, end))
          : keys.kindAt(chunk, start + 1, end - start - 2),
      );
      if (kind === keys.otherKey) continue;
      state = beforeColon;
      return end;
    }
    return chunk.length;
  };

  /** Finds a key of ours that began in an earlier chunk and returns where it ends in this one, else 0. */
  const seekAcross = (): number => {
    const reach = tail + text.slice(0, keys.keyReach);
    keys.spelledKey.lastIndex = 0;
    for (let match = keys.spelledKey.exec(reach); match !== null; match = keys.spelledKey.exec(reach)) {
      keys.spelledKey.lastIndex = match.index + 1;
      if (match.index >= tail.length) break;
      const end = match.index + match[0].length - tail.length;
      if (end <= 0 || reach[match.index - 1] === '\\') continue;
      kind = kindHere(keys.kindOfSource(match[0]));
      if (kind !== keys.otherKey) state = beforeColon;
      return end;
    }
    return 0;
  };

  /** Starts the value whose first byte is at `at`. */
  const startValue = (chunk: Buffer, at: number): number => {
    const byte = chunk[at]!;
    const next = at + 1;
    if (kind === keys.relationKey) stack[depth]! &= ~isSelf;
    if (byte === json.quoteByte) {
      afterString = afterValueState;
      state = inString;
      if (kind === keys.otherKey) return next;
      if (kind === keys.pageKey) {
        page.reset();
        state = inPage;
        return next;
      }
      if (kind === keys.relationKey) {
        relation.reset();
        state = inRelation;
        return next;
      }
      if (kind !== keys.linkedKey && kind !== keys.maybeBinary) return next;
      // While searching, the rest of the string need not be told from what follows.
      if (decideSource(chunk, next)) return depth > 0 ? next : afterValue(next);
      link.reset();
      state = inLink;
      return next;
    }
    if (byte === json.openObject || byte === json.openArray) {
      if (depth === 0 && kind !== keys.linkKey && kind !== keys.responseKey) return afterValue(next);
      open(byte === json.openObject);
      return next;
    }
    if (byte === json.closeArray && state === beforeElement) return close(false, next);
    if (json.startsScalar[byte] === 1) return afterValue(next);
    state = broken;
    return next;
  };

  /** Goes on after the comma, or closes, what the value ended in. */
  const endValue = (byte: number, next: number): number => {
    if (byte === json.closeObject || byte === json.closeArray) return close(byte === json.closeObject, next);
    state = byte !== json.comma ? broken : stack[depth]! & object ? beforeKey : beforeValue;
    return next;
  };

  /** Reads a key, `at` being its first byte. */
  const readKey = (chunk: Buffer, at: number): number => {
    let end = at;
    let byte = 0;
    while (end < chunk.length && (byte = chunk[end]!) !== json.quoteByte && byte !== json.backslashByte) end++;
    if (byte === json.quoteByte) {
      kind = kindHere(keys.kindAt(chunk, at, end - at));
      state = beforeColon;
      return end + 1;
    }
    key.reset();
    state = inKey;
    return at;
  };

  /** Reads the chunk from `start` on and returns where the bytes that may leave end. */
  const scan = (chunk: Buffer, start: number): number => {
    const length = chunk.length;
    let i = start;
    while (i < length) {
      switch (state) {
        case seeking:
          i = seek(chunk, i);
          break;

        case afterValueState:
          while (i < length && json.structural[chunk[i]!] === 0) i++;
          if (i < length) i = endValue(chunk[i]!, i + 1);
          break;

        case beforeValue:
        case beforeElement:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i < length) i = startValue(chunk, i);
          break;

        case beforeKey:
        case beforeFirstKey:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i === length) break;
          if (chunk[i] === json.quoteByte) i = readKey(chunk, i + 1);
          else if (chunk[i] === json.closeObject && state === beforeFirstKey) i = close(true, i + 1);
          else state = broken;
          break;

        case beforeColon:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i === length) break;
          if (chunk[i] === json.colonByte) {
            state = beforeValue;
            i++;
          } else if (depth === 0) {
            i = afterValue(i); // It was a value that reads like a key.
          } else {
            state = broken;
          }
          break;

        case inString: {
          if (escaped) i++;
          const from = i;
          i = json.endOfString(chunk, from);
          escaped = i === length && json.endsInEscape(chunk, from);
          if (i === length) break;
          i++;
          if (afterString === afterValueState) afterValue(i);
          else state = afterString;
          break;
        }

        case inKey:
          i = key.read(chunk, i);
          if (i === length && !key.isFull()) break;
          kind = kindHere(keys.kindAt(key.decoded, 0, key.length()));
          afterString = beforeColon;
          state = inString;
          break;

        case inLink: {
          const began = i;
          i = link.read(chunk, began);
          if (i === length && !link.isFull()) return began;
          const raw = decideDecoded();
          if (raw > 0) edits.push(began, began + raw);
          state = inString;
          break;
        }

        case inPage: {
          const began = i;
          i = page.read(chunk, began);
          if (i === length && !page.isTooLong()) return began;
          const { raw, by } = decidePage();
          if (raw > 0) replace(began, began + raw, by);
          state = inString;
          break;
        }

        case inRelation:
          i = relation.read(chunk, i);
          if (i === length && !relation.isFull()) break;
          if (relation.length() === self.length && json.hasAt(relation.decoded, 0, self)) stack[depth]! |= isSelf;
          state = inString;
          break;

        case tooDeep: {
          const byte = chunk[i++]!;
          if (byte === json.quoteByte) {
            afterString = tooDeep;
            state = inString;
          } else if (byte === json.openObject || byte === json.openArray) {
            excessDepth++;
          } else if ((byte === json.closeObject || byte === json.closeArray) && --excessDepth === 0) {
            afterValue(i);
          }
          break;
        }

        case starting:
          while (i < length && json.beforeJson[chunk[i]!] === 1) i++;
          if (i === length) break;
          if (chunk[i] === json.openObject || chunk[i] === json.openArray) i = afterValue(i + 1);
          else state = broken;
          break;

        default: // BROKEN
          return length;
      }
    }
    return length;
  };

  /** Remembers the chunk's last bytes, where a key may have begun. */
  const keepTail = (chunk: Buffer): void => {
    const from = Math.max(soughtFrom, chunk.length - keys.keyReach);
    const seen = chunk.toString('latin1', from);
    tail = from > 0 ? seen : (tail + seen).slice(-keys.keyReach);
  };

  /** Joins `before` and the chunk's first `end` bytes from `start` on, with every edit made. */
  const edited = (before: Uint8Array, chunk: Buffer, start: number, end: number): Uint8Array => {
    let size = before.length + end - start;
    for (let e = 0; e < edits.length; e += 2) size += replacement(e).length - (edits[e + 1]! - edits[e]!);
    const result = Buffer.allocUnsafe(size);
    result.set(before);
    let to = before.length;
    let from = start;
    for (let e = 0; e < edits.length; e += 2) {
      to += chunk.copy(result, to, from, edits[e]);
      const by = replacement(e);
      result.set(by, to);
      to += by.length;
      from = edits[e + 1]!;
    }
    chunk.copy(result, to, from, end);
    return result;
  };

  /** Goes on with a link that an earlier chunk began; undefined while it is undecided, and its bytes are held. */
  const finishLink = (chunk: Buffer): { before: Uint8Array; start: number } | undefined => {
    const start = link.read(chunk, 0);
    if (start === chunk.length && !link.isFull()) return undefined;
    const raw = decideDecoded();
    state = inString;
    return { before: raw > 0 ? Buffer.concat([target, link.rawFrom(raw)]) : link.rawFrom(0), start };
  };

  /** The same for a page's link. */
  const finishPage = (chunk: Buffer): { before: Uint8Array; start: number } | undefined => {
    const start = page.read(chunk, 0);
    if (start === chunk.length && !page.isTooLong()) return undefined;
    const { raw, by } = decidePage();
    state = inString;
    const rest = page.raw().subarray(raw);
    return { before: raw > 0 ? Buffer.concat([by, rest]) : Buffer.from(rest), start };
  };

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      if (state === broken) return [chunk];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const held =
        state === inLink ? finishLink(bytes) : state === inPage ? finishPage(bytes) : { before: nothing, start: 0 };
      if (held === undefined) return [];
      edits = [];
      sealedLinks = undefined;
      soughtFrom = 0;
      text = bytes.toString('latin1');
      pattern = keys.hasEscapedLetter(text) ? keys.spelledKey : usualKey;
      const end = scan(bytes, state === seeking ? seekAcross() : held.start);
      if (state === seeking) keepTail(bytes);
      text = '';
      if (edits.length === 0 && held.before.length + held.start === 0 && end === bytes.length) return [chunk];
      return [edited(held.before, bytes, held.start, end)];
    },
    end() {
      const held = state === inLink ? link.rawFrom(0) : state === inPage ? Buffer.from(page.raw()) : nothing;
      state = broken;
      return held.length === 0 ? [] : [held];
    },
    get foreignLinks() {
      return foreignLinks;
    },
    get unsealedLinks() {
      return unsealedLinks;
    },
  };
};
