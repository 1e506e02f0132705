import type { Deps } from '../shared/deps.ts';
import type { Signal } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import type { PayerClientDeps } from '../shared/payer/client.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { AuthenticatedPartner } from './client-authentication.ts';

/** What the token function is given. */
export interface TokenDeps extends Deps, PayerClientDeps {
  readonly grants: Table;
}

/** One request of a partner's, authenticated. */
export interface TokenRequest {
  readonly form: RequestParameters;
  readonly partner: AuthenticatedPartner | undefined;
  readonly requestId: string;
  /** Notes which grant the request is about, however it ends. The partner is the one that asks, if it said who it is. */
  readonly note: (grant: { grantId: string; payer: string; partner: string }) => void;
  /** Counts what an alarm or the dashboard watches. */
  readonly count: (signal: Signal) => void;
}
