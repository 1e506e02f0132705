import type { Deps } from '../shared/deps.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What the authorize function is given. */
export interface AuthorizeDeps extends Deps {
  readonly loginAttempts: Table;
}
