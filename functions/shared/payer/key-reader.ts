import type { JSONWebKeySet } from 'jose';
import { isObject } from '../json-object.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getText } from './get-text.ts';
import { readJsonObject } from './token-answer.ts';

/** Reads the keys that a payer signs with (RFC 7517); `fresh` reads them again if they are older than a minute. */
export type ReadKeys = (jwksUri: string, options: { readonly fresh: boolean }) => Promise<JSONWebKeySet>;

const rememberedForMs = 10 * 60 * 1000;
/** So that tokens with made-up keys cannot make the gateway ask the payer each time. */
const freshForMs = 60 * 1000;

const timeoutMs = 5000;
const limitBytes = 128 * 1024;
const mostKeys = 50;

const readKeySet = async (deps: PayerClientDeps, jwksUri: string): Promise<JSONWebKeySet> => {
  const text = await getText(deps, jwksUri, { asked: 'JWKS', accept: 'application/json', timeoutMs, limitBytes });
  const keys = readJsonObject(text)?.['keys'];
  if (!Array.isArray(keys) || keys.length > mostKeys || !keys.every(isObject)) {
    throw new PayerError('nonsense', 'JWKS answered without a set of keys');
  }
  return { keys: keys as unknown as JSONWebKeySet['keys'] };
};

/**
 * Reads payers' keys, and keeps them in the warm function for ten minutes.
 * @throws PayerError if the payer does not answer with a set of keys
 */
export const keyReader = (deps: PayerClientDeps): ReadKeys => {
  const remembered = new Map<string, { readonly readAtMs: number; readonly keys: JSONWebKeySet }>();
  return async (jwksUri, { fresh }) => {
    const known = remembered.get(jwksUri);
    const nowMs = deps.clock.monotonic();
    if (known && nowMs - known.readAtMs < (fresh ? freshForMs : rememberedForMs)) return known.keys;
    const keys = await readKeySet(deps, jwksUri);
    remembered.set(jwksUri, { readAtMs: nowMs, keys });
    return keys;
  };
};
