/**
 * Rewrites the links of a FHIR JSON answer while its bytes stream through: URLs that a client would follow and that
 * start with the payer's FHIR base get the gateway's base instead. Nothing is parsed and printed, so decimals such as
 * `1.00`, key order, white space and escapes reach the partner as the payer wrote them.
 *
 * A link is the string value of
 * - `fullUrl` and `reference`, anywhere;
 * - `url` in the object (or in an object of the array) that a `link` key holds;
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
 * character of the longest base and of `/Binary/`). What is nested deeper passes unchanged; so does everything where
 * the first byte is not that of a JSON object or array, or after the first structural error that is noticed.
 */
export type LinkRewriter = {
  /** Takes the payer's next bytes and returns what may leave now. An unchanged chunk is returned itself, not copied. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Returns what was still held back, unless the answer was complete. */
  end(): Uint8Array[];
  /** How many absolute http(s) links to elsewhere passed unchanged so far. */
  readonly foreignLinks: number;
};

export type LinkRewriterOptions = {
  /** The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest that fits wins. */
  readonly from: readonly string[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
};

const MAX_DEPTH = 128;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const LETTER_U = 0x75;
const SPACE = 0x20; // and below: what is below and not white space is not JSON, and harmless to skip

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

// What a key says about its value.
const PLAIN = 0;
const FOLLOWED = 1;
const MAYBE_BINARY = 2;
const LINK_KEY = 3;
const RESPONSE_KEY = 4;
const URL_KEY = 5;
const LOCATION_KEY = 6;

// A level of the stack.
const OBJECT = 1;
const UNDER_LINK = 2;
const UNDER_RESPONSE = 4;

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'utf8'));

const KEY_KINDS: Readonly<Record<string, number>> = {
  url: URL_KEY,
  link: LINK_KEY,
  fullUrl: FOLLOWED,
  location: LOCATION_KEY,
  response: RESPONSE_KEY,
  reference: FOLLOWED,
};
const KEYS = Object.entries(KEY_KINDS).map(([name, kind]) => [bytesOf(name), kind] as const);
const LONGEST_KEY = 9;
const BINARY = bytesOf('/Binary');
const NOTHING = new Uint8Array(0);

/** Which keys have this length: most keys of a document are told apart by it alone. */
const KEYS_BY_LENGTH = Array.from({ length: LONGEST_KEY + 1 }, (_, length) =>
  KEYS.filter(([name]) => name.length === length),
);

/** Bytes that a number or a literal may have, and white space: what is skipped between structural bytes. */
const SKIPPED = new Uint8Array(256).fill(1);
for (const byte of [QUOTE, COMMA, COLON, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY]) SKIPPED[byte] = 0;

/** First bytes of numbers and literals. */
const STARTS_SCALAR = new Uint8Array(256);
for (const byte of bytesOf('-0123456789tfn')) STARTS_SCALAR[byte] = 1;

/** White space, and the three bytes of a byte order mark. */
const BEFORE_JSON = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]) BEFORE_JSON[byte] = 1;

const hexOf = (letter: string) =>
  letter
    .charCodeAt(0)
    .toString(16)
    .replace(/[a-f]/, (digit) => `[${digit}${digit.toUpperCase()}]`);
const spelled = (name: string) => name.replace(/./g, (letter) => `(?:${letter}|\\\\u00${hexOf(letter)})`);

/** The keys as they are written, and as anyone may write them: with letters as `\u0066`. */
const PLAIN_KEY = `"(?:${Object.keys(KEY_KINDS).join('|')})"`;
const SPELLED_KEY = `"(?:${Object.keys(KEY_KINDS).map(spelled).join('|')})"`;
const ESCAPED_LETTER = /\\u00(?:55|6[1-9a-fA-F]|7[0-5])/;
/** Longest spelling of a key with its quotes, and the byte before. */
const KEY_REACH = LONGEST_KEY * 6 + 3;

/** What `\b`, `\n`, … stand for; 255, which is in no URL, for escapes that JSON does not have. */
const UNESCAPED = new Uint8Array(256).fill(255);
for (const [letter, code] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  UNESCAPED[letter.charCodeAt(0)] = code;
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

function keyKind(bytes: Uint8Array, at: number, length: number): number {
  if (length > LONGEST_KEY) return PLAIN;
  for (const [name, kind] of KEYS_BY_LENGTH[length]!) if (startsWith(bytes, at, name)) return kind;
  return PLAIN;
}

/** Whether `http://` or `https://`, in either case, stands at `at`. */
function isAbsolute(bytes: Uint8Array, at: number): boolean {
  if (
    (bytes[at]! | 32) !== 0x68 ||
    (bytes[at + 1]! | 32) !== 0x74 ||
    (bytes[at + 2]! | 32) !== 0x74 ||
    (bytes[at + 3]! | 32) !== 0x70
  )
    return false;
  const colon = (bytes[at + 4]! | 32) === 0x73 ? at + 5 : at + 4;
  return bytes[colon] === COLON && bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH;
}

/**
 * Decodes the first `limit` characters of a JSON string byte by byte, across chunks, and remembers the raw bytes and
 * where in them each character ended. Characters beyond ASCII count as 255: they match nothing that is looked for.
 */
function createPrefixReader(limit: number) {
  const raw = new Uint8Array(limit * 6 + 1);
  // The zeros behind the last character let comparisons read on without a bound.
  const decoded = new Uint8Array(limit + 16);
  const rawEnds = new Uint16Array(limit + 1);
  let rawLength = 0;
  let length = 0;
  let escape = 0; // 1 after a backslash, 2 to 5 in the four digits of \u
  let code = 0;

  return {
    raw,
    decoded,
    rawEnds,
    get rawLength() {
      return rawLength;
    },
    get length() {
      return length;
    },
    reset() {
      rawLength = length = escape = 0;
    },
    /** Reads from `at` and returns where it stopped: at the closing quote, with `limit` characters, or at the end. */
    read(bytes: Uint8Array, at: number): number {
      let i = at;
      while (i < bytes.length && length < limit) {
        const byte = bytes[i]!;
        if (escape === 0 && byte === QUOTE) break;
        raw[rawLength++] = byte;
        i++;
        let character = byte;
        if (escape === 0) {
          if (byte === BACKSLASH) {
            escape = 1;
            continue;
          }
        } else if (escape === 1) {
          if (byte === LETTER_U) {
            escape = 2;
            code = 0;
            continue;
          }
          character = UNESCAPED[byte]!;
        } else {
          const digit = Number.parseInt(String.fromCharCode(byte), 16);
          code = code * 16 + (Number.isNaN(digit) ? 0x10000 : digit);
          if (++escape < 6) continue;
          character = code;
        }
        escape = 0;
        decoded[length++] = character > 127 ? 255 : character;
        rawEnds[length] = rawLength;
      }
      return i;
    },
  };
}

/** Length of the base that the decoded link starts with, 0 where it is none of ours. */
function matchedBase(
  bases: readonly Uint8Array[],
  link: Uint8Array,
  length: number,
  ended: boolean,
  onlyBinary: boolean,
): number {
  for (const base of bases) {
    if (length < base.length || !startsWith(link, 0, base)) continue;
    let end = base.length;
    if (onlyBinary) {
      if (length < end + BINARY.length || !startsWith(link, end, BINARY)) continue;
      end += BINARY.length;
    }
    if (end === length ? ended : link[end] === SLASH || link[end] === QUESTION_MARK) return base.length;
  }
  return 0;
}

/** Verdict of the fast look at a link: it has an escape early on and has to be decoded. */
const UNDECIDED = -1;

/**
 * The same for a link whose first bytes all lie in the chunk, by comparing raw bytes: `UNDECIDED` where an escape
 * stands in the way.
 */
function matchedBaseRaw(bases: readonly Uint8Array[], chunk: Uint8Array, at: number, onlyBinary: boolean): number {
  for (const base of bases) {
    let i = 0;
    while (i < base.length && chunk[at + i] === base[i]) i++;
    let next = chunk[at + i]!;
    if (i === base.length && onlyBinary) {
      let k = 0;
      while (k < BINARY.length && chunk[at + i + k] === BINARY[k]) k++;
      next = chunk[at + i + k]!;
      if (k < BINARY.length && next !== BACKSLASH) continue;
    }
    if (next === BACKSLASH) return UNDECIDED;
    if (i === base.length && (next === SLASH || next === QUESTION_MARK || next === QUOTE)) return i;
  }
  return 0;
}

/** Where the string that `at` is in ends (its quote), or the chunk's length. `at` is not right after a backslash. */
function endOfString(chunk: Buffer, at: number): number {
  const length = chunk.length;
  let i = at;
  for (;;) {
    // Short strings: a loop is cheaper than a call. It also keeps a string full of \" linear.
    const stop = i + 48 < length ? i + 48 : length;
    while (i < stop) {
      const byte = chunk[i]!;
      if (byte === QUOTE) return i;
      i += byte === BACKSLASH ? 2 : 1;
    }
    if (i >= length) return length;
    const quote = chunk.indexOf(QUOTE, i);
    const end = quote < 0 ? length : quote;
    let backslash = end;
    while (backslash > i && chunk[backslash - 1] === BACKSLASH) backslash--;
    if (quote < 0 || (end - backslash) % 2 === 0) return end;
    i = end + 1;
  }
}

/** Whether the chunk's last byte is a backslash that escapes what the next chunk starts with. */
function endsInEscape(chunk: Uint8Array, from: number): boolean {
  let i = chunk.length;
  while (i > from && chunk[i - 1] === BACKSLASH) i--;
  return (chunk.length - i) % 2 === 1;
}

/** Makes the rewriter of one answer. See {@link LinkRewriter}. */
export function createLinkRewriter({ from, to }: LinkRewriterOptions): LinkRewriter {
  const withoutSlash = (base: string) => base.replace(/\/+$/, '');
  const bases = [...new Set(from.map(withoutSlash))]
    .filter((base) => base !== '')
    .sort((a, b) => b.length - a.length)
    .map(bytesOf);
  const target = bytesOf(JSON.stringify(withoutSlash(to)).slice(1, -1));
  const longest = bases[0]?.length ?? 0;
  const key = createPrefixReader(LONGEST_KEY + 1);
  /** Characters of a link that decide about it: the longest base, `/Binary`, and what follows. */
  const limit = longest + BINARY.length + 1;
  const link = createPrefixReader(limit);
  /** First bytes that are worth a look: those of the bases, of http(s), of an escape. */
  const interesting = new Uint8Array(256);
  for (const byte of [BACKSLASH, 0x68, 0x48, ...bases.map((base) => base[0]!)]) interesting[byte] = 1;

  const plainKey = new RegExp(PLAIN_KEY, 'g');
  const spelledKey = new RegExp(SPELLED_KEY, 'g');

  /** The chunk's bytes as characters, for the search. */
  let text = '';
  let keyPattern = plainKey;
  /** What was seen last while SEEKING, up to the chunk's start or end: a key may begin in it. */
  let tail = '';
  /** Where in the chunk SEEKING began; what stands before cannot be part of a key. */
  let soughtFrom = 0;

  const stack = new Uint8Array(MAX_DEPTH + 1);
  let depth = 0;
  let excessDepth = 0;
  let state = STARTING;
  /** What the current value's key said; PLAIN in arrays. */
  let kind = PLAIN;
  let afterString = AFTER_VALUE;
  let escaped = false;
  let foreignLinks = 0;
  /** Start and end in the chunk of every base to be replaced. */
  let edits: number[] = [];

  function kindOfKey(raw: number): number {
    if (raw === URL_KEY) return stack[depth]! & UNDER_LINK ? FOLLOWED : MAYBE_BINARY;
    if (raw === LOCATION_KEY) return stack[depth]! & UNDER_RESPONSE ? FOLLOWED : PLAIN;
    return raw;
  }

  function levelOf(isObject: boolean): number {
    const inherited = stack[depth]! & OBJECT ? 0 : stack[depth]! & UNDER_LINK;
    if (kind === LINK_KEY) return (isObject ? OBJECT : 0) | UNDER_LINK;
    if (kind === RESPONSE_KEY) return isObject ? OBJECT | UNDER_RESPONSE : 0;
    return (isObject ? OBJECT : 0) | inherited;
  }

  /** Length of the raw base to be replaced in the link that `link` has read so far, 0 for none; counts foreign ones. */
  function decide(ended: boolean): number {
    const matched = matchedBase(bases, link.decoded, link.length, ended, kind === MAYBE_BINARY);
    if (matched > 0) return link.rawEnds[matched]!;
    link.decoded.fill(0, link.length);
    if (kind === FOLLOWED && isAbsolute(link.decoded, 0)) foreignLinks++;
    return 0;
  }

  /** Decides a link that lies in the chunk and has no escape where it matters; false where it has to be decoded. */
  function decideRaw(chunk: Uint8Array, at: number): boolean {
    if (interesting[chunk[at]!] === 0) return true;
    const matched = matchedBaseRaw(bases, chunk, at, kind === MAYBE_BINARY);
    if (matched === UNDECIDED) return false;
    if (matched > 0) edits.push(at, at + matched);
    else if (kind === FOLLOWED) {
      for (let i = at; i < at + 8 && chunk[i] !== QUOTE; i++) if (chunk[i] === BACKSLASH) return false;
      if (isAbsolute(chunk, at)) foreignLinks++;
    }
    return true;
  }

  function open(isObject: boolean): void {
    if (depth === MAX_DEPTH) {
      excessDepth = 1;
      state = TOO_DEEP;
      return;
    }
    const level = levelOf(isObject);
    stack[++depth] = level;
    kind = PLAIN;
    state = isObject ? BEFORE_FIRST_KEY : BEFORE_ELEMENT;
  }

  function close(isObject: boolean): void {
    if (depth === 0 || ((stack[depth]! & OBJECT) === OBJECT) !== isObject) {
      state = BROKEN;
      return;
    }
    depth--;
    kind = PLAIN;
    state = AFTER_VALUE;
  }

  function seekFrom(at: number): number {
    state = SEEKING;
    kind = PLAIN;
    soughtFrom = at;
    tail = '';
    return at;
  }

  /** Finds the next key of ours that lies in the chunk and returns where it ends, else the chunk's length. */
  function seek(chunk: Buffer, at: number): number {
    keyPattern.lastIndex = at;
    while (keyPattern.test(text)) {
      const end = keyPattern.lastIndex;
      let start = end - 2;
      while (chunk[start] !== QUOTE) start--;
      const before = start > 0 ? chunk[start - 1] : tail.charCodeAt(tail.length - 1);
      if (before === BACKSLASH) {
        // The end of a longer key or value.
        keyPattern.lastIndex = start + 1;
        continue;
      }
      kind = kindOfKey(
        keyPattern === plainKey ? keyKind(chunk, start + 1, end - start - 2) : spelledKind(text.slice(start, end)),
      );
      if (kind === PLAIN) continue;
      state = BEFORE_COLON;
      return end;
    }
    return chunk.length;
  }

  /** Finds a key of ours that began in an earlier chunk, and returns where it ends in this one, else 0. */
  function seekAcross(): number {
    const reach = tail + text.slice(0, KEY_REACH);
    spelledKey.lastIndex = 0;
    for (let match = spelledKey.exec(reach); match !== null; match = spelledKey.exec(reach)) {
      spelledKey.lastIndex = match.index + 1;
      const end = match.index + match[0].length - tail.length;
      if (match.index >= tail.length) break;
      if (end <= 0 || reach[match.index - 1] === '\\') continue;
      kind = kindOfKey(spelledKind(match[0]));
      if (kind !== PLAIN) state = BEFORE_COLON;
      return end;
    }
    return 0;
  }

  /** Reads the chunk from `start` on and returns where the bytes that may leave end. */
  function scan(chunk: Buffer, start: number): number {
    const length = chunk.length;
    let i = start;
    let byte = 0;
    while (i < length) {
      switch (state) {
        case SEEKING:
          i = seek(chunk, i);
          break;

        case AFTER_VALUE:
          if (depth === 0) {
            i = seekFrom(i);
            break;
          }
          while (i < length && SKIPPED[(byte = chunk[i]!)] === 1) i++;
          if (i === length) return length;
          if (byte === COMMA) {
            state = stack[depth]! & OBJECT ? BEFORE_KEY : BEFORE_VALUE;
          } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
            close(byte === CLOSE_OBJECT);
          } else {
            state = BROKEN;
          }
          i++;
          break;

        case BEFORE_KEY:
        case BEFORE_FIRST_KEY: {
          while (i < length && (byte = chunk[i]!) <= SPACE) i++;
          if (i === length) return length;
          i++;
          if (byte !== QUOTE) {
            if (byte === CLOSE_OBJECT && state === BEFORE_FIRST_KEY) close(true);
            else state = BROKEN;
            break;
          }
          let end = i;
          while (end < length && (byte = chunk[end]!) !== QUOTE && byte !== BACKSLASH) end++;
          if (end === length || byte === BACKSLASH) {
            key.reset();
            state = IN_KEY;
            break;
          }
          kind = kindOfKey(keyKind(chunk, i, end - i));
          i = end + 1;
          state = BEFORE_COLON;
          break;
        }

        case BEFORE_COLON:
          while (i < length && (byte = chunk[i]!) <= SPACE) i++;
          if (i === length) return length;
          if (byte === COLON) {
            state = BEFORE_VALUE;
            i++;
          } else if (depth === 0) {
            i = seekFrom(i); // It was a value that reads like a key.
          } else {
            state = BROKEN;
          }
          break;

        case BEFORE_VALUE:
        case BEFORE_ELEMENT:
          while (i < length && (byte = chunk[i]!) <= SPACE) i++;
          if (i === length) return length;
          i++;
          if (byte === QUOTE) {
            afterString = AFTER_VALUE;
            state = IN_STRING;
            if (kind !== FOLLOWED && kind !== MAYBE_BINARY) break;
            if (i + limit < length && decideRaw(chunk, i)) break;
            link.reset();
            state = IN_LINK;
          } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) open(byte === OPEN_OBJECT);
          else if (byte === CLOSE_ARRAY && state === BEFORE_ELEMENT) close(false);
          else state = STARTS_SCALAR[byte] === 1 ? AFTER_VALUE : BROKEN;
          break;

        case IN_STRING: {
          if (escaped) i++;
          const from = i;
          i = endOfString(chunk, from);
          escaped = i >= length && endsInEscape(chunk, from);
          if (i >= length) return length;
          i++;
          state = afterString;
          break;
        }

        case IN_KEY:
          i = key.read(chunk, i);
          if (i === length && key.length <= LONGEST_KEY) return length;
          kind = kindOfKey(keyKind(key.decoded, 0, key.length));
          afterString = BEFORE_COLON;
          state = IN_STRING;
          break;

        case IN_LINK: {
          const began = i;
          i = link.read(chunk, began);
          if (i === length && link.length < limit) return began;
          const raw = decide(chunk[i] === QUOTE);
          if (raw > 0) edits.push(began, began + raw);
          state = IN_STRING;
          break;
        }

        case TOO_DEEP:
          byte = chunk[i++]!;
          if (byte === QUOTE) {
            afterString = TOO_DEEP;
            state = IN_STRING;
          } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) excessDepth++;
          else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --excessDepth === 0) state = AFTER_VALUE;
          break;

        case STARTING:
          while (i < length && BEFORE_JSON[(byte = chunk[i]!)] === 1) i++;
          if (i === length) return length;
          state = byte === OPEN_OBJECT || byte === OPEN_ARRAY ? AFTER_VALUE : BROKEN;
          break;

        default: // BROKEN
          return length;
      }
    }
    return length;
  }

  /** Joins `before` and the chunk's bytes from `start` to `end` with every edit made. */
  function edited(before: Uint8Array, chunk: Buffer, start: number, end: number): Uint8Array {
    let size = before.length + end - start;
    for (let e = 0; e < edits.length; e += 2) size += target.length - (edits[e + 1]! - edits[e]!);
    const result = Buffer.allocUnsafe(size);
    result.set(before);
    let to = before.length;
    let at = start;
    for (let e = 0; e < edits.length; e += 2) {
      to += chunk.copy(result, to, at, edits[e]);
      result.set(target, to);
      to += target.length;
      at = edits[e + 1]!;
    }
    chunk.copy(result, to, at, end);
    return result;
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      if (state === BROKEN) return [chunk];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let before = NOTHING;
      let start = 0;
      if (state === IN_LINK) {
        start = link.read(bytes, 0);
        if (start === bytes.length && link.length < limit) return [];
        const raw = decide(bytes[start] === QUOTE);
        const held = link.raw.subarray(raw, link.rawLength);
        before = raw > 0 ? Buffer.concat([target, held]) : Buffer.from(held);
        state = IN_STRING;
      }
      edits = [];
      soughtFrom = 0;
      text = bytes.latin1Slice(0, bytes.length);
      keyPattern = text.includes('\\u00') && ESCAPED_LETTER.test(text) ? spelledKey : plainKey;
      if (state === SEEKING) start = seekAcross();
      const end = scan(bytes, start);
      if (start === 0 && end === bytes.length && edits.length === 0 && before.length === 0) return [chunk];
      const result = edited(before, bytes, start, end);
      return result.length === 0 ? [] : [result];
    },
    end() {
      const held = state === IN_LINK ? [Uint8Array.from(link.raw.subarray(0, link.rawLength))] : [];
      state = BROKEN;
      return held.filter((bytes) => bytes.length > 0);
    },
    get foreignLinks() {
      return foreignLinks;
    },
  };
}
