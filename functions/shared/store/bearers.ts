import { createHash } from 'node:crypto';
import { base64url } from '../base64url.ts';
import { deriveKey, sha256 } from './crypto.ts';

/*
 * Bearers carry the key of their grant:
 *   access  p2pa_  grant id ‖ grant key ‖ secret                 ‖ checksum
 *   refresh p2pr_  grant id ‖ grant key ‖ family secret ‖ secret ‖ checksum
 *   code    p2pc_  grant id ‖ secret                             ‖ checksum
 *   system  p2ps_  secret                                        ‖ checksum
 * The checksum distinguishes a damaged bearer from an old one without a read. The family secret is in no access token,
 * so a leaked access token cannot forge a refresh token and end the grant by apparent reuse.
 */
const idBytes = 16;
const secretBytes = 32;
const checksumBytes = 4;

/** A parsed access token. */
export interface AccessToken {
  readonly kind: 'access';
  readonly grantId: string;
  readonly grantKey: Uint8Array;
  readonly secret: Uint8Array;
}

/** A parsed refresh token. */
export interface RefreshToken {
  readonly kind: 'refresh';
  readonly grantId: string;
  readonly grantKey: Uint8Array;
  readonly familySecret: Uint8Array;
  readonly secret: Uint8Array;
}

/** A parsed code. */
export interface Code {
  readonly kind: 'code';
  readonly grantId: string;
  readonly secret: Uint8Array;
}

/** A parsed system token: a partner's own, which has no grant and no key. */
interface SystemToken {
  readonly kind: 'system';
  readonly secret: Uint8Array;
}

type Bearer = AccessToken | RefreshToken | Code | SystemToken;

const prefixes = { access: 'p2pa_', refresh: 'p2pr_', code: 'p2pc_', system: 'p2ps_' } as const;

const layouts = {
  access: [idBytes, secretBytes, secretBytes],
  refresh: [idBytes, secretBytes, secretBytes, secretBytes],
  code: [idBytes, secretBytes],
  system: [secretBytes],
} as const;

const checksum = (prefix: string, body: Uint8Array): Uint8Array =>
  createHash('sha256').update(prefix).update(body).digest().subarray(0, checksumBytes);

/** Formats a bearer. */
export const writeBearer = (bearer: Bearer): string => {
  const parts: Uint8Array[] = [];
  if (bearer.kind !== 'system') parts.push(Buffer.from(bearer.grantId, 'base64url'));
  if (bearer.kind === 'access' || bearer.kind === 'refresh') parts.push(Buffer.from(bearer.grantKey));
  if (bearer.kind === 'refresh') parts.push(Buffer.from(bearer.familySecret));
  parts.push(Buffer.from(bearer.secret));
  const body = Buffer.concat(parts);
  const prefix = prefixes[bearer.kind];
  return prefix + base64url(Buffer.concat([body, checksum(prefix, body)]));
};

type PartsOf<Layout extends readonly number[]> = { readonly [Index in keyof Layout]: Uint8Array };
type Parts<Kind extends Bearer['kind']> = PartsOf<(typeof layouts)[Kind]>;

const readParts = <Kind extends Bearer['kind']>(kind: Kind, text: string): Parts<Kind> | undefined => {
  const prefix = prefixes[kind];
  if (!text.startsWith(prefix)) return undefined;
  const bytes = Buffer.from(text.slice(prefix.length), 'base64url');
  // Only the canonical spelling: another spelling of the same bytes would be a second bearer.
  if (base64url(bytes) !== text.slice(prefix.length)) return undefined;
  const layout: readonly number[] = layouts[kind];
  const bodyBytes = layout.reduce((sum, length) => sum + length);
  const body = bytes.subarray(0, bodyBytes);
  // What is too short or too long has no checksum of the right length here.
  if (!bytes.subarray(bodyBytes).equals(checksum(prefix, body))) return undefined;
  let at = 0;
  return layout.map((length) => body.subarray(at, (at += length))) as Parts<Kind>;
};

/** Parses an access token; undefined if it is damaged or something else. */
export const readAccessToken = (text: string): AccessToken | undefined => {
  const parts = readParts('access', text);
  if (parts === undefined) return undefined;
  const [id, grantKey, secret] = parts;
  return { kind: 'access', grantId: base64url(id), grantKey, secret };
};

/** Parses a refresh token; undefined if it is damaged or something else. */
export const readRefreshToken = (text: string): RefreshToken | undefined => {
  const parts = readParts('refresh', text);
  if (parts === undefined) return undefined;
  const [id, grantKey, familySecret, secret] = parts;
  return { kind: 'refresh', grantId: base64url(id), grantKey, familySecret, secret };
};

/** Parses a code; undefined if it is damaged or something else. */
export const readCode = (text: string): Code | undefined => {
  const parts = readParts('code', text);
  if (parts === undefined) return undefined;
  const [id, secret] = parts;
  return { kind: 'code', grantId: base64url(id), secret };
};

/** Parses a system token; undefined if it is damaged or something else. */
export const readSystemToken = (text: string): SystemToken | undefined => {
  const parts = readParts('system', text);
  return parts === undefined ? undefined : { kind: 'system', secret: parts[0] };
};

/** Whether a text begins as our system tokens do. */
export const isSystemBearer = (text: string): boolean => text.startsWith(prefixes.system);

/** Whether a text begins as our refresh tokens and codes do. */
export const isOtherBearer = (text: string): boolean =>
  text.startsWith(prefixes.refresh) || text.startsWith(prefixes.code);

/** Sizes, for the code that makes them. */
export const bearerSizes = { id: idBytes, secret: secretBytes } as const;

/**
 * The hash that the grant keeps of a refresh token's family: whoever presents key and family secret once held a valid
 * token.
 */
export const familyHash = ({ grantKey, familySecret }: Pick<RefreshToken, 'grantKey' | 'familySecret'>): string =>
  sha256(Buffer.concat([grantKey, familySecret]));

/**
 * The next pair of tokens after a refresh token, derived from its secret and the salt that the rotating write stored. A
 * repeated refresh gets the same pair, and nothing is kept in the clear.
 */
export const successors = (
  presented: RefreshToken,
  salt: Uint8Array,
): { access: AccessToken; refresh: RefreshToken } => ({
  access: {
    kind: 'access',
    grantId: presented.grantId,
    grantKey: presented.grantKey,
    secret: deriveKey(presented.secret, salt, 'p2p access token'),
  },
  refresh: { ...presented, secret: deriveKey(presented.secret, salt, 'p2p refresh token') },
});

/** The key, derived from a code's secret, that wraps the grant key while the code travels through browsers. */
export const codeWrapKey = (code: Pick<Code, 'grantId' | 'secret'>): Uint8Array =>
  deriveKey(code.secret, Buffer.from(code.grantId), 'p2p code wrap');
