import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { StageConfig } from '../../config/stage.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import type { Output } from '../shared/output.ts';
import type { Wait } from '../shared/patience.ts';
import type { Terminal } from '../shared/progress.ts';

/** What the tool needs that tests replace. */
export interface RestoreDeps {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Pick<Output, 'out' | 'note'>;
  /** Asks the person at the terminal; undefined without one. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Where progress is drawn; undefined without a terminal. */
  readonly terminal: Terminal | undefined;
  readonly wait: Wait;
}

/** A stage whose data is put back, by whom. */
export interface Stage {
  readonly config: StageConfig;
  readonly dynamo: DynamoDBClient;
  /** Finds the audit bucket. @throws Refusal */
  readonly openAudit: () => Promise<AuditBucket>;
  /** The caller's ARN. */
  readonly operator: string;
}
