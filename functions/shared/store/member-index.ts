/*
 * Members' requests ("who read my record", "end everything") must find all grants of one member. Grants are stored by
 * their own id, so each carries an index of its member: an HMAC under a key that never leaves KMS. It finds grants, and
 * authorizes nothing. Of the functions only `/connections/{payer}` searches by it, for a member who has signed in.
 */

/** Whose record a grant opens. */
export interface Member {
  readonly payer: string;
  /** The patient's id at the payer. */
  readonly patient: string;
}

/**
 * The index of Grants by member. An item is in it if it has the index's key. Operators query it, and one function.
 */
export const memberIndex = { index: 'Member', key: 'memberIndex' } as const;

/**
 * What the HMAC is made over. In JSON no character of one id can pass for the border between the two. The label keeps it
 * apart from any other use of the key.
 */
export const memberMessage = ({ payer, patient }: Member): Uint8Array =>
  Buffer.from(JSON.stringify(['p2p member', payer, patient]));
