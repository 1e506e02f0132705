/** What was looked at. */
export type Check =
  'client id' | 'name' | 'connection' | 'authorize' | 'token' | 'revoke' | 'FHIR' | 'discovery' | 'secret';

/** One line of the doctor's: all is well, or what is wrong and what to do about it. Neither ever holds a secret. */
export interface Finding {
  readonly check: Check;
  readonly text: string;
  /** What to do; absent where all is well. */
  readonly todo?: string;
}

export const well = (check: Check, text: string): Finding => ({ check, text });

export const wrong = (check: Check, text: string, todo: string): Finding => ({ check, text, todo });
