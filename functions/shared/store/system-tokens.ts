import { exchangeAttributes } from './attributes.ts';
import { getItem, type Table } from './dynamo.ts';
import { dropItem, keyOf, putItem } from './exchange-items.ts';
import { readerOf, writeItem } from './items.ts';

/** A partner's system token, as it is stored. Times are epoch seconds. */
export interface StoredSystemToken {
  readonly partner: string;
  readonly payer: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const tokenName = 'token';
const tokenOwner = (hash: string): string => `token#${hash}`;

/**
 * Writes a system token.
 * @param token `hash` is the SHA-256 of the token's text, base64url
 * @throws GatewayError `temporarily_unavailable`
 */
export const putSystemToken = (
  table: Table,
  { hash, now, ...token }: { hash: string; partner: string; payer: string; now: number; expiresAt: number },
): Promise<void> =>
  putItem(table, writeItem(exchangeAttributes, { owner: tokenOwner(hash), name: tokenName, ...token, createdAt: now }));

/**
 * Reads a system token, strongly consistent; undefined if there is none, or if it has expired.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getSystemToken = async (
  table: Table,
  hash: string,
  now: number,
): Promise<StoredSystemToken | undefined> => {
  const item = await getItem(table, keyOf(tokenOwner(hash), tokenName));
  const read = readerOf(exchangeAttributes, item ?? {});
  const expiresAt = read('expiresAt') ?? 0;
  if (expiresAt <= now) return undefined;
  return {
    partner: read('partner') ?? '',
    payer: read('payer') ?? '',
    createdAt: read('createdAt') ?? 0,
    expiresAt,
  };
};

/** Ends a system token. @throws GatewayError `temporarily_unavailable` */
export const deleteSystemToken = (table: Table, hash: string): Promise<void> =>
  dropItem(table, keyOf(tokenOwner(hash), tokenName));
