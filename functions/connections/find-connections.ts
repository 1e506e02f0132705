import { nowSeconds } from '../shared/clock.ts';
import { scopeNow } from '../shared/partner/live-grant.ts';
import { mayReadFrom } from '../shared/registry/profile.ts';
import type { Registry } from '../shared/registry/registry.ts';
import { isPartnerBlocked } from '../shared/registry/require-payer.ts';
import type { Partner } from '../shared/registry/types.ts';
import type { Scopes } from '../shared/scopes/scopes.ts';
import { isOverdue, type Export } from '../shared/store/export-item.ts';
import { getExportProgress } from '../shared/store/exports.ts';
import { isLive, type Grant } from '../shared/store/grant-item.ts';
import { getMemberGrant, grantsUnder, type MemberGrant } from '../shared/store/member-grants.ts';
import type { MemberSession } from '../shared/store/member-sessions.ts';
import type { ConnectionsDeps } from './deps.ts';

/** An app, as shown to the member. */
export interface App {
  readonly clientId: string;
  /** Its client id if it is no longer registered. */
  readonly name: string;
  readonly partner: Partner | undefined;
  readonly isBlocked: boolean;
}

/** A grant of an app that may read the record. Times are epoch seconds. */
export interface Connection {
  /** What the app may still read. */
  readonly scope: Scopes;
  readonly since: number | undefined;
  readonly until: number;
  /** When it last asked for a token; undefined if it has not asked for its first. */
  readonly usedAt: number | undefined;
  readonly export: Pick<Export, 'status' | 'resources' | 'startedAt' | 'expiresAt'> | undefined;
}

/** An app that may read the record. Stopping it ends all of its connections. */
export interface LivingApp {
  readonly app: App;
  readonly connections: readonly Connection[];
}

/** An app that the member stopped. */
export interface Stopped {
  readonly app: App;
  /** Epoch seconds. */
  readonly at: number;
  /** The request that did it. */
  readonly requestId: string;
}

/** What the page shows, the newest first. */
export interface Connections {
  readonly living: readonly LivingApp[];
  readonly stopped: readonly Stopped[];
}

/** How many grants are read at once. */
const atATime = 16;

/** All of a member's grants that are still in the table. The index finds them, and each is then read by its key. */
const findGrants = async (
  { grants: table }: Pick<ConnectionsDeps, 'grants'>,
  session: MemberSession,
): Promise<MemberGrant[]> => {
  const ids = await grantsUnder(table, session.memberIndex);
  const found: MemberGrant[] = [];
  for (let at = 0; at < ids.length; at += atATime) {
    const some = ids.slice(at, at + atATime).map((id) => getMemberGrant(table, id, session));
    found.push(...(await Promise.all(some)).filter((one) => one !== undefined));
  }
  return found.toSorted((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
};

/**
 * A member's grants that have not ended, whether or not their apps can use them now.
 * @param clientId only those of this app; undefined for all
 */
export const findLiving = async (
  deps: ConnectionsDeps,
  session: MemberSession,
  clientId: string | undefined,
): Promise<Grant[]> => {
  const found = await findGrants(deps, session);
  return found
    .map(({ grant }) => grant)
    .filter((grant) => isLive(grant, nowSeconds(deps.clock)) && (clientId ?? grant.partner) === grant.partner);
};

const appOf = async (registry: Registry, clientId: string, payer: string): Promise<App> => {
  const partner = await registry.partner(clientId, { evenIfBlocked: true });
  const isAllowed = partner !== undefined && mayReadFrom(partner, payer);
  return {
    clientId,
    name: partner?.name ?? clientId,
    partner: isAllowed ? partner : undefined,
    isBlocked: partner !== undefined && (await isPartnerBlocked(registry, clientId)),
  };
};

const connectionOf = async (
  deps: ConnectionsDeps,
  app: App,
  { grant, createdAt, usedAt, accessExpiresAt }: MemberGrant,
): Promise<Connection | undefined> => {
  const now = nowSeconds(deps.clock);
  const found = await getExportProgress(deps.exports, grant.grantId);
  const isThere = found !== undefined && !isOverdue(found, now) && found.expiresAt > now;
  const until = grant.refreshable ? grant.endsAt : (accessExpiresAt ?? grant.endsAt);
  // Its only token has expired, so it cannot read any more.
  if (until <= now && !(isThere && found.status === 'running')) return undefined;
  return {
    scope: app.partner === undefined ? grant.scope : scopeNow(grant.scope, app.partner),
    since: createdAt,
    until,
    usedAt: grant.redeemedAt === undefined ? undefined : usedAt,
    export: isThere ? found : undefined,
  };
};

/**
 * Everything that may read a member's record at a payer, and what the member has stopped here.
 * @throws GatewayError `temporarily_unavailable`
 */
export const findConnections = async (deps: ConnectionsDeps, session: MemberSession): Promise<Connections> => {
  const found = await findGrants(deps, session);
  const now = nowSeconds(deps.clock);
  const livingOf = async (all: readonly MemberGrant[], clientId: string): Promise<LivingApp[]> => {
    const app = await appOf(deps.registry, clientId, session.payer);
    const connections = (await Promise.all(all.map((one) => connectionOf(deps, app, one)))).filter(
      (one) => one !== undefined,
    );
    return connections.length === 0 ? [] : [{ app, connections }];
  };
  const living = Map.groupBy(
    found.filter(({ grant }) => isLive(grant, now)),
    ({ grant }) => grant.partner,
  );
  // One press of the button ends all of an app's connections.
  const stopped = new Map(
    found.flatMap(({ grant: { partner, revokedAt: at }, revokedBy: requestId, lastEvent }) =>
      at === undefined || requestId === undefined || lastEvent?.reason !== 'byMember'
        ? []
        : [[JSON.stringify([partner, requestId]), { partner, at, requestId }] as const],
    ),
  );
  return {
    living: (await Promise.all([...living].map(([clientId, all]) => livingOf(all, clientId)))).flat(),
    stopped: await Promise.all(
      [...stopped.values()].map(async ({ partner, at, requestId }): Promise<Stopped> => ({
        app: await appOf(deps.registry, partner, session.payer),
        at,
        requestId,
      })),
    ),
  };
};
