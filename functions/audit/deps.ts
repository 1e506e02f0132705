import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Deps } from '../shared/deps.ts';

/** What the audit function depends on. */
export interface AuditDeps extends Pick<Deps, 'writeLog'> {
  readonly clock: Pick<Deps['clock'], 'now'>;
  readonly stage: string;
  /** AuditEvents. */
  readonly table: { readonly client: DynamoDBClient; readonly name: string };
  readonly bucket: { readonly client: S3Client; readonly name: string };
}
