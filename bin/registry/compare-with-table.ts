import { registryData } from '../../config/checks/load.ts';
import type { StageConfig } from '../../config/stage.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { findTable, NoTable } from '../shared/find-table.ts';
import { readAll, type OpenRegistry } from '../shared/registry-table.ts';
import { stageSource } from '../shared/stage-flags.ts';
import { compare } from './compare.ts';
import { countGrants } from './count-grants.ts';
import { canEndGrants, endedBy } from './ended-grants.ts';
import type { RegistryCommand } from './flags.ts';
import { lastApplyIn } from './last-apply.ts';
import { countLost, lossesIn, type LostExchanges } from './lost-exchanges.ts';
import type { Diff } from './tell-diff.ts';

/**
 * Compares a stage's file with its table. The grants are read only if a change can end any, and likewise the exchanges.
 * @param now epoch seconds
 * @throws Refusal
 */
export const lookAt = async (
  config: StageConfig,
  { table }: OpenRegistry,
  command: Exclude<RegistryCommand, { readonly command: 'export' }>,
  now: number,
): Promise<Diff> => {
  const comparison = compare(registryData(config), await readAll(table));
  const countAll = async () => {
    const name = command.grantsTable ?? (await findTable(table.client, config.stage, 'Grants'));
    return countGrants({ ...table, name }, endedBy(comparison), now);
  };
  const countExchanges = async (): Promise<LostExchanges[]> => {
    const losses = lossesIn(comparison);
    if (losses.length === 0) return [];
    try {
      const name = command.exchangesTable ?? (await findTable(table.client, config.stage, 'Exchanges'));
      return await countLost({ ...table, name }, losses, now);
    } catch (error) {
      // The stage was deployed without exchanges.
      if (error instanceof NoTable) return [];
      throw error;
    }
  };
  return {
    stage: config.stage,
    source: stageSource(command, config),
    tableName: table.name,
    comparison,
    last: lastApplyIn(comparison.items.get(entryIds.apply)),
    grants: canEndGrants(comparison) ? await countAll() : undefined,
    exchanges: await countExchanges(),
    now,
  };
};
