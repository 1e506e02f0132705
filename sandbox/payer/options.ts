import type { PublicJwk } from '../../functions/shared/registry/types.ts';

/** One request as the log shows it: never a query string, a body, or the id of a sign-in. */
export interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Milliseconds until the answer was sent or its connection closed. */
  readonly ms: number;
}

/** What one sandbox payer is started with. */
export interface PayerOptions {
  readonly preset: 'oneUpDemo' | 'smart';
  readonly displayName: string;
  readonly host: string;
  readonly port: number;
  /** The one redirect URI that the gateway registered here. */
  readonly gatewayRedirectUri: string;
  /** The gateway's client id here. */
  readonly clientId: string;
  /** A secret for `client_secret_post`, or public keys for `private_key_jwt`. */
  readonly client: { readonly secret: string } | { readonly jwks: readonly PublicJwk[] };
  /** How long an access token lives, in seconds. Default: what the preset says. */
  readonly accessTokenSeconds?: number;
  /** The time by which codes and tokens expire, epoch milliseconds. Default: the machine's. */
  readonly now?: () => number;
  readonly log?: (line: RequestLogLine) => void;
}
