import { sealGroupBody } from '../../shared/exchanges/group.ts';
import { exchangeOwner, noteMade, putGroupBody, putGroupHead } from '../../shared/store/exchanges.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { exchangeDeps, type JobDeps } from '../job/deps.ts';
import type { JobState, KeptGroup } from '../state/state.ts';
import type { ExchangeLeg } from './exchange-leg.ts';
import type { ReadGroup } from './read-group.ts';

const groupKeyBytes = 32;

/** Keeps a Group of matched members, which nobody can use yet: the audit must name its members first. */
export const keepGroup = async (
  { deps, item }: ExchangeLeg,
  { id, line, entries, members }: ReadGroup,
): Promise<KeptGroup> => {
  const owner = exchangeOwner(item);
  const key = deps.randomBytes(groupKeyBytes);
  const place = { owner, id };
  const box = await deps.sealForJob({ group: `${owner}/${id}`, partner: item.partner }, 'group key', key);
  const { table } = exchangeDeps(deps);
  const { exportId } = item;
  await noteMade(table, { ...place, exportId, expiresAt: item.expiresAt });
  const chunks = await putGroupBody(table, {
    ...place,
    key: box,
    exportId,
    expiresAt: item.grantEndsAt,
    body: await sealGroupBody(deps, key, place, { resource: line, members }),
  });
  return { id, entries, key: Buffer.from(box).toString('base64'), chunks };
};

/**
 * Makes the Groups of a match usable, once the audit names their members. A repeat writes the same.
 * @throws GatewayError `temporarily_unavailable`
 */
export const publishGroups = async (
  deps: JobDeps,
  item: Export,
  { groups = [] }: Pick<JobState['known'], 'groups'>,
): Promise<void> => {
  for (const { id, entries, key, chunks } of groups) {
    await putGroupHead(exchangeDeps(deps).table, {
      owner: exchangeOwner(item),
      id,
      code: 'match',
      members: entries,
      key: Buffer.from(key, 'base64'),
      exportId: item.exportId,
      createdAt: item.startedAt,
      expiresAt: item.grantEndsAt,
      chunks,
    });
  }
};
