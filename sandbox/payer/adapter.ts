import { errors } from 'oidc-provider';
import type { Adapter, AdapterPayload, ClientMetadata } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * In-memory storage for one provider. Each instance has its own, so two payers in one process share nothing. Entries
 * that have expired by this clock (milliseconds) are not found. `consume` succeeds once: if two requests present the
 * same code or refresh token, one is refused.
 *
 * The client is stored here rather than configured. The library copies configured clients with `structuredClone`, and
 * in a test runner with its own realm it does not accept the copy's keys as plain objects.
 */
export const createMemoryAdapter = (client: ClientMetadata, now: () => number): ((model: string) => Adapter) => {
  return (model) => {
    const entries = new Map<string, Entry>();
    if (model === 'Client') entries.set(client.client_id, { payload: client, expiresAtMs: Infinity });

    const find = (id: string): AdapterPayload | undefined => {
      const entry = entries.get(id);
      return entry && entry.expiresAtMs > now() ? entry.payload : undefined;
    };

    const findWhere = (key: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
      for (const [id, { payload }] of entries) if (payload[key] === value) return find(id);
      return undefined;
    };

    const removeExpired = (): void => {
      for (const [id, entry] of entries) if (entry.expiresAtMs <= now()) entries.delete(id);
    };

    return {
      async upsert(id, payload, expiresIn) {
        removeExpired();
        entries.set(id, { payload, expiresAtMs: expiresIn === undefined ? Infinity : now() + expiresIn * 1000 });
      },
      async find(id) {
        return find(id);
      },
      async findByUid(uid) {
        return findWhere('uid', uid);
      },
      async findByUserCode(userCode) {
        return findWhere('userCode', userCode);
      },
      async consume(id) {
        const payload = find(id);
        if (!payload || payload.consumed) throw new errors.InvalidGrant('already used');
        payload.consumed = Math.floor(now() / 1000);
      },
      async destroy(id) {
        entries.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
      },
    };
  };
};
