import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { keptMap, noRooms, type Rooms } from '../state/room.ts';

/** What members who shared only part of their record have shared. */
export interface Sharing {
  /** Narrows a grant to these resource types. */
  readonly narrow: (grantId: string, types: readonly string[]) => void;
  /** The resource types of a grant; undefined if it is not narrowed. */
  readonly typesOf: (grantId: string | undefined) => readonly string[] | undefined;
}

/** Remembers narrowed grants, and has their token answers say so in `scope` (RFC 6749 §5.1). */
export const createSharing = (provider: Provider, tokenPath: string, rooms: Rooms = noRooms): Sharing => {
  const narrowed = keptMap<readonly string[]>(rooms('shared'));
  const typesOf: Sharing['typesOf'] = (grantId) => (grantId === undefined ? undefined : narrowed.get(grantId));

  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== tokenPath || ctx.status !== 200) return;
    const types = typesOf((ctx as KoaContextWithOIDC).oidc?.entities.AccessToken?.grantId);
    if (types === undefined) return;
    const answer = ctx.body as { readonly scope: string };
    ctx.body = { ...answer, scope: narrowScope(answer.scope, types) };
  });
  return { narrow: (grantId, types) => narrowed.set(grantId, types), typesOf };
};

/** `patient/*.rs` for these types only, each by its name. */
const narrowScope = (scope: string, types: readonly string[]): string =>
  scope
    .split(' ')
    .flatMap((word) => (word.startsWith('patient/*') ? types.map((type) => word.replace('*', type)) : [word]))
    .join(' ');
