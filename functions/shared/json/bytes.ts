/** What JSON looks like as bytes. */

export const quoteByte = 0x22;
export const backslashByte = 0x5c;
export const openObject = 0x7b;
export const closeObject = 0x7d;
export const openArray = 0x5b;
export const space = 0x20;
export const letterU = 0x75;

/** 1 for the bytes of a text. */
export const tableOf = (text: string): Uint8Array => {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(text, 'latin1')) table[byte] = 1;
  return table;
};

export const hasAt = (bytes: Uint8Array, at: number, expected: Uint8Array): boolean => {
  const { length } = expected;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
};
