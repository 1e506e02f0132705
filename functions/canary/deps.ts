import type { Deps, PayerHttp } from '../shared/deps.ts';

/** What the canary is given: the network, and no right to anything. */
export interface CanaryDeps extends Omit<Deps, 'payerHttp'> {
  /** Reaches the gateway's public origin and the payers. */
  readonly http: PayerHttp;
}
