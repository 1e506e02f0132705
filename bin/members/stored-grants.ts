import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { grantAttributes, grantEventAttributes, type ValuesOf } from '../../functions/shared/store/attributes.ts';
import { clausesOn, filterOf } from '../../functions/shared/store/expressions.ts';
import { readGrant, type Grant } from '../../functions/shared/store/grant-item.ts';
import { readerOf, writeItem, type Item } from '../../functions/shared/store/items.ts';
import { memberIndex, type Member } from '../../functions/shared/store/member-index.ts';
import { patiently } from '../shared/patience.ts';
import { readItem } from '../shared/read-item.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { scanPages } from '../shared/scan-pages.ts';

/** A grant as the table Grants has it, with what only operators read. */
export interface StoredGrant {
  readonly grant: Grant;
  /** Epoch seconds. */
  readonly createdAt: number | undefined;
  readonly hasIndex: boolean;
  readonly lastEvent: ValuesOf<typeof grantEventAttributes> | undefined;
}

const storedGrantOf = (item: Item): StoredGrant => {
  const read = readerOf(grantAttributes, item);
  return {
    grant: readGrant(item),
    createdAt: read('createdAt'),
    hasIndex: read('memberIndex') !== undefined,
    lastEvent: read('lastEvent'),
  };
};

/** Reads a grant, strongly consistent. */
export const readStored = async (table: RegistryTable, grantId: string): Promise<StoredGrant | undefined> => {
  const item = await readItem(table, writeItem(grantAttributes, { grantId }));
  return item === undefined ? undefined : storedGrantOf(item);
};

/** The ids of the grants under an index. A grant that was just made may be missing for a moment. */
export const grantsUnder = async (table: RegistryTable, index: string): Promise<string[]> => {
  const ids: string[] = [];
  let from: Item | undefined;
  do {
    const page = await patiently(table.wait, () =>
      table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: memberIndex.index,
          KeyConditionExpression: `${memberIndex.key} = :index`,
          ExpressionAttributeValues: { ':index': { S: index } },
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        }),
      ),
    );
    ids.push(...(page.Items ?? []).flatMap((item) => readerOf(grantAttributes, item)('grantId') ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return ids;
};

/** Parts of the table that are read at the same time. */
const segments = 4;

const { exists, absent, is } = clausesOn(grantAttributes);

/** A grant that a member's request finds only by reading the whole table. */
export type Unindexed = Member & { readonly grantId: string };

/**
 * Reads the whole table for grants that know their patient and have no index.
 * @param member only that member's. @default everybody's
 * @param onPage gets what a page had, and how many items were read for it; the scan waits for it
 */
export const scanUnindexed = async (
  table: RegistryTable,
  member: Member | undefined,
  onPage: (found: readonly Unindexed[], read: number) => Promise<void> | void,
): Promise<void> => {
  const ofMember =
    member === undefined
      ? [exists('payer'), exists('patient')]
      : [is('payer', '=', member.payer), is('patient', '=', member.patient)];
  const wanted = filterOf(['grantId', 'payer', 'patient'], ...ofMember, absent('memberIndex'));
  const scanSegment = async (segment: number): Promise<void> => {
    for await (const page of scanPages(table, { Segment: segment, TotalSegments: segments, ...wanted })) {
      const found = page.items.flatMap((item) => {
        const read = readerOf(grantAttributes, item);
        const [grantId, payer, patient] = [read('grantId'), read('payer'), read('patient')];
        return grantId === undefined || payer === undefined || patient === undefined
          ? []
          : [{ grantId, payer, patient }];
      });
      await onPage(found, page.read);
    }
  };
  await Promise.all(Array.from({ length: segments }, (_, segment) => scanSegment(segment)));
};
