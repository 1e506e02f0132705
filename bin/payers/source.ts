import type { StageConfig } from '../../config/stage.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/errors.ts';
import { findNamed } from '../shared/find-named.ts';
import { NoTable } from '../shared/find-table.ts';
import { itemsOf, nameItem, type NamedItem } from '../shared/registry-list.ts';
import { explainRegistryFailure, isThere, openRegistryTable, readFilled, readOne } from '../shared/registry-table.ts';
import { payerPause } from './pause.ts';
import type { FoundPayer } from './registry-findings.ts';

/** Where payers are read from. */
export interface SourceOptions {
  readonly config: StageConfig;
  /** The file that a person edits for the stage. */
  readonly file: string;
  readonly environment: NodeJS.ProcessEnv;
  /** A payer's id. @default all payers */
  readonly id: string | undefined;
}

const namesOf = (stage: string) => ({ stage, kind: 'payer', idKind: 'payer id' });

/** The payers in a stage's file, or the one with this id. @throws Refusal if there is no such payer */
export const payersInFile = ({ stage, payers }: StageConfig, id: string | undefined): FoundPayer[] => {
  const all = payers.map((payer) => ({ id: payer.id, name: payer.displayName, payer }));
  return id === undefined ? all : [findNamed(all, id, namesOf(stage))];
};

type NamedPayer = FoundPayer & { readonly name: string | undefined };

const foundIn = ({ id, name, item }: NamedItem): NamedPayer => ({
  id,
  name,
  payer: item.damaged ? undefined : (item.entry as Payer | undefined),
  stop: item.stop,
});

/**
 * The payers in a stage's registry, or only the one with this id, if there is one.
 * @throws NoTable, Refusal if the registry cannot be read
 */
const payersInRegistry = async ({ config, environment, id }: SourceOptions): Promise<readonly NamedPayer[]> => {
  const { table, close } = await openRegistryTable(config, { environment, tool: 'payers' });
  try {
    const item = id === undefined ? undefined : await readOne(table, entryIds.payer(id));
    if (item !== undefined && isThere(item)) return [foundIn(nameItem(payerPause, item))];
    return itemsOf(payerPause, (await readFilled(table, config.stage)).values()).map(foundIn);
  } catch (error) {
    throw explainRegistryFailure(error, config);
  } finally {
    close();
  }
};

/**
 * The payers in a stage's registry; those in its file if there is no registry yet, or, for the doctor, if it cannot be
 * read, which it says.
 * @throws UsageError, Refusal
 */
export const payersOfStage = async (
  options: SourceOptions,
  { evenIfUnreadable, note }: { readonly evenIfUnreadable: boolean; readonly note: (text: string) => void },
): Promise<readonly FoundPayer[]> => {
  const { stage } = options.config;
  let all: readonly NamedPayer[];
  try {
    all = await payersInRegistry(options);
  } catch (error) {
    const isNoTable = error instanceof NoTable;
    if (!isNoTable && !(evenIfUnreadable && error instanceof Refusal)) throw error;
    const found = payersInFile(options.config, options.id);
    const why = isNoTable ? `Stage ${stage} has no registry yet.` : `The registry was not read: ${error.message}`;
    note(`${why} The payers are those in ${options.file}.`);
    return found;
  }
  return options.id === undefined ? all : [findNamed(all, options.id, namesOf(stage))];
};
