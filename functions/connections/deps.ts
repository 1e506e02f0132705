import type { Deps } from '../shared/deps.ts';
import type { PageDeps } from '../shared/pages/settings.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What the function of `/connections/{payer}` depends on. */
export interface ConnectionsDeps extends Deps, PageDeps {
  readonly loginAttempts: Table;
  readonly grants: Table;
  readonly exports: Table;
  /** Waits, in milliseconds. */
  readonly sleep: (ms: number) => Promise<unknown>;
}
