/** Random bytes, passed in. */
export type RandomBytes = (size: number) => Uint8Array;

/** A client secret: 256 random bits in hex, which no form, header or shell changes, and a double click selects. */
export const newSecret = (randomBytes: RandomBytes): string => Buffer.from(randomBytes(32)).toString('hex');
