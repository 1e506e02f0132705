import { errors } from 'oidc-provider';
import type { Adapter, AdapterPayload, ClientMetadata } from 'oidc-provider';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';

interface Entry {
  readonly payload: AdapterPayload;
  /** Epoch milliseconds; undefined if it does not expire. */
  readonly expiresAtMs?: number;
}

/**
 * Storage for one provider. Each instance has its own, so two payers in one process share nothing. Entries
 * that have expired by this clock (milliseconds) are not found. `consume` succeeds once: if two requests present the
 * same code or refresh token, one is refused.
 *
 * The clients are stored here rather than configured. The library copies configured clients with `structuredClone`, and
 * in a test runner with its own realm it does not accept the copy's keys as plain objects.
 */
export const createAdapter = (
  clients: readonly ClientMetadata[],
  now: () => number,
  rooms: Rooms = noRooms,
): ((model: string) => Adapter) => {
  const isOver = ({ expiresAtMs = Infinity }: Entry): boolean => expiresAtMs <= now();
  return (model) => {
    // The clients are the stage's, and may have changed since the last start.
    const entries = keptMap<Entry>(model === 'Client' ? noRooms('') : rooms(model));
    if (model === 'Client') for (const client of clients) entries.set(client.client_id, { payload: client });

    const find = (id: string): AdapterPayload | undefined => {
      const entry = entries.get(id);
      return entry && !isOver(entry) ? entry.payload : undefined;
    };

    const findWhere = (key: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
      for (const [id, { payload }] of entries.entries()) if (payload[key] === value) return find(id);
      return undefined;
    };

    const removeExpired = (): void => {
      for (const [id, entry] of entries.entries()) if (isOver(entry)) entries.delete(id);
    };

    return {
      async upsert(id, payload, expiresIn) {
        removeExpired();
        entries.set(id, { payload, ...(expiresIn === undefined ? {} : { expiresAtMs: now() + expiresIn * 1000 }) });
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
        const entry = entries.get(id);
        if (!entry || isOver(entry) || entry.payload.consumed) throw new errors.InvalidGrant('already used');
        entry.payload.consumed = Math.floor(now() / 1000);
        entries.set(id, entry);
      },
      async destroy(id) {
        entries.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of entries.entries()) if (payload.grantId === grantId) entries.delete(id);
      },
    };
  };
};
