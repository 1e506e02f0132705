import { GatewayError } from '../errors.ts';
import { parseScopes, writeScopes, type Scopes } from '../scopes/scopes.ts';
import { grantAttributes } from './attributes.ts';
import { hashOf, sameHash, seal, unseal } from './crypto.ts';
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

/** The columns of a grant that its payer tokens are bound to. */
export type BoundGrant = Pick<
  Grant,
  | 'grantId'
  | 'payer'
  | 'partner'
  | 'patient'
  | 'scope'
  | 'refreshable'
  | 'redirectUri'
  | 'codeHash'
  | 'codeExpiresAt'
  | 'codeChallenge'
  | 'endsAt'
>;

/**
 * Names everything that says whose the tokens are, where they go, and who may use them, for what and until when. Only the scope
 * ever changes, by a refresh at the payer, and the same write stores newly sealed tokens. The order is part of what is sealed.
 *
 * Not bound: hashes, since no bearer opens a grant without its key; times and scopes of access tokens, which give no more than the
 * grant has; an earlier end; and what only says where a grant is in its life, or finds it.
 */
const boundTo = (grant: BoundGrant): string =>
  hashOf([
    grant.payer,
    grant.partner,
    grant.patient,
    // In the form in which it is read from the table.
    writeScopes(parseScopes(writeScopes(grant.scope))),
    grant.refreshable,
    grant.redirectUri,
    grant.codeHash,
    grant.codeExpiresAt,
    grant.codeChallenge,
    grant.endsAt,
  ]);

const itemChanged = (): GatewayError =>
  new GatewayError('server_error', 'This access is damaged. Ask the member to connect again.', {
    detail: 'the grant does not open: its item was changed',
  });

/**
 * Seals payer tokens under the grant's key, bound to the grant. What its columns say is sealed with the tokens, so that versions
 * that do not know of it open them too, after going back: they seal tokens without it.
 */
export const sealPayerTokens = (
  tokens: PayerTokens,
  { grant, grantKey, iv }: { grant: BoundGrant; grantKey: Uint8Array; iv: Uint8Array },
): Uint8Array =>
  seal(
    grantKey,
    Buffer.from(JSON.stringify({ ...tokens, boundTo: boundTo(grant) })),
    `payer tokens of ${grant.grantId}`,
    iv,
  );

/**
 * The sealed JSON of a grant's payer tokens. 0.2 and earlier sealed no hash of the columns. Such tokens last until the payer's next
 * refresh, at most as long as a grant; the version that drops them comes later than that after 0.2.
 */
const openSealed = (grant: Grant, grantKey: Uint8Array): string => {
  const text = Buffer.from(unseal(grantKey, grant.sealedPayerTokens, `payer tokens of ${grant.grantId}`)).toString(
    'utf8',
  );
  const bound = /,"boundTo":"([\w-]+)"\}$/.exec(text)?.[1];
  // A grant's end is its code's until that is redeemed, and `endsAt` then.
  if (bound !== undefined && (!sameHash(bound, boundTo(grant)) || grant.expiresAt > grant.endsAt)) throw itemChanged();
  return text;
};

/**
 * Unseals a grant's payer tokens.
 * @throws Error if the key is another grant's, GatewayError `server_error` if a column that they are bound to was changed
 */
export const unsealPayerTokens = (grant: Grant, grantKey: Uint8Array): PayerTokens => {
  const { accessToken, refreshToken, expiresAt } = JSON.parse(openSealed(grant, grantKey)) as PayerTokens;
  return { accessToken, ...dropUndefined({ refreshToken, expiresAt }) };
};

/**
 * Checks that nobody changed what a grant's payer tokens are bound to, before its columns decide something.
 * @param grantKey from a bearer of this grant
 * @throws GatewayError `server_error`
 */
export const checkUnchanged = (grant: Grant, grantKey: Uint8Array): void => {
  try {
    openSealed(grant, grantKey);
  } catch {
    throw itemChanged();
  }
};

/** Whether a grant can still be used at all. */
export const isLive = (grant: Grant, now: number): boolean => grant.revokedAt === undefined && grant.expiresAt > now;

/** Whether a refresh token may be used: it is from the last rotation, or from a repeat of it. */
export const isCurrentRefresh = ({ refreshHash, repeatHashes }: Grant, hash: string): boolean =>
  [refreshHash].concat(repeatHashes).some((known) => sameHash(known, hash));
