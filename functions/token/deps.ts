import type { Deps } from '../shared/deps.ts';
import type { Signal } from '../shared/errors.ts';
import type { RequestParameters } from '../shared/http/api.ts';
import type { PayerClientDeps } from '../shared/payer/client.ts';
import type { ReadKeys } from '../shared/payer/key-reader.ts';
import type { IdentityProvider } from '../shared/registry/types.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { IndexMember } from '../shared/store/index-member.ts';
import type { Assertion, AuthenticatedPartner } from './client-authentication.ts';

/** What grants by a member's identity need. */
export interface IdentityDeps {
  readonly providers: readonly IdentityProvider[];
  /** In seconds. */
  readonly longestConsentAge: number;
  readonly readKeys: ReadKeys;
  readonly limits: Table;
  readonly indexMember: IndexMember;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What the token function depends on. */
export interface TokenDeps extends Deps, PayerClientDeps {
  readonly grants: Table;
  /** Undefined in a stage without identity providers: then the function may not create grants. */
  readonly identity?: IdentityDeps | undefined;
  /** Undefined in a stage without exchanges: then the function issues no system tokens. */
  readonly exchanges?: Table | undefined;
}

/** An authenticated request of a partner. */
export interface TokenRequest {
  readonly form: RequestParameters;
  readonly partner: AuthenticatedPartner | undefined;
  /** The assertion that authenticated the partner, if one did. */
  readonly assertion?: Assertion | undefined;
  readonly requestId: string;
  /**
   * Notes the request's grant in the record, or what is known of it, however the request ends. The partner is the caller, if it
   * has named itself.
   */
  readonly note: (grant: { grantId?: string; payer: string; partner: string }) => void;
  /** Adds a signal for an alarm or the dashboard. */
  readonly count: (signal: Signal) => void;
}
