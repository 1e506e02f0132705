import type { Deps } from '../shared/deps.ts';
import type { PayerHttp } from '../shared/payer/http.ts';

/** What the canary is given: the network, and no right to anything. */
export interface CanaryDeps extends Omit<Deps, 'payerHttp'> {
  /** Reaches the gateway's public origin and the payers. */
  readonly http: PayerHttp;
}
