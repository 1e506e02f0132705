import type { OpenInJob } from '../../shared/exports/seal-for-job.ts';
import type { Exchanges } from '../../shared/registry/types.ts';
import type { Table } from '../../shared/store/dynamo.ts';

/** What the fetch function depends on in a stage with exchanges. */
export interface ExchangeDeps extends Exchanges {
  readonly exchanges: Table;
  /** AuditEvents. */
  readonly audit: Table;
  /** Opens the key of a Group. @throws GatewayError `temporarily_unavailable` */
  readonly openInJob: OpenInJob;
}
