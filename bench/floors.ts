/** The least that any code must do for a request: its calls to AWS and to the payer. */
import type { Counted } from './calls.ts';
import type { RequestName } from './requests.ts';

export interface Floor extends Counted {
  readonly name: string;
  /** What it must do before its calls. @default nothing */
  readonly work?: () => void;
}

const readThenWrite: Floor = { name: 'GetItem, conditional UpdateItem', calls: [['GetItem'], ['UpdateItem']] };

export const floors: Readonly<Record<RequestName, Floor>> = {
  authorize: { name: 'one conditional PutItem', calls: [['PutItem']] },
  callback: { name: 'UpdateItem, token call, PutItem', calls: [['UpdateItem'], ['payer'], ['PutItem']] },
  token: readThenWrite,
  refresh: readThenWrite,
  /** The grant, two audit events, the payer. */
  fetch: {
    name: 'GetItem, PutItem beside a bare fetch, PutItem',
    calls: [['GetItem'], ['PutItem', 'payer'], ['PutItem']],
  },
};
