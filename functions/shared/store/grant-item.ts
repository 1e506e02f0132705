import { parseScopes, type Scopes } from '../scopes/scopes.ts';
import { grantAttributes } from './attributes.ts';
import { sameHash, seal, unseal } from './crypto.ts';
import { readerOf, type StoredItem } from './items.ts';

/** A payer's tokens. They are sent to that payer only, and stored sealed. */
export interface PayerTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** Epoch seconds; omitted if the payer did not say. */
  readonly expiresAt?: number;
}

/** The last event of a grant; the audit reads it from the table's stream. */
export interface GrantEvent {
  readonly type:
    | 'created'
    | 'redeemed'
    | 'refreshed'
    | 'payerRefreshed'
    | 'revoked'
    | 'indexed'
    | 'restored'
    /** An operator ended its export. */
    | 'exportEnded';
  /** Epoch seconds. */
  readonly at: number;
  readonly requestId: string;
  readonly reason?: RevocationReason;
  readonly by?: Operator;
  /** Of a grant that was made by a member's identity. */
  readonly identity?: IdentityFacts | undefined;
}

/** All that is kept of a member's identity. */
export interface IdentityFacts {
  /** Who identified the member. */
  readonly issuer: string;
  /** The identity assurance level (NIST SP 800-63A). */
  readonly level: number;
  /** When the member agreed, as the partner says; epoch seconds. */
  readonly attestedAt: number;
}

/** Who changed a grant by hand, and why. */
export interface Operator {
  /** The caller's ARN. */
  readonly operator: string;
  readonly note: string;
}

/** Why a grant ended early. Members, partners and auditors are told: `docs/audit.md`, `docs/partners/events.md`. */
export const revocationReasons = [
  'byPartner',
  'codeReplayed',
  'refreshTokenReused',
  'refusedByPayer',
  'otherPatient',
  'byOperator',
  /** The member ended it, at `/connections/{payer}`. */
  'byMember',
] as const;

export type RevocationReason = (typeof revocationReasons)[number];

/** What a grant stores about its access token. */
export interface IssuedAccess {
  readonly hash: string;
  readonly expiresAt: number;
  readonly scope: Scopes;
}

/** A grant: this member let this partner read from this payer. All times are epoch seconds. */
export interface Grant {
  readonly grantId: string;
  readonly payer: string;
  readonly partner: string;
  readonly scope: Scopes;
  readonly patient?: string;
  readonly refreshable: boolean;
  /** The grant's absolute end; `expiresAt` is the code's until it is redeemed. */
  readonly endsAt: number;
  readonly expiresAt: number;
  readonly revokedAt?: number;
  readonly codeHash: string;
  readonly codeExpiresAt: number;
  readonly codeChallenge?: string;
  /** How it was made, if not by a sign-in at the payer. */
  readonly via?: 'identity';
  readonly redirectUri: string;
  readonly wrappedKey?: Uint8Array;
  readonly redeemedAt?: number;
  readonly redeemedBy?: string;
  readonly access?: IssuedAccess;
  readonly previousAccess?: IssuedAccess;
  readonly familyHash?: string;
  readonly refreshHash?: string;
  readonly previousRefreshHash?: string;
  /**
   * Refresh tokens given to repeats of the last rotation. Each is as valid as `refreshHash` until one of them is used.
   */
  readonly repeatHashes?: readonly string[];
  readonly rotatedAt?: number;
  /** Ends with a hash of the scope that the refresh asked for; one of version 0.2 does not. */
  readonly rotationSalt?: Uint8Array;
  readonly sealedPayerTokens: Uint8Array;
  /** The key that seals page links; a grant of version 0.1 has none until its first pages. */
  readonly linkKey?: Uint8Array;
  readonly payerVersion: number;
  readonly leaseOwner?: string;
  /** Epoch milliseconds. */
  readonly leaseUntilMs?: number;
}

const dropUndefined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

const readIssued = (hash: string | undefined, expiresAt = 0, scope = ''): IssuedAccess | undefined =>
  hash === undefined ? undefined : { hash, expiresAt, scope: parseScopes(scope) };

/** Reads a grant from its item. */
export const readGrant = (item: StoredItem): Grant => {
  const read = readerOf(grantAttributes, item);
  return {
    grantId: read('grantId') ?? '',
    payer: read('payer') ?? '',
    partner: read('partner') ?? '',
    scope: parseScopes(read('scope') ?? ''),
    refreshable: read('refreshable') ?? false,
    endsAt: read('endsAt') ?? 0,
    expiresAt: read('expiresAt') ?? 0,
    codeHash: read('codeHash') ?? '',
    codeExpiresAt: read('codeExpiresAt') ?? 0,
    redirectUri: read('redirectUri') ?? '',
    sealedPayerTokens: read('sealedPayerTokens') ?? new Uint8Array(),
    payerVersion: read('payerVersion') ?? 0,
    ...dropUndefined({
      patient: read('patient'),
      revokedAt: read('revokedAt'),
      codeChallenge: read('codeChallenge'),
      via: read('via') === 'identity' ? ('identity' as const) : undefined,
      wrappedKey: read('wrappedKey'),
      linkKey: read('linkKey'),
      redeemedAt: read('redeemedAt'),
      redeemedBy: read('redeemedBy'),
      access: readIssued(read('accessHash'), read('accessExpiresAt'), read('accessScope')),
      previousAccess: readIssued(
        read('previousAccessHash'),
        read('previousAccessExpiresAt'),
        read('previousAccessScope'),
      ),
      familyHash: read('familyHash'),
      refreshHash: read('refreshHash'),
      previousRefreshHash: read('previousRefreshHash'),
      repeatHashes: read('repeatHashes'),
      rotatedAt: read('rotatedAt'),
      rotationSalt: read('rotationSalt'),
      leaseOwner: read('leaseOwner'),
      leaseUntilMs: read('leaseUntilMs'),
    }),
  };
};

/** Seals payer tokens under the grant's key, bound to the grant. */
export const sealPayerTokens = (
  tokens: PayerTokens,
  { grantId, grantKey, iv }: { grantId: string; grantKey: Uint8Array; iv: Uint8Array },
): Uint8Array => seal(grantKey, Buffer.from(JSON.stringify(tokens)), `payer tokens of ${grantId}`, iv);

/**
 * Unseals a grant's payer tokens.
 * @throws Error if the key is another grant's
 */
export const unsealPayerTokens = (grant: Grant, grantKey: Uint8Array): PayerTokens =>
  JSON.parse(
    Buffer.from(unseal(grantKey, grant.sealedPayerTokens, `payer tokens of ${grant.grantId}`)).toString('utf8'),
  ) as PayerTokens;

/** Whether a grant can still be used at all. */
export const isLive = (grant: Grant, now: number): boolean => grant.revokedAt === undefined && grant.expiresAt > now;

/** Whether a refresh token may be used: it is from the last rotation, or from a repeat of it. */
export const isCurrentRefresh = ({ refreshHash, repeatHashes }: Grant, hash: string): boolean =>
  [refreshHash].concat(repeatHashes).some((known) => sameHash(known, hash));
