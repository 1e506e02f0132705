import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export const resolveByDns: Resolve = (hostname) => lookup(hostname, { all: true });

/** The host name resolves to an address that is not on the public internet. */
export class PrivateAddress extends Error {
  readonly code = 'EPRIVATE';
}

/**
 * A lookup that fails if any address of the name is not allowed. The socket connects to the addresses that were
 * checked, so a later DNS answer cannot change the target.
 */
export const guardedLookup = (resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction => {
  const find = callbackify(async (hostname: string): Promise<LookupAddress[]> => {
    const addresses = await resolve(hostname);
    if (addresses.length === 0 || !addresses.every(({ address }) => isAllowed(address))) {
      throw new PrivateAddress('not a public address');
    }
    return [...addresses];
  });
  return (hostname, { all }, callback) =>
    find(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (first === undefined) callback(error, []);
      else if (all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
};
