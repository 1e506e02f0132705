import type { Deps } from '../shared/deps.ts';
import type { SealForJob } from '../shared/exports/seal-for-job.ts';
import type { TakeTurn } from '../shared/limits/limiter.ts';
import type { PayerTokenDeps } from '../shared/payer/refresh-tokens.ts';
import type { OnceGate, ReadGate } from '../shared/record/audit-read.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { Breakers } from './breaker/breakers.ts';
import type { ExchangeDeps } from './exchange/deps.ts';

/** What the fetch function depends on. */
export interface FetchDeps extends Deps, PayerTokenDeps, ReadGate, OnceGate {
  /** Takes one turn of a limit that all environments share. */
  readonly takeTurn: TakeTurn;
  /** Keeps calls from a payer that does not answer. */
  readonly breakers: Breakers;
  readonly exports: Table;
  readonly sealForJob: SealForJob;
  /** @default the stage has no exchanges */
  readonly exchange?: ExchangeDeps;
  /** The most bytes of an answer. @default what Lambda streams */
  readonly mostBytes?: number;
}
