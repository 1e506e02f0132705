import type { Deps } from '../shared/deps.ts';
import type { PayerTokenDeps } from '../shared/payer/refresh-tokens.ts';
import type { ReadGate } from './audit-read.ts';
import type { Breakers } from './breaker/breakers.ts';
import type { TakeTurn } from './limits/limiter.ts';

/** What the fetch function depends on. */
export interface FetchDeps extends Deps, PayerTokenDeps, ReadGate {
  /** Takes one turn of a limit that all environments share. */
  readonly takeTurn: TakeTurn;
  /** Keeps calls from a payer that does not answer. */
  readonly breakers: Breakers;
  /** The most bytes of an answer. @default what Lambda streams */
  readonly mostBytes?: number;
}
