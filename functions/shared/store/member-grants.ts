import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { grantAttributes, type grantEventAttributes, type ValuesOf } from './attributes.ts';
import { getItem, sendOrUnavailable, type Table } from './dynamo.ts';
import { projectionOf } from './expressions.ts';
import { readGrant, type Grant } from './grant-item.ts';
import { revoke } from './grants.ts';
import { readerOf, writeItem, type Item } from './items.ts';
import { memberIndex, type Member } from './member-index.ts';
import { noteStop, type StoppedApp } from './member-stops.ts';

/*
 * The grants of one member, and how they end. Operators (`npm run members`) and members (`/connections/{payer}`) go this
 * way. The index only finds: it is read eventually consistent, so every hit is read again by its key, and counts only if
 * it is of this payer and patient.
 */

/** A grant, with what only its member and operators are shown. Times are epoch seconds. */
export interface MemberGrant {
  readonly grant: Grant;
  readonly createdAt: number | undefined;
  /** When it last asked for a token. */
  readonly usedAt: number | undefined;
  /** When its last access token ends. */
  readonly accessExpiresAt: number | undefined;
  /** The request that ended it. */
  readonly revokedBy: string | undefined;
  readonly memberIndex: string | undefined;
  readonly lastEvent: ValuesOf<typeof grantEventAttributes> | undefined;
}

/** Reads it from its item. */
export const readMemberGrant = (item: Item): MemberGrant => {
  const read = readerOf(grantAttributes, item);
  return {
    grant: readGrant(item),
    createdAt: read('createdAt'),
    usedAt: read('usedAt'),
    accessExpiresAt: read('accessExpiresAt'),
    revokedBy: read('revokedBy'),
    memberIndex: read('memberIndex'),
    lastEvent: read('lastEvent'),
  };
};

/** What a member's own page reads of a grant: nothing that opens anything. */
export const memberGrantAttributes = [
  'grantId',
  'payer',
  'partner',
  'patient',
  'scope',
  'refreshable',
  'createdAt',
  'usedAt',
  'redeemedAt',
  'endsAt',
  'expiresAt',
  'accessExpiresAt',
  'revokedAt',
  'revokedBy',
  'lastEvent',
] as const satisfies readonly (keyof typeof grantAttributes)[];

/**
 * The ids of the grants under an index. A grant that was just made may be missing for a moment.
 * @param send makes each call, and decides what a failure means. @default it becomes `temporarily_unavailable`
 */
export const grantsUnder = async (
  { client, name }: { readonly client: Pick<DynamoDBClient, 'send'>; readonly name: string },
  index: string,
  send: <T>(call: () => Promise<T>) => Promise<T> = (call) => sendOrUnavailable(call()),
): Promise<string[]> => {
  const ids: string[] = [];
  let from: Item | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await send(() =>
      client.send(
        new QueryCommand({
          TableName: name,
          IndexName: memberIndex.index,
          KeyConditionExpression: `${memberIndex.key} = :index`,
          ExpressionAttributeValues: { ':index': { S: index } },
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      ),
    );
    ids.push(...Items.flatMap((item) => readerOf(grantAttributes, item)('grantId') ?? []));
    from = LastEvaluatedKey;
  } while (from !== undefined);
  return ids;
};

/** Whether a grant is this member's. */
export const isOfMember = (
  { payer, patient }: { readonly payer: string; readonly patient?: string | undefined },
  member: Member,
): boolean => payer === member.payer && patient === member.patient;

/**
 * Reads one grant of a member, strongly consistent; undefined if it is gone or another's.
 * @throws GatewayError `temporarily_unavailable`
 */
export const getMemberGrant = async (
  table: Table,
  grantId: string,
  member: Member,
): Promise<MemberGrant | undefined> => {
  const item = await getItem(table, writeItem(grantAttributes, { grantId }), projectionOf(memberGrantAttributes));
  const found = item === undefined ? undefined : readMemberGrant(item);
  return found !== undefined && isOfMember(found.grant, member) ? found : undefined;
};

/** Who ends a grant: its member, or an operator by hand. */
export type Ender = 'member' | NonNullable<Parameters<typeof revoke>[3]['by']>;

/** A grant that is to end, and whose approvals of its app no longer count; `stops` undefined if the app can have none. */
export interface EndedGrant {
  readonly grantId: string;
  readonly stops: StoppedApp | undefined;
}

/**
 * Ends a grant, after noting that its app is stopped, so that no approval from before makes another. False if it had ended
 * already.
 * @param now epoch seconds
 * @throws GatewayError `temporarily_unavailable`
 */
export const endGrant = async (
  table: Table,
  { grantId, stops }: EndedGrant,
  by: Ender,
  at: { readonly now: number; readonly requestId: string },
): Promise<boolean> => {
  if (stops !== undefined) await noteStop(table, stops, at);
  return by === 'member' ? revoke(table, grantId, 'byMember', at) : revoke(table, grantId, 'byOperator', { ...at, by });
};

/** How long to wait before looking again, in milliseconds, since a new grant can take a moment to appear in the index. */
const beforeLookingAgainMs = 2000;

/** The most rounds, since new grants of a member who keeps signing in would otherwise keep the loop running. */
const mostRounds = 10;

/** What {@link endAllGrants} needs. */
export interface Ending<T> {
  /** Ends one, and returns whether that worked. One that had ended already has worked. */
  readonly end: (grant: T) => Promise<boolean>;
  /** The member's living grants; undefined if only the first ones were meant. */
  readonly findLiving: (() => Promise<readonly T[]>) | undefined;
  readonly wait: (ms: number) => Promise<unknown>;
}

/** What became of it. */
export interface Ended {
  readonly ended: number;
  readonly failed: number;
  /** Whether a last look found no living grant. */
  readonly isDone: boolean;
}

/**
 * Ends grants, looks again for ones that were made in the meantime, and goes on until there are none. It stops at the first
 * round in which one could not be ended.
 */
export const endAllGrants = async <T>(
  first: readonly T[],
  { end, findLiving, wait }: Ending<T>,
  rounds = mostRounds,
): Promise<Ended> => {
  let [ended, living] = [0, first];
  for (let round = 0; round < rounds; round += 1) {
    let failed = 0;
    for (const grant of living) {
      if (await end(grant)) ended += 1;
      else failed += 1;
    }
    if (failed > 0) return { ended, failed, isDone: false };
    if (findLiving === undefined) return { ended, failed, isDone: true };
    await wait(beforeLookingAgainMs);
    living = await findLiving();
    if (living.length === 0) return { ended, failed, isDone: true };
  }
  return { ended, failed: 0, isDone: false };
};
