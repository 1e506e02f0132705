/** Random bytes, passed in. */
export type RandomBytes = (size: number) => Uint8Array;

/** A client secret: 256 random bits in hex, which needs no escaping anywhere and is selected with a double click. */
export const newSecret = (randomBytes: RandomBytes): string => Buffer.from(randomBytes(32)).toString('hex');
