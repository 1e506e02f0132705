/** What the link rewriter knows about JSON as bytes. */

export const quoteByte = 0x22;
export const backslashByte = 0x5c;
export const comma = 0x2c;
export const colonByte = 0x3a;
export const openObject = 0x7b;
export const closeObject = 0x7d;
export const openArray = 0x5b;
export const closeArray = 0x5d;
export const slash = 0x2f;
export const questionMark = 0x3f;
/** White space is at or below this. Other bytes below it are not JSON, and skipping them is harmless. */
export const space = 0x20;
export const letterU = 0x75;

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** 1 for these bytes. */
export const tableOf = (bytes: Iterable<number>): Uint8Array => {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
};

/** 1 for structural bytes and quotes, which end a number, a literal or white space. */
export const structural = tableOf(bytesOf('",:{}[]'));

/** 1 for the first bytes of numbers and literals. */
export const startsScalar = tableOf(bytesOf('-0123456789tfn'));

/** 1 for white space and the three bytes of a byte order mark. */
export const beforeJson = tableOf([...bytesOf(' \t\r\n'), 0xef, 0xbb, 0xbf]);

/** What `\b`, `\n`, … decode to. 255, which no URL contains, for escapes that JSON does not have. */
const unescaped = new Uint8Array(256).fill(255);
for (const [letter, code] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  unescaped[letter.charCodeAt(0)] = code;
}

/** How many of the expected bytes match at `at`, counted from the first. */
export const matchingAt = (bytes: Uint8Array, at: number, expected: Uint8Array): number => {
  let i = 0;
  while (i < expected.length && bytes[at + i] === expected[i]) i++;
  return i;
};

export const hasAt = (bytes: Uint8Array, at: number, expected: Uint8Array): boolean =>
  matchingAt(bytes, at, expected) === expected.length;

/** The closing quote of the string that contains `at`, or the chunk's length. `at` never follows a backslash. */
export const endOfString = (chunk: Buffer, at: number): number => {
  const length = chunk.length;
  let i = at;
  for (;;) {
    // For short strings a loop is cheaper than a call. It also keeps a string full of \" linear.
    const stop = Math.min(i + 48, length);
    while (i < stop) {
      const byte = chunk[i]!;
      if (byte === quoteByte) return i;
      i += byte === backslashByte ? 2 : 1;
    }
    if (i >= length) return length;
    const quote = chunk.indexOf(quoteByte, i);
    if (quote < 0) return length;
    let backslash = quote;
    while (backslash > i && chunk[backslash - 1] === backslashByte) backslash--;
    if ((quote - backslash) % 2 === 0) return quote;
    i = quote + 1;
  }
};

/** Whether the chunk ends in a backslash that escapes the next chunk's first byte. */
export const endsInEscape = (chunk: Uint8Array, from: number): boolean => {
  let i = chunk.length;
  while (i > from && chunk[i - 1] === backslashByte) i--;
  return (chunk.length - i) % 2 === 1;
};

/**
 * Decodes the first `limit` characters of a JSON string, across chunks. It keeps the raw bytes, and where in them each
 * character ended. Characters beyond ASCII count as 255, which matches nothing.
 */
export const createPrefixReader = (limit: number) => {
  const raw = new Uint8Array(limit * 6 + 6);
  // The bytes after the last character let comparisons read on without a bounds check.
  const decoded = new Uint8Array(limit + 16);
  const rawEnds = new Uint32Array(limit + 1);
  let rawLength = 0;
  let length = 0;
  let escape = 0; // 1 after a backslash, 2 to 5 in the four digits of \u
  let code = 0;

  const accept = (character: number): void => {
    decoded[length++] = character > 127 ? 255 : character;
    rawEnds[length] = rawLength;
    escape = 0;
  };

  return {
    decoded,
    /** How many raw bytes the first `characters` characters take. */
    rawEnd: (characters: number) => rawEnds[characters]!,
    /** A copy of the raw bytes from `start` on. */
    rawFrom: (start: number) => raw.slice(start, rawLength),
    length: () => length,
    isFull: () => length === limit,
    reset() {
      rawLength = length = escape = 0;
      decoded.fill(0);
    },
    /**
     * Reads from `at` and returns where it stopped: at the closing quote, after `limit` characters, or at the chunk's
     * end.
     */
    read(bytes: Uint8Array, at: number): number {
      let i = at;
      for (; i < bytes.length; i++) {
        if (length === limit) break;
        const byte = bytes[i]!;
        if (escape === 0 && byte === quoteByte) break;
        raw[rawLength++] = byte;
        if (escape === 0) {
          if (byte === backslashByte) escape = 1;
          else accept(byte);
        } else if (escape === 1) {
          if (byte === letterU) {
            escape = 2;
            code = 0;
          } else accept(unescaped[byte]!);
        } else {
          const digit = Number.parseInt(String.fromCharCode(byte), 16);
          code = code * 16 + (Number.isNaN(digit) ? 0x10000 : digit);
          escape++;
          if (escape === 6) accept(code);
        }
      }
      return i;
    },
  };
};

/**
 * Holds the source of one JSON string of at most `limit` characters, across chunks. It gives up on a longer one. Bytes
 * count as characters, so `raw` never holds more than six per character.
 */
export const createStringReader = (limit: number) => {
  let raw = Buffer.allocUnsafe(0);
  let rawLength = 0;
  let length = 0;
  let escape = 0; // 1 after a backslash, 2 to 5 in the four digits of \u
  let hasEscapes = false;

  const keep = (bytes: Uint8Array, from: number, to: number): void => {
    const needed = rawLength + to - from;
    if (needed > raw.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, raw.length * 2, 256));
      grown.set(raw.subarray(0, rawLength));
      raw = grown;
    }
    raw.set(bytes.subarray(from, to), rawLength);
    rawLength = needed;
  };

  return {
    isTooLong: () => length > limit,
    /** The raw bytes read so far, as a view that the next string overwrites. */
    raw: (): Uint8Array => raw.subarray(0, rawLength),
    text: (): string => raw.toString('utf8', 0, rawLength),
    reset() {
      rawLength = length = escape = 0;
      hasEscapes = false;
    },
    /**
     * Reads from `at` and returns where it stopped: at the closing quote, one character past the limit, or at the
     * chunk's end.
     */
    read(bytes: Uint8Array, at: number): number {
      let i = at;
      if (!hasEscapes) {
        // Before the first backslash, bytes need no individual check.
        const most = bytes.subarray(at, at + limit - length + 1);
        const quote = most.indexOf(quoteByte);
        const inside = quote < 0 ? most : most.subarray(0, quote);
        const backslash = inside.indexOf(backslashByte);
        hasEscapes = backslash >= 0;
        const plain = hasEscapes ? backslash : inside.length;
        length += plain;
        i += plain;
      }
      for (; i < bytes.length && length <= limit; i++) {
        const byte = bytes[i]!;
        if (escape === 0) {
          if (byte === quoteByte) break;
          if (byte === backslashByte) escape = 1;
          else length++;
        } else if (escape === 5 || (escape === 1 && byte !== letterU)) {
          escape = 0;
          length++;
        } else escape++;
      }
      keep(bytes, at, i);
      return i;
    },
  };
};
