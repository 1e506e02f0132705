import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Deps } from '../shared/deps.ts';
import type { Table } from '../shared/store/dynamo.ts';

/** What follow-up depends on. */
export interface FollowUpDeps extends Pick<Deps, 'registry' | 'writeLog'> {
  readonly clock: Pick<Deps['clock'], 'now'>;
  readonly stage: string;
  readonly lambda: LambdaClient;
  /** The table Exports. */
  readonly exports: Table;
  /** Qualified ARNs of the durable functions that it starts. */
  readonly functions: Readonly<Record<'exportJob' | 'sweep' | 'deliver', string>>;
}
