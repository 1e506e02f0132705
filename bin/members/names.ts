import { visibleLine } from '../../config/checks/visible.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import type { Partner } from '../../functions/shared/registry/types.ts';
import { readOne } from '../shared/registry-table.ts';
import type { OpenStage } from './open-stage.ts';
import type { NamedPayer } from './target.ts';

/** What an app is called; only its id if it is no longer registered. */
export interface App {
  readonly id: string;
  readonly name: string;
  readonly isRegistered: boolean;
}

/** Reads the names of apps, each once. */
export const readApps = async (stage: OpenStage, ids: Iterable<string>): Promise<ReadonlyMap<string, App>> => {
  const apps = [...new Set(ids)].map(async (id): Promise<readonly [string, App]> => {
    const item = await readOne(stage.registry, entryIds.partner(id));
    const entry = item?.damaged === true ? undefined : (item?.entry as Partner | undefined);
    return [id, { id, name: visibleLine(entry?.name ?? id), isRegistered: entry !== undefined }];
  });
  return new Map(await Promise.all(apps));
};

/** What a payer is called. */
export const payerName = ({ id, entry }: NamedPayer): string => visibleLine(entry?.displayName ?? id);

/** How a member ends at the payer what the gateway cannot end there. */
export const howToEndThere = (payer: NamedPayer): string => {
  const website = payer.entry?.brand?.website;
  const name = payerName(payer);
  return (
    `The member can end it at ${name} too: sign in to the member portal${website === undefined ? '' : ` (${website})`}, look for connected ` +
    `or third-party apps, and remove the gateway. Otherwise call ${name}.`
  );
};
