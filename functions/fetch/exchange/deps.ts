import type { OpenInJob } from '../../shared/exports/seal-for-job.ts';
import type { Table } from '../../shared/store/dynamo.ts';

/** What the fetch function depends on in a stage with exchanges. */
export interface ExchangeDeps {
  readonly exchanges: Table;
  /** AuditEvents. */
  readonly audit: Table;
  /** Opens the key of a Group. @throws GatewayError `temporarily_unavailable` */
  readonly openInJob: OpenInJob;
  /** For how many days after its match a Group of members stays known. */
  readonly groupDays: number;
  /** How many exchanges of one partner may run at one payer. */
  readonly mostRunning: number;
}
