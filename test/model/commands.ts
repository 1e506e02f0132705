export const partnerIds = ['demo-partner', 'demo-app'] as const;
export type PartnerId = (typeof partnerIds)[number];
export const payerIds = ['northwind', 'demo-health-plan'] as const;
export type PayerId = (typeof payerIds)[number];

/** What a payer's token endpoint does from now on; `lost` rotates, and then the connection breaks. */
export type PayerMood = 'well' | 'down' | 'lost';

export const registrations = {
  whole: 'launch/patient patient/*.rs offline_access',
  online: 'launch/patient patient/*.rs',
  observations: 'launch/patient patient/Observation.rs offline_access',
  claims: 'patient/Claim.rs offline_access',
} as const;
export type Registration = keyof typeof registrations;

/** A grant counted from the newest, of those that have what the command needs. */
interface OfGrant {
  readonly grant: number;
}
/** A token of a grant: 0 is the current one, 1 the one before, and so on, as far as they exist. */
interface OfToken extends OfGrant {
  readonly age: number;
}

export interface Redeem extends OfGrant {
  readonly kind: 'redeem';
  readonly how: 'right' | 'otherClient' | 'wrongVerifier' | 'noVerifier' | 'wrongRedirect' | 'damaged' | 'guessed';
}
export interface Refresh extends OfToken {
  readonly kind: 'refresh';
  readonly how:
    | 'right'
    | 'narrow'
    | 'whole'
    | 'widen'
    | 'otherClient'
    | 'noClient'
    | 'damaged'
    | 'guessed'
    | 'fromAccessToken'
    | 'sameFamily';
}
export interface Revoke extends OfToken {
  readonly kind: 'revoke';
  readonly type: 'access' | 'refresh';
  readonly how: 'right' | 'otherClient' | 'damaged' | 'guessed';
}
export interface Introspect extends OfToken {
  readonly kind: 'introspect';
  readonly type: 'access' | 'refresh';
  readonly how: 'right' | 'otherClient' | 'guessed';
}
/**
 * A thief without credentials who stole the partner's newest refresh token, and keeps what it gets; `age` counts what
 * the thief holds.
 */
export interface Thief extends OfToken {
  readonly kind: 'thief';
  readonly how: 'refresh' | 'introspect' | 'widen';
}
export interface Read extends OfToken {
  readonly kind: 'read';
  readonly how: 'right' | 'otherPayer' | 'otherPatient' | 'damaged' | 'guessed';
}
/** What a partner asks about a grant; two requests may be concurrent. */
export type Call = Redeem | Refresh | Revoke | Introspect | Read | Thief;

export interface Authorize {
  readonly kind: 'authorize';
  readonly partner: PartnerId;
  readonly payer: PayerId;
  readonly scope: 'none' | 'offline' | 'online';
  readonly pkce: boolean;
}
export interface Callback {
  readonly kind: 'callback';
  /** A login attempt, counted from the newest. */
  readonly attempt: number;
  readonly how: 'right' | 'otherBrowser' | 'otherPayer' | 'denied';
  /** How many seconds the payer's access tokens live. */
  readonly lives: number;
  /** Whether the payer gives a refresh token. */
  readonly renews: boolean;
}
interface Together {
  readonly kind: 'together';
  readonly calls: readonly [Call, Call];
}

/** What happens around the gateway. */
export type Happening =
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'mood'; readonly payer: PayerId; readonly mood: PayerMood }
  | { readonly kind: 'payerEnds' | 'payerForgets'; readonly grant: number }
  /** A thief copies the refresh token that the partner holds now. */
  | { readonly kind: 'steal'; readonly grant: number }
  | { readonly kind: 'partner'; readonly partner: PartnerId; readonly registered: boolean }
  | { readonly kind: 'payerOf'; readonly partner: PartnerId; readonly payer: PayerId; readonly allowed: boolean }
  /** The scopes that a partner is registered for from now on. */
  | { readonly kind: 'scopes'; readonly partner: PartnerId; readonly to: Registration }
  | { readonly kind: 'ttl' };

export type Command = Call | Authorize | Callback | Happening | Together;
