import type { Deps } from '../shared/deps.ts';
import type { Signal } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import type { PayerClientDeps } from '../shared/payer/client.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { AuthenticatedPartner } from './client-authentication.ts';

/** What the token function depends on. */
export interface TokenDeps extends Deps, PayerClientDeps {
  readonly grants: Table;
}

/** An authenticated request of a partner. */
export interface TokenRequest {
  readonly form: RequestParameters;
  readonly partner: AuthenticatedPartner | undefined;
  readonly requestId: string;
  /**
   * Notes the request's grant in the record, however the request ends. The partner is the caller, if it has named
   * itself.
   */
  readonly note: (grant: { grantId: string; payer: string; partner: string }) => void;
  /** Adds a signal for an alarm or the dashboard. */
  readonly count: (signal: Signal) => void;
}
