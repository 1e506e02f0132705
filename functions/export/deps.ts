import type { Deps } from '../shared/deps.ts';
import type { OpenInJob, SealForJob } from '../shared/exports/seal-for-job.ts';
import type { TakeTurn } from '../shared/limits/limiter.ts';
import type { PayerTokenDeps } from '../shared/payer/refresh-tokens.ts';
import type { OnceGate, ReadGate } from '../shared/record/audit-read.ts';
import type { Table } from '../shared/store/dynamo.ts';

/**
 * Opens an object of the exports' bucket for reading. A reader that stops early ends the transfer.
 * @throws GatewayError `temporarily_unavailable`
 */
export type OpenObject = (name: string, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;

/** What the export function depends on. */
export interface ExportDeps extends Deps, PayerTokenDeps, ReadGate, OnceGate {
  readonly takeTurn: TakeTurn;
  readonly exports: Table;
  readonly sealForJob: SealForJob;
  readonly openObject: OpenObject;
  /** What exchanges between plans need: where system tokens are, and what opens the key of their files. @default there are none */
  readonly exchange?: { readonly table: Table; readonly openInJob: OpenInJob };
  /** Tells a waiting job that a newer payer token is available. The message is empty. */
  readonly wakeJob: (callbackId: string) => Promise<void>;
}
