import { nowSeconds } from '../../shared/clock.ts';
import { sealGroupBody } from '../../shared/exchanges/group.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { getGroupHead, noteMade, noteMixed, putGroupBody, putGroupHead } from '../../shared/store/groups.ts';
import { exchangeDeps, type JobDeps } from '../job/deps.ts';
import type { JobState, KeptGroup } from '../state/state.ts';
import type { ExchangeLeg } from './exchange-leg.ts';
import type { ReadGroup } from './read-group.ts';

const groupKeyBytes = 32;

/**
 * A hash of whom a payer's Group has: its members, and how many entries name somebody else. The Group's own place goes in, so that the same patients
 * in another Group are not recognized by it.
 */
const hashOfPatients = (owner: string, { id, entries, members }: ReadGroup): string =>
  sha256(JSON.stringify([owner, id, entries, members.map(({ reference }) => reference).sort()]));

/** Notes that a Group of members who were not matched has an id that may be that of one whose members were. */
export const noteOthers = ({ deps, item }: ExchangeLeg, group: ReadGroup): Promise<void> => {
  const owner = exchangeOwner(item);
  return noteMixed(exchangeDeps(deps).table, { owner, id: group.id, patients: hashOfPatients(owner, group) });
};

/** Keeps a Group of matched members, which nobody can use yet: the audit must name its members first. */
export const keepGroup = async ({ deps, item, problems }: ExchangeLeg, group: ReadGroup): Promise<KeptGroup> => {
  const { id, line, entries, members } = group;
  const owner = exchangeOwner(item);
  const key = deps.randomBytes(groupKeyBytes);
  const place = { owner, id };
  const box = await deps.sealForJob({ group: `${owner}/${id}`, partner: item.partner }, 'group key', key);
  const { table } = exchangeDeps(deps);
  const { exportId } = item;
  const patients = hashOfPatients(owner, group);
  const other = await getGroupHead(table, owner, id, nowSeconds(deps.clock));
  if (other !== undefined && other.exportId !== exportId && other.patients !== patients)
    problems.add({ kind: 'groupOfTwo', type: 'Group' });
  await noteMade(table, { ...place, exportId, createdAt: item.startedAt, expiresAt: item.expiresAt });
  const chunks = await putGroupBody(table, {
    ...place,
    key: box,
    exportId,
    expiresAt: item.grantEndsAt,
    body: await sealGroupBody(deps, key, place, { resource: line, members }),
  });
  return { id, entries, key: Buffer.from(box).toString('base64'), chunks, patients };
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
  for (const { id, entries, key, chunks, patients = item.exportId } of groups) {
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
      patients,
    });
  }
};
