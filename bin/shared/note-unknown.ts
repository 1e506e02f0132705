import type { StageConfig } from '../../config/stage.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { Refusal } from './errors.ts';
import { called, nearest } from './find-named.ts';
import { nameItem } from './registry-list.ts';
import {
  explainRegistryFailure,
  isThere,
  openRegistryTable,
  readAll,
  type OpenOptions,
  type ReadEntry,
} from './registry-table.ts';

/** Ids of which nothing was found; undefined if none was asked for. */
interface AskedFor {
  readonly partner?: string | undefined;
  readonly payer?: string | undefined;
}

const read = async (config: StageConfig, options: OpenOptions): Promise<readonly ReadEntry[]> => {
  const { table, close } = await openRegistryTable(config, options);
  try {
    return [...(await readAll(table)).values()];
  } catch (error) {
    throw explainRegistryFailure(error, config);
  } finally {
    close();
  }
};

/**
 * Notes which ids a stage does not know, so that nobody takes a mistyped one for one that has nothing. The registry is read
 * only if an id was asked for; if it cannot be read, the note says so.
 * @param left what one that was removed may still have, such as `events`
 */
export const noteUnknown = async (
  config: StageConfig,
  askedFor: AskedFor,
  { left, note, ...options }: OpenOptions & { readonly left: string; readonly note: (text: string) => void },
): Promise<void> => {
  const asked = (['partner', 'payer'] as const).flatMap((kind) => {
    const id = askedFor[kind];
    return id === undefined ? [] : [{ kind, id }];
  });
  if (asked.length === 0) return;
  try {
    const items = await read(config, options);
    for (const { kind, id } of asked) {
      const known = items
        .filter((item) => item.entryId.startsWith(entryIds[kind]('')) && isThere(item))
        .map((item) => nameItem({ kind, entryId: entryIds[kind] }, item));
      if (known.some((one) => one.id === id)) continue;
      const meant = nearest(id, known, ({ id: other, name }) => (name === undefined ? [other] : [other, name]));
      const similar =
        meant.length === 0
          ? `, nor one with a similar name; list them with: npm run ${kind}s -- list --stage ${config.stage}`
          : `; did you mean ${meant.map(called).join(', or ')}?`;
      note(`Stage ${config.stage} has no ${kind} "${id}" (one that was removed may still have ${left})${similar}`);
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const names = asked.map(({ kind, id }) => `${kind} "${id}"`).join(' and ');
    note(`Whether stage ${config.stage} has ${names} is not known, since its registry was not read: ${error.message}`);
  }
};
