import type { JSONWebKeySet } from 'jose';
import { causeOf } from '../errors.ts';
import { isObject } from '../json/json-object.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getText } from './get-text.ts';
import { readJsonObject } from './token-answer.ts';

/** Keys, and whether they are what their host says now. */
export interface KeysRead {
  readonly keys: JSONWebKeySet;
  /** Whether this call read them. If not, they may lack a key that was added since. */
  readonly isNew: boolean;
  /** How newer ones could not be read when they were last asked for. */
  readonly failure: string | undefined;
  /** When newer ones can be asked for, in milliseconds from now. */
  readonly againInMs: number;
}

/** Reads the keys that a payer or an identity provider signs with (RFC 7517); `fresh` asks for newer ones. */
export type ReadKeys = (jwksUri: string, options: { readonly fresh: boolean }) => Promise<KeysRead>;

/** How long keys count, in milliseconds. */
interface KeyTimes {
  readonly rememberedForMs: number;
  /** So that tokens with made-up keys cannot make the gateway ask each time. */
  readonly freshForMs: number;
  /** How long the last keys count if newer ones cannot be read. */
  readonly lastForMs: number;
}

export const ofPayers: KeyTimes = { rememberedForMs: 10 * 60 * 1000, freshForMs: 60 * 1000, lastForMs: 0 };
export const ofIdentityProviders: KeyTimes = {
  rememberedForMs: 10 * 60 * 1000,
  freshForMs: 30 * 1000,
  lastForMs: 60 * 60 * 1000,
};

const timeoutMs = 5000;
const limitBytes = 128 * 1024;
const mostKeys = 50;

const readKeySet = async (deps: Pick<PayerClientDeps, 'payerHttp'>, jwksUri: string): Promise<JSONWebKeySet> => {
  const text = await getText(deps, jwksUri, { asked: 'JWKS', accept: 'application/json', timeoutMs, limitBytes });
  const keys = readJsonObject(text)?.['keys'];
  if (!Array.isArray(keys) || keys.length > mostKeys || !keys.every(isObject)) {
    throw new PayerError('nonsense', 'JWKS answered without a set of keys');
  }
  return { keys: keys as unknown as JSONWebKeySet['keys'] };
};

interface Remembered {
  readonly readAtMs: number;
  /** When they were asked for last, whether or not there was an answer. */
  askedAtMs: number;
  /** How it failed, if it did. */
  failure: string | undefined;
  readonly keys: JSONWebKeySet;
}

/**
 * Reads keys, and keeps them in the warm function for ten minutes.
 * @throws PayerError if there is no answer with a set of keys
 */
export const keyReader = (deps: Pick<PayerClientDeps, 'clock' | 'payerHttp'>, times = ofPayers): ReadKeys => {
  const remembered = new Map<string, Remembered>();
  return async (jwksUri, { fresh }) => {
    const known = remembered.get(jwksUri);
    const nowMs = deps.clock.monotonic();
    const isUsable = (forMs: number): boolean => known !== undefined && nowMs - known.readAtMs < forMs;
    const kept = ({ keys, failure, askedAtMs }: Remembered): KeysRead => ({
      keys,
      isNew: false,
      failure,
      againInMs: Math.max(0, askedAtMs + times.freshForMs - nowMs),
    });
    if (known && isUsable(fresh ? times.freshForMs : times.rememberedForMs)) return kept(known);
    if (known && isUsable(times.lastForMs) && nowMs - known.askedAtMs < times.freshForMs) return kept(known);
    try {
      if (known) known.askedAtMs = nowMs;
      const keys = await readKeySet(deps, jwksUri);
      remembered.set(jwksUri, { readAtMs: nowMs, askedAtMs: nowMs, failure: undefined, keys });
      return { keys, isNew: true, failure: undefined, againInMs: times.freshForMs };
    } catch (error) {
      if (known === undefined || !isUsable(times.lastForMs)) throw error;
      known.failure = error instanceof PayerError ? error.detail : causeOf(error);
      return kept(known);
    }
  };
};
