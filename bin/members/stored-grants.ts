import { grantAttributes } from '../../functions/shared/store/attributes.ts';
import { clausesOn, filterOf } from '../../functions/shared/store/expressions.ts';
import { readerOf, writeItem } from '../../functions/shared/store/items.ts';
import { grantsUnder, readMemberGrant, type MemberGrant } from '../../functions/shared/store/member-grants.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import { patiently } from '../shared/patience.ts';
import { readItem } from '../shared/read-item.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { scanPages } from '../shared/scan-pages.ts';

/** Reads a grant, strongly consistent. */
export const readStored = async (table: RegistryTable, grantId: string): Promise<MemberGrant | undefined> => {
  const item = await readItem(table, writeItem(grantAttributes, { grantId }));
  return item === undefined ? undefined : readMemberGrant(item);
};

/** The ids of the grants under an index. A grant that was just made may be missing for a moment. */
export const indexedGrants = (table: RegistryTable, index: string): Promise<string[]> =>
  grantsUnder(table, index, (call) => patiently(table.wait, call));

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
