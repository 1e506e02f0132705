import { sealGroupBody } from '../../shared/exchanges/group.ts';
import { sha256 } from '../../shared/store/crypto.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { noteMade, notePatients, putGroupBody, putGroupHead } from '../../shared/store/groups.ts';
import { exchangeDeps, type JobDeps } from '../job/deps.ts';
import type { JobState, KeptGroup } from '../state/state.ts';
import type { ExchangeLeg } from './exchange-leg.ts';
import type { ReadGroup } from './read-group.ts';
import type { ReadMatch } from './read-groups.ts';

const groupKeyBytes = 32;

/**
 * Notes which patients an answer gives a Group's id to.
 * @param who the Group's patients, or a value that no other answer has
 */
const note = async ({ deps, item }: ExchangeLeg, id: string, who: unknown) => {
  const { payer, grantEndsAt: expiresAt } = item;
  // The hash covers the payer and the id too, so that it does not show that another Group has the same patients.
  const patients = sha256(JSON.stringify([payer, id, who]));
  return { patients, isMixed: await notePatients(exchangeDeps(deps).table, { payer, id, patients, expiresAt }) };
};

/** Notes the members of a Group that the gateway keeps, and how many entries name somebody else. */
const noteGroup = (leg: ExchangeLeg, { id, entries, members }: ReadGroup) =>
  note(leg, id, [entries, members.map(({ reference }) => reference).sort()]);

/**
 * Notes the ids of Groups that were left out, whose members are not known, and of Groups of members who were not matched. Groups of other
 * matches may have the same ids.
 */
export const noteOthers = async (
  leg: ExchangeLeg,
  { unread, groups }: Pick<ReadMatch, 'unread' | 'groups'>,
): Promise<void> => {
  for (const id of unread) await note(leg, id, leg.item.exportId);
  for (const group of groups.filter(({ code }) => code !== 'match')) await noteGroup(leg, group);
};

/** Keeps a Group of matched members, which nobody can use yet: the audit must name its members first. */
export const keepGroup = async (leg: ExchangeLeg, group: ReadGroup): Promise<KeptGroup> => {
  const { deps, item, problems } = leg;
  const { id, line, entries, members } = group;
  const owner = exchangeOwner(item);
  const key = deps.randomBytes(groupKeyBytes);
  const place = { owner, id };
  const box = await deps.sealForJob({ group: `${owner}/${id}`, partner: item.partner }, 'group key', key);
  const { table } = exchangeDeps(deps);
  const { exportId } = item;
  const { patients, isMixed } = await noteGroup(leg, group);
  if (isMixed) problems.add({ kind: 'groupOfTwo', type: 'Group' });
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
