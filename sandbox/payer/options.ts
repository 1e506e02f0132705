import type { PublicJwk } from '../../functions/shared/registry/types.ts';
import type { Rooms } from '../state/room.ts';
import type { PayerId } from './data/member-list.ts';
import type { FormerPlanOptions } from './exchange/options.ts';
import type { IdentitySignIn } from './identity/token-endpoint.ts';
import type { Insists } from './insists.ts';

/** One request in the log: never a query string, a body, or the id of a sign-in. */
export interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Milliseconds until the answer was sent or the connection closed. */
  readonly ms: number;
}

/** The options of a sandbox payer. */
export interface PayerOptions {
  readonly preset: 'oneUpDemo' | 'smart';
  readonly displayName: string;
  /** The members' records that it serves. Default: those of Demo Health Plan. */
  readonly recordsOf?: PayerId;
  readonly host: string;
  readonly port: number;
  /** The gateway's registered redirect URI. */
  readonly gatewayRedirectUri: string;
  /** More redirect URIs, for other brands at this authorization server. */
  readonly furtherRedirectUris?: readonly string[];
  /** The gateway's client id here. */
  readonly clientId: string;
  /** A secret for `client_secret_post`, public keys for `private_key_jwt`, or `public`: a client without either. */
  readonly client: { readonly secret: string } | { readonly jwks: readonly PublicJwk[] } | 'public';
  /** How it answers an app that presents its member's identity token; `client` has a secret. @default it does not */
  readonly identitySignIn?: IdentitySignIn | undefined;
  /** How it answers another plan that asks for its members' records. @default it does not */
  readonly exchange?: FormerPlanOptions | undefined;
  /** Requirements beyond those of its preset. */
  readonly insists?: Insists;
  /** Lifetime of an access token, in seconds. Default: the preset's. */
  readonly accessTokenSeconds?: number;
  /** The clock for the expiry of codes and tokens, in epoch milliseconds. Default: the machine's. */
  readonly now?: () => number;
  /** The faults that are switched on at the start, by name. Default: none. */
  readonly faults?: readonly string[] | undefined;
  /**
   * Times of three faults: `slow` before an answer, `drip` between pieces, and the life of `short-tokens`. Default: 5,
   * 0.2 and 10 seconds.
   */
  readonly faultPauseMs?: { readonly slow: number; readonly drip: number; readonly token?: number };
  /** Where accounts, grants and tokens outlive the process. @default nowhere */
  readonly rooms?: Rooms;
  readonly log?: (line: RequestLogLine) => void;
}
