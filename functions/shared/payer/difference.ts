/** How what a payer publishes differs from its profile, and what to do about it. */
export interface Difference {
  /** The field of the profile, such as `quirks.pkce`, or what else the profile relies on. */
  readonly field: string;
  /** What the profile has there. */
  readonly ours: string;
  /** What the payer publishes. */
  readonly theirs: string;
  /** Both, in a sentence. */
  readonly text: string;
  readonly todo: string;
  /** The field's new value, if what is published says it. */
  readonly value?: unknown;
}
