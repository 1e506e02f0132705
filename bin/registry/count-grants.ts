import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { grantAttributes } from '../../functions/shared/store/attributes.ts';
import { clausesOn, filterOf } from '../../functions/shared/store/expressions.ts';
import { isLive, readGrant } from '../../functions/shared/store/grant-item.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { patiently, type Wait } from '../shared/patience.ts';
import type { EndedBy } from './ended-grants.ts';

/** How many living grants would end. */
export interface GrantsCount {
  readonly total: number;
  /** By the key of the entry whose change would end them. */
  readonly byEntry: ReadonlyMap<string, number>;
  /** How many items were read, if the count stopped there: then there may be more. */
  readonly stoppedAfter: number | undefined;
}

/** Parts of the table that are read at the same time. */
const segments = 4;

/** A count stops after this many items, about a gigabyte. */
const mostItems = 500_000;

interface Counting {
  readonly client: DynamoDBClient;
  /** The table Grants. */
  readonly name: string;
  readonly wait: Wait;
}

const { exists, absent, is } = clausesOn(grantAttributes);

/** The attributes that the rule needs. */
const attributes = ['payer', 'partner', 'patient', 'scope', 'refreshable', 'expiresAt', 'revokedAt'] as const;

/**
 * Counts the living grants that would end, by reading the table Grants. Grants made meanwhile are not counted.
 * @param now epoch seconds
 */
export const countGrants = async (
  { client, name, wait }: Counting,
  endedBy: EndedBy,
  now: number,
  most = mostItems,
): Promise<GrantsCount> => {
  const byEntry = new Map<string, number>();
  let [read, isWhole] = [0, true];
  const living = filterOf(attributes, exists('payer'), absent('revokedAt'), is('expiresAt', '>', now));

  const countSegment = async (segment: number): Promise<void> => {
    let from: Item | undefined;
    do {
      if (read >= most) {
        isWhole = false;
        return;
      }
      const page = await patiently(wait, () =>
        client.send(
          new ScanCommand({
            TableName: name,
            ConsistentRead: true,
            Segment: segment,
            TotalSegments: segments,
            ...living,
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        ),
      );
      read += page.ScannedCount ?? 0;
      for (const grant of (page.Items ?? []).map(readGrant).filter((one) => isLive(one, now))) {
        const key = await endedBy(grant);
        if (key !== undefined) byEntry.set(key, (byEntry.get(key) ?? 0) + 1);
      }
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
  };

  await Promise.all(Array.from({ length: segments }, (_, segment) => countSegment(segment)));
  const total = [...byEntry.values()].reduce((sum, count) => sum + count, 0);
  return { total, byEntry, stoppedAfter: isWhole ? undefined : read };
};
