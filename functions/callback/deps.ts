import type { Deps } from '../shared/deps.ts';
import type { PayerClientDeps } from '../shared/payer/client.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What the callback function is given. */
export interface CallbackDeps extends Deps, PayerClientDeps {
  readonly loginAttempts: Table;
  readonly grants: Table;
}
