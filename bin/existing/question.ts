/** AWS's answer to a question about something that an account brings. */
export interface Finding {
  /** `unclear`: AWS answered, but only a person can judge it. */
  readonly outcome: 'ok' | 'wrong' | 'unclear';
  /** What was found, and what to do. */
  readonly what: string;
}

/** A question about one brought thing. */
export interface Question {
  /** The field that names the thing. */
  readonly field: string;
  /** What AWS calls it. */
  readonly name: string;
  /** The permissions that asking needs. */
  readonly rights: string;
  /** The service, as people call it. */
  readonly service: string;
  /** @throws what the SDK throws */
  readonly ask: () => Promise<readonly Finding[]>;
}

export const ok = (what: string): Finding => ({ outcome: 'ok', what });
export const wrong = (what: string): Finding => ({ outcome: 'wrong', what });
export const unclear = (what: string): Finding => ({ outcome: 'unclear', what });
