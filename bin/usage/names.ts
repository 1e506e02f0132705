import { visibleLine } from '../../config/checks/visible.ts';
import type { StageConfig } from '../../config/stage.ts';
import type { FiguresBy } from '../../functions/shared/metrics/figures-query.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import { explainRegistryFailure, openRegistryTable, readAll, type OpenOptions } from '../shared/registry-table.ts';

const prefixOf: Readonly<Record<FiguresBy, string>> = { payer: 'payer#', partner: 'partner#' };

const nameOf = (by: FiguresBy, entry: unknown): string =>
  visibleLine(by === 'payer' ? (entry as Payer).displayName : (entry as Partner).name);

/**
 * The names of a stage's payers or partners, by id, from the table Registry. One that was removed, or that is out of
 * order, has none.
 * @throws Refusal if the table cannot be read
 */
export const readNames = async (
  config: StageConfig,
  by: FiguresBy,
  options: OpenOptions,
): Promise<ReadonlyMap<string, string>> => {
  const { table, close } = await openRegistryTable(config, options);
  try {
    const prefix = prefixOf[by];
    const entries = [...(await readAll(table))].filter(
      ([id, { entry }]) => id.startsWith(prefix) && entry !== undefined,
    );
    return new Map(entries.map(([id, { entry }]) => [id.slice(prefix.length), nameOf(by, entry)]));
  } catch (error) {
    throw explainRegistryFailure(error, config);
  } finally {
    close();
  }
};
