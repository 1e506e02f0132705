import { visibleLine } from '../../config/checks/visible.ts';

/** What was checked. */
export type Check =
  | 'registry'
  | 'client id'
  | 'name'
  | 'connection'
  | 'authorize'
  | 'token'
  | 'revoke'
  | 'userinfo'
  | 'keys'
  | 'FHIR'
  | 'discovery'
  | 'exchange'
  | 'secret';

/** One line of the report: a pass, or what is wrong and what to do about it. It never contains a secret. */
export interface Finding {
  readonly check: Check;
  readonly text: string;
  /** What to do; absent in a pass. */
  readonly todo?: string;
}

export const pass = (check: Check, text: string): Finding => ({ check, text: visibleLine(text) });

export const fault = (check: Check, text: string, todo: string): Finding => ({
  check,
  text: visibleLine(text),
  todo: visibleLine(todo),
});
