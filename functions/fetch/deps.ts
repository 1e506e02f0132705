import type { Deps } from '../shared/deps.ts';
import type { PayerTokenDeps } from '../shared/payer/tokens.ts';
import type { AuditedRead } from './audited-read.ts';
import type { TakeTurn } from './limits/limiter.ts';

/** What the fetch function is given. */
export interface FetchDeps extends Deps, PayerTokenDeps {
  /** Takes one turn of a limit that holds across the fleet. */
  readonly takeTurn: TakeTurn;
  /** The most bytes of an answer that leave. @default what Lambda streams */
  readonly mostBytes?: number;
  /** Must have resolved before the first byte of health data leaves; where it rejects, none does. */
  readonly openGate: (read: AuditedRead) => Promise<void>;
  /** Awaited when a read has ended in whatever way, before its answer is finished. */
  readonly onEnd: (read: AuditedRead, end: { readonly callerLeft: boolean }) => Promise<void>;
}
