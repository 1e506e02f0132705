import { BINARY, hasEscapedScheme, isAbsolute, matchDecoded, matchSource, UNDECIDED } from './base-urls.ts';
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
export type LinkRewriter = {
  /** Takes the payer's next bytes and returns what may leave now. An unchanged chunk is returned itself, not copied. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Returns what was still held back, unless the answer was complete. */
  end(): Uint8Array[];
  /** How many absolute http(s) links to elsewhere passed unchanged so far. */
  readonly foreignLinks: number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: number;
};

/** Bytes of the longest page link that is sealed, JSON's escapes undone. */
export const longestPageLink = 5000;

export type LinkRewriterOptions = {
  /** The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest that fits wins. */
  readonly from: readonly string[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
  /**
   * Makes of a page's link the one that the partner gets; undefined for a link that is not below the payer's bases, null
   * for one that is too long: both are treated as any other link. Left out where an answer has no pages.
   */
  readonly seal?: ((url: string) => string | undefined | null) | undefined;
};

const MAX_DEPTH = 128;

// What the next byte belongs to. SEEKING is outside of every `link` and `response`.
const STARTING = 0;
const SEEKING = 1;
const AFTER_VALUE = 2;
const BEFORE_VALUE = 3;
const BEFORE_ELEMENT = 4; // as BEFORE_VALUE, or the array's end
const BEFORE_KEY = 5;
const BEFORE_FIRST_KEY = 6; // as BEFORE_KEY, or the object's end
const BEFORE_COLON = 7;
const IN_STRING = 8;
const IN_KEY = 9; // a key with escapes, or cut by a chunk's end
const IN_LINK = 10; // a link with escapes, or cut by a chunk's end
const TOO_DEEP = 11;
const BROKEN = 12;
const IN_RELATION = 13; // under a `link`, what kind of link it is
const IN_PAGE = 14; // a page's link

// What a level of the stack is.
const OBJECT = 1;
const UNDER_LINK = 2;
const UNDER_RESPONSE = 4;
const IS_SELF = 8;

const SELF = json.bytesOf('self');

const NOTHING = new Uint8Array(0);
const withoutSlash = (base: string) => base.replace(/\/+$/, '');

/** Makes the rewriter of one answer. See {@link LinkRewriter}. */
export function createLinkRewriter(options: LinkRewriterOptions): LinkRewriter {
  const urls = [...new Set(options.from.map(withoutSlash))]
    .filter((base) => base !== '')
    .sort((a, b) => b.length - a.length);
  const bases = urls.map(json.bytesOf);
  const target = json.bytesOf(JSON.stringify(withoutSlash(options.to)).slice(1, -1));
  /** Characters of a link that decide about it: the longest base, `/Binary`, and what follows. */
  const limit = (bases[0]?.length ?? 0) + BINARY.length + 1;
  const link = json.createPrefixReader(limit);
  const key = json.createPrefixReader(keys.LONGEST_KEY + 1);
  const relation = json.createPrefixReader(SELF.length + 1);
  const page = json.createStringReader(Math.max(longestPageLink, limit));
  const { seal } = options;
  /** First bytes that are worth a look: those of the bases, of http(s), of an escape. */
  const interesting = new Uint8Array(256);
  for (const byte of [json.BACKSLASH, 0x68, 0x48, ...bases.map((base) => base[0]!)]) interesting[byte] = 1;

  let state = STARTING;
  /** What the current value's key said; PLAIN in arrays. */
  let kind = keys.PLAIN;
  let foreignLinks = 0;
  let unsealedLinks = 0;
  /** Start and end in the chunk of everything to be replaced. */
  let edits: number[] = [];
  /** What replaces it, by its place in `edits`, where that is a sealed link: nearly always it is the gateway's base. */
  let sealedLinks: Map<number, Uint8Array> | undefined;

  // Reading under a `link` or `response`; the bottom of the stack is what is around it.
  const stack = new Uint8Array(MAX_DEPTH + 1);
  let depth = 0;
  let excessDepth = 0;
  let afterString = AFTER_VALUE;
  let escaped = false;

  // Searching: the chunk's bytes as characters, and what was seen before it and may be the beginning of a key.
  const usualKey = keys.usualKey(urls[0]);
  let pattern = usualKey;
  let text = '';
  let tail = '';
  let soughtFrom = 0;

  function kindHere(raw: number): number {
    const level = stack[depth]!;
    if (raw === keys.URL_KEY) {
      if ((level & UNDER_LINK) === 0) return keys.MAYBE_BINARY;
      return seal === undefined || level & IS_SELF ? keys.FOLLOWED : keys.PAGE;
    }
    if (raw === keys.RELATION_KEY) return level & UNDER_LINK ? raw : keys.PLAIN;
    if (raw === keys.LOCATION_KEY) return level & UNDER_RESPONSE ? keys.FOLLOWED : keys.PLAIN;
    return raw;
  }

  /** Goes on after a value: token by token, or searching where no `link` or `response` is around it. */
  function afterValue(at: number): number {
    kind = keys.PLAIN;
    state = AFTER_VALUE;
    if (depth > 0) return at;
    state = SEEKING;
    soughtFrom = at;
    tail = '';
    return at;
  }

  function open(isObject: boolean): void {
    if (depth === MAX_DEPTH) {
      excessDepth = 1;
      state = TOO_DEEP;
      return;
    }
    const parent = stack[depth]!;
    let level = isObject ? OBJECT : 0;
    if (kind === keys.LINK_KEY || (parent & OBJECT) === 0)
      level |= kind === keys.LINK_KEY ? UNDER_LINK : parent & UNDER_LINK;
    if (kind === keys.RESPONSE_KEY && isObject) level |= UNDER_RESPONSE;
    stack[++depth] = level;
    kind = keys.PLAIN;
    state = isObject ? BEFORE_FIRST_KEY : BEFORE_ELEMENT;
  }

  function close(isObject: boolean, at: number): number {
    if (((stack[depth]! & OBJECT) !== 0) !== isObject) {
      state = BROKEN;
      return at;
    }
    depth--;
    return afterValue(at);
  }

  function replace(from: number, to: number, by: Uint8Array): void {
    if (by !== target) (sealedLinks ??= new Map()).set(edits.length, by);
    edits.push(from, to);
  }

  const replacement = (edit: number): Uint8Array => sealedLinks?.get(edit) ?? target;

  /** Whether a decoded link is absolute and to elsewhere. */
  function countForeign(): void {
    if (kind !== keys.MAYBE_BINARY && isAbsolute(link.decoded, 0)) foreignLinks++;
  }

  /** Decides a link that was decoded: returns the raw length of the base to be replaced, 0 for none. */
  function decideDecoded(): number {
    const matched = matchDecoded(bases, link.decoded, link.length(), kind === keys.MAYBE_BINARY);
    if (matched > 0) return link.rawEnd(matched);
    countForeign();
    return 0;
  }

  /** A page's link that was read, sealed; null where it is too long, undefined where it is no page of the payer's. */
  function sealPage(): string | undefined | null {
    if (page.isTooLong()) return null;
    let url: string;
    try {
      url = JSON.parse(`"${page.text()}"`) as string;
    } catch {
      return undefined; // No JSON.
    }
    return Buffer.byteLength(url) > longestPageLink ? null : seal!(url);
  }

  /** Decides a page's link: how many of its raw bytes are to be replaced, and by what. */
  function decidePage(): { raw: number; by: Uint8Array } {
    const sealed = sealPage();
    if (typeof sealed === 'string') {
      return { raw: page.raw().length, by: json.bytesOf(JSON.stringify(sealed).slice(1, -1)) };
    }
    link.reset();
    link.read(page.raw(), 0);
    const raw = decideDecoded();
    if (sealed === null && (raw > 0 || !isAbsolute(link.decoded, 0))) unsealedLinks++;
    return { raw, by: target };
  }

  /** Decides a link as it stands in the chunk; false where an escape or the chunk's end is in the way. */
  function decideSource(chunk: Uint8Array, at: number): boolean {
    if (at + limit >= chunk.length) return false;
    if (interesting[chunk[at]!] === 0) return true;
    const matched = matchSource(bases, chunk, at, kind === keys.MAYBE_BINARY);
    if (matched === UNDECIDED) return false;
    if (matched > 0) {
      edits.push(at, at + matched);
      return true;
    }
    if (hasEscapedScheme(chunk, at)) return false;
    if (kind === keys.FOLLOWED && isAbsolute(chunk, at)) foreignLinks++;
    return true;
  }

  /** Where the key starts (its first quote) whose last quote is at `end`; -1 where it is the end of a longer one. */
  function startOfKey(chunk: Buffer, end: number): number {
    let start = end - 1;
    while (chunk[start] !== json.QUOTE) start--;
    const before = start > 0 ? chunk[start - 1] : tail.charCodeAt(tail.length - 1);
    return before === json.BACKSLASH ? -1 : start;
  }

  /** Edits a link that was found with its key and the longest base, which ends at `end`. */
  function editUsualLink(chunk: Buffer, end: number): void {
    const from = end - bases[0]!.length;
    let endOfKey = from - 2;
    while (chunk[endOfKey] !== json.QUOTE) endOfKey--;
    if (startOfKey(chunk, endOfKey) < 0) return;
    edits.push(from, end);
    soughtFrom = end;
    tail = '';
  }

  /**
   * Finds the next key of ours that lies in the chunk and returns where it ends, else the chunk's length. Links that are
   * written as usual are decided on the way.
   */
  function seek(chunk: Buffer, from: number): number {
    pattern.lastIndex = from;
    while (pattern.test(text)) {
      const end = pattern.lastIndex;
      if (chunk[end - 1] !== json.QUOTE) {
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
      if (kind === keys.PLAIN) continue;
      state = BEFORE_COLON;
      return end;
    }
    return chunk.length;
  }

  /** Finds a key of ours that began in an earlier chunk and returns where it ends in this one, else 0. */
  function seekAcross(): number {
    const reach = tail + text.slice(0, keys.KEY_REACH);
    keys.spelledKey.lastIndex = 0;
    for (let match = keys.spelledKey.exec(reach); match !== null; match = keys.spelledKey.exec(reach)) {
      keys.spelledKey.lastIndex = match.index + 1;
      if (match.index >= tail.length) break;
      const end = match.index + match[0].length - tail.length;
      if (end <= 0 || reach[match.index - 1] === '\\') continue;
      kind = kindHere(keys.kindOfSource(match[0]));
      if (kind !== keys.PLAIN) state = BEFORE_COLON;
      return end;
    }
    return 0;
  }

  /** Starts the value whose first byte is at `at`. */
  function startValue(chunk: Buffer, at: number): number {
    const byte = chunk[at]!;
    const next = at + 1;
    if (kind === keys.RELATION_KEY) stack[depth]! &= ~IS_SELF;
    if (byte === json.QUOTE) {
      afterString = AFTER_VALUE;
      state = IN_STRING;
      if (kind === keys.PLAIN) return next;
      if (kind === keys.PAGE) {
        page.reset();
        state = IN_PAGE;
        return next;
      }
      if (kind === keys.RELATION_KEY) {
        relation.reset();
        state = IN_RELATION;
        return next;
      }
      if (kind !== keys.FOLLOWED && kind !== keys.MAYBE_BINARY) return next;
      // While searching, the rest of the string need not be told from what follows.
      if (decideSource(chunk, next)) return depth > 0 ? next : afterValue(next);
      link.reset();
      state = IN_LINK;
      return next;
    }
    if (byte === json.OPEN_OBJECT || byte === json.OPEN_ARRAY) {
      if (depth === 0 && kind !== keys.LINK_KEY && kind !== keys.RESPONSE_KEY) return afterValue(next);
      open(byte === json.OPEN_OBJECT);
      return next;
    }
    if (byte === json.CLOSE_ARRAY && state === BEFORE_ELEMENT) return close(false, next);
    if (json.STARTS_SCALAR[byte] === 1) return afterValue(next);
    state = BROKEN;
    return next;
  }

  /** Goes on after the comma, or closes, what the value ended in. */
  function endValue(byte: number, next: number): number {
    if (byte === json.CLOSE_OBJECT || byte === json.CLOSE_ARRAY) return close(byte === json.CLOSE_OBJECT, next);
    state = byte !== json.COMMA ? BROKEN : stack[depth]! & OBJECT ? BEFORE_KEY : BEFORE_VALUE;
    return next;
  }

  /** Reads a key, `at` being its first byte. */
  function readKey(chunk: Buffer, at: number): number {
    let end = at;
    let byte = 0;
    while (end < chunk.length && (byte = chunk[end]!) !== json.QUOTE && byte !== json.BACKSLASH) end++;
    if (byte === json.QUOTE) {
      kind = kindHere(keys.kindAt(chunk, at, end - at));
      state = BEFORE_COLON;
      return end + 1;
    }
    key.reset();
    state = IN_KEY;
    return at;
  }

  /** Reads the chunk from `start` on and returns where the bytes that may leave end. */
  function scan(chunk: Buffer, start: number): number {
    const length = chunk.length;
    let i = start;
    while (i < length) {
      switch (state) {
        case SEEKING:
          i = seek(chunk, i);
          break;

        case AFTER_VALUE:
          while (i < length && json.STRUCTURAL[chunk[i]!] === 0) i++;
          if (i < length) i = endValue(chunk[i]!, i + 1);
          break;

        case BEFORE_VALUE:
        case BEFORE_ELEMENT:
          while (i < length && chunk[i]! <= json.SPACE) i++;
          if (i < length) i = startValue(chunk, i);
          break;

        case BEFORE_KEY:
        case BEFORE_FIRST_KEY:
          while (i < length && chunk[i]! <= json.SPACE) i++;
          if (i === length) break;
          if (chunk[i] === json.QUOTE) i = readKey(chunk, i + 1);
          else if (chunk[i] === json.CLOSE_OBJECT && state === BEFORE_FIRST_KEY) i = close(true, i + 1);
          else state = BROKEN;
          break;

        case BEFORE_COLON:
          while (i < length && chunk[i]! <= json.SPACE) i++;
          if (i === length) break;
          if (chunk[i] === json.COLON) {
            state = BEFORE_VALUE;
            i++;
          } else if (depth === 0) {
            i = afterValue(i); // It was a value that reads like a key.
          } else {
            state = BROKEN;
          }
          break;

        case IN_STRING: {
          if (escaped) i++;
          const from = i;
          i = json.endOfString(chunk, from);
          escaped = i === length && json.endsInEscape(chunk, from);
          if (i === length) break;
          i++;
          if (afterString === AFTER_VALUE) afterValue(i);
          else state = afterString;
          break;
        }

        case IN_KEY:
          i = key.read(chunk, i);
          if (i === length && !key.isFull()) break;
          kind = kindHere(keys.kindAt(key.decoded, 0, key.length()));
          afterString = BEFORE_COLON;
          state = IN_STRING;
          break;

        case IN_LINK: {
          const began = i;
          i = link.read(chunk, began);
          if (i === length && !link.isFull()) return began;
          const raw = decideDecoded();
          if (raw > 0) edits.push(began, began + raw);
          state = IN_STRING;
          break;
        }

        case IN_PAGE: {
          const began = i;
          i = page.read(chunk, began);
          if (i === length && !page.isTooLong()) return began;
          const { raw, by } = decidePage();
          if (raw > 0) replace(began, began + raw, by);
          state = IN_STRING;
          break;
        }

        case IN_RELATION:
          i = relation.read(chunk, i);
          if (i === length && !relation.isFull()) break;
          if (relation.length() === SELF.length && json.hasAt(relation.decoded, 0, SELF)) stack[depth]! |= IS_SELF;
          state = IN_STRING;
          break;

        case TOO_DEEP: {
          const byte = chunk[i++]!;
          if (byte === json.QUOTE) {
            afterString = TOO_DEEP;
            state = IN_STRING;
          } else if (byte === json.OPEN_OBJECT || byte === json.OPEN_ARRAY) {
            excessDepth++;
          } else if ((byte === json.CLOSE_OBJECT || byte === json.CLOSE_ARRAY) && --excessDepth === 0) {
            afterValue(i);
          }
          break;
        }

        case STARTING:
          while (i < length && json.BEFORE_JSON[chunk[i]!] === 1) i++;
          if (i === length) break;
          if (chunk[i] === json.OPEN_OBJECT || chunk[i] === json.OPEN_ARRAY) i = afterValue(i + 1);
          else state = BROKEN;
          break;

        default: // BROKEN
          return length;
      }
    }
    return length;
  }

  /** Remembers the chunk's last bytes, where a key may have begun. */
  function keepTail(chunk: Buffer): void {
    const from = Math.max(soughtFrom, chunk.length - keys.KEY_REACH);
    const seen = chunk.toString('latin1', from);
    tail = from > 0 ? seen : (tail + seen).slice(-keys.KEY_REACH);
  }

  /** Joins `before` and the chunk's first `end` bytes from `start` on, with every edit made. */
  function edited(before: Uint8Array, chunk: Buffer, start: number, end: number): Uint8Array {
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
  }

  /** Goes on with a link that an earlier chunk began; undefined while it is undecided, and its bytes are held. */
  function finishLink(chunk: Buffer): { before: Uint8Array; start: number } | undefined {
    const start = link.read(chunk, 0);
    if (start === chunk.length && !link.isFull()) return undefined;
    const raw = decideDecoded();
    state = IN_STRING;
    return { before: raw > 0 ? Buffer.concat([target, link.rawFrom(raw)]) : link.rawFrom(0), start };
  }

  /** The same for a page's link. */
  function finishPage(chunk: Buffer): { before: Uint8Array; start: number } | undefined {
    const start = page.read(chunk, 0);
    if (start === chunk.length && !page.isTooLong()) return undefined;
    const { raw, by } = decidePage();
    state = IN_STRING;
    const rest = page.raw().subarray(raw);
    return { before: raw > 0 ? Buffer.concat([by, rest]) : Buffer.from(rest), start };
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      if (state === BROKEN) return [chunk];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const held =
        state === IN_LINK ? finishLink(bytes) : state === IN_PAGE ? finishPage(bytes) : { before: NOTHING, start: 0 };
      if (held === undefined) return [];
      edits = [];
      sealedLinks = undefined;
      soughtFrom = 0;
      text = bytes.toString('latin1');
      pattern = keys.hasEscapedLetter(text) ? keys.spelledKey : usualKey;
      const end = scan(bytes, state === SEEKING ? seekAcross() : held.start);
      if (state === SEEKING) keepTail(bytes);
      text = '';
      if (edits.length === 0 && held.before.length + held.start === 0 && end === bytes.length) return [chunk];
      return [edited(held.before, bytes, held.start, end)];
    },
    end() {
      const held = state === IN_LINK ? link.rawFrom(0) : state === IN_PAGE ? Buffer.from(page.raw()) : NOTHING;
      state = BROKEN;
      return held.length === 0 ? [] : [held];
    },
    get foreignLinks() {
      return foreignLinks;
    },
    get unsealedLinks() {
      return unsealedLinks;
    },
  };
}
