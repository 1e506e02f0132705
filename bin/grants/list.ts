import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { instant } from '../../functions/shared/instant.ts';
import { grantAttributes } from '../../functions/shared/store/attributes.ts';
import { clausesOn, filterOf } from '../../functions/shared/store/expressions.ts';
import { readGrant, type Grant } from '../../functions/shared/store/grant-item.ts';
import { readerOf } from '../../functions/shared/store/items.ts';
import { inColumns } from '../shared/columns.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { scanPages } from '../shared/scan-pages.ts';
import type { GrantCommand } from './flags.ts';

type ListCommand = Extract<GrantCommand, { command: 'list' }>;

/** What a list needs. No key, token or patient leaves the table. */
const attributes = [
  'grantId',
  'payer',
  'partner',
  'via',
  'attestedAt',
  'createdAt',
  'endsAt',
  'expiresAt',
  'revokedAt',
  'redeemedAt',
];

const { exists, absent, is } = clausesOn(grantAttributes);

const heads = ['GRANT', 'PAYER', 'PARTNER', 'MADE', 'BY', 'MEMBER AGREED', 'STATE'];

/**
 * Lists grants as lines, the newest first, and their number last. Reads the whole table, strongly consistent.
 * @param stateOf what to say of a grant
 */
export const listGrants = async (
  table: RegistryTable,
  { via, partner, payer, since }: ListCommand,
  stateOf: (grant: Grant) => string,
): Promise<string[]> => {
  const wanted = filterOf(
    attributes,
    exists('createdAt'),
    ...(payer === undefined ? [] : [is('payer', '=', payer)]),
    ...(partner === undefined ? [] : [is('partner', '=', partner)]),
    ...(via === undefined ? [] : [via === 'identity' ? is('via', '=', via) : absent('via')]),
    ...(since === undefined ? [] : [is('createdAt', '>=', Date.parse(`${since}T00:00:00Z`) / 1000)]),
  );
  const found: { readonly at: number; readonly cells: string[] }[] = [];
  for await (const { items } of scanPages(table, wanted)) {
    for (const item of items) {
      const [grant, read] = [readGrant(item), readerOf(grantAttributes, item)];
      const [at, agreedAt] = [read('createdAt') ?? 0, read('attestedAt')];
      const agreed = agreedAt === undefined ? 'at the payer' : instant(agreedAt);
      const cells = [
        grant.grantId,
        grant.payer,
        grant.partner,
        instant(at),
        grant.via ?? 'sign-in',
        agreed,
        stateOf(grant),
      ];
      found.push({ at, cells });
    }
  }
  const rows = found
    .toSorted((a, b) => b.at - a.at || compareTexts(a.cells[0]!, b.cells[0]!))
    .map(({ cells }) => cells);
  const count = `${rows.length} grant${rows.length === 1 ? '' : 's'}`;
  return rows.length === 0 ? [count] : [...inColumns([heads, ...rows]), count];
};
