import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { progressOf } from '../../functions/shared/exports/progress.ts';
import { instant } from '../../functions/shared/instant.ts';
import { exportAttributes } from '../../functions/shared/store/attributes.ts';
import { readExport, type Export } from '../../functions/shared/store/export-item.ts';
import { clausesOn, filterOf, type Clause } from '../../functions/shared/store/expressions.ts';
import { inColumns } from '../shared/columns.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { scanPages } from '../shared/scan-pages.ts';
import type { ListCommand } from './flags.ts';
import { stateOf, whatIsRead } from './state.ts';

/** What a list needs. No key, token or patient leaves the table. */
const attributes = [
  'exportId',
  'exchange',
  'group',
  'payer',
  'partner',
  'status',
  'startedAt',
  'expiresAt',
  'callbackId',
  'waitingSince',
  'resources',
  'resourcesTotal',
  'typesDone',
  'typesTotal',
  'attachments',
];

const { exists, is } = clausesOn(exportAttributes);

/** Reads the whole table, strongly consistent. */
const scan = async (table: RegistryTable, clauses: readonly Clause[]): Promise<Export[]> => {
  const found: Export[] = [];
  const wanted = filterOf(attributes, exists('exportId'), ...clauses);
  for await (const { items } of scanPages(table, wanted)) found.push(...items.map(readExport));
  return found;
};

const heads = ['EXPORT', 'PAYER', 'PARTNER', 'OF', 'BEGUN', 'STATE', 'PROGRESS'];

/**
 * Lists exports and exchanges as lines, the newest first, and their number last.
 * @param now epoch seconds
 */
export const listExports = async (table: RegistryTable, command: ListCommand, now: number): Promise<string[]> => {
  const { payer, partner, state, since } = command;
  const found = await scan(table, [
    ...(payer === undefined ? [] : [is('payer', '=', payer)]),
    ...(partner === undefined ? [] : [is('partner', '=', partner)]),
    ...(since === undefined ? [] : [is('startedAt', '>=', since)]),
  ]);
  const rows = found
    .filter((item) => state === undefined || stateOf(item, now) === state)
    .toSorted((a, b) => b.startedAt - a.startedAt || compareTexts(a.exportId, b.exportId))
    .map((item) => [
      item.exportId,
      item.payer,
      item.partner,
      whatIsRead(item),
      instant(item.startedAt),
      stateOf(item, now),
      progressOf(item),
    ]);
  const count = `${rows.length} export${rows.length === 1 ? '' : 's'}`;
  return rows.length === 0 ? [count] : [...inColumns([heads, ...rows]), count];
};
