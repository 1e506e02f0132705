import { randomUUID } from 'node:crypto';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { auditEnded } from '../../functions/shared/exchanges/audit-exchange.ts';
import { instant } from '../../functions/shared/instant.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { endMember, endMemberEarly, exchangeOwner, listUnready } from '../../functions/shared/store/exchanges.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import { groupsOf } from '../shared/groups-of.ts';
import type { MembersToolDeps } from './deps.ts';
import { findExchanges, type MemberExchange } from './find-exchanges.ts';
import { counted } from './find.ts';
import type { App } from './names.ts';
import type { OpenStage } from './open-stage.ts';
import type { Target } from './target.ts';

/** A Group from which a partner can export a member until it expires. */
export interface MemberGroup extends Pick<MemberExchange, 'exchange' | 'partner' | 'payer'> {
  readonly group: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** A match has made the Group, but it cannot be used yet. */
  readonly isUnready?: true;
}

/** Finds the Groups of which a member is one and not ended: by the audit, which has every match, and by the table. */
export const findGroups = async (
  stage: OpenStage,
  { member }: Target,
  { now }: Pick<MembersToolDeps, 'now'>,
): Promise<MemberGroup[]> => {
  const table = await stage.exchanges();
  if (member === undefined || table === undefined) return [];
  const seconds = Math.floor(now() / 1000);
  const found = await findExchanges(await stage.bucket(), member, { until: instant(seconds).slice(0, 10) });
  const matches = found.filter(({ kind, isMatched }) => kind === 'match' && isMatched);
  const hash = sha256(member.patient);
  const groups: MemberGroup[] = [];
  for (const [partner, own] of Map.groupBy(matches, (match) => match.partner)) {
    const exchanges = new Set(own.map(({ exchange }) => exchange));
    const { payer } = member;
    const owner = exchangeOwner({ payer, partner });
    // Those that are not usable yet go first, since they may become usable meanwhile.
    const unready: MemberGroup[] = [];
    for (const exchange of exchanges) {
      for (const { id, ended, expiresAt } of await listUnready(table, owner, exchange, seconds))
        if (!ended.includes(hash)) unready.push({ exchange, partner, payer, group: id, expiresAt, isUnready: true });
    }
    const usable: MemberGroup[] = [];
    for await (const { id, exportId, code, ended, expiresAt } of groupsOf(table, owner, seconds)) {
      const isIn = code === 'match' && exchanges.has(exportId) && !ended.includes(hash);
      if (isIn) usable.push({ exchange: exportId, partner, payer, group: id, expiresAt });
    }
    // A payer may give one id to the Groups of several matches. Whoever is ended in the usable one stays ended in a later one.
    const ids = new Set(usable.map(({ group }) => group));
    groups.push(...unready.filter(({ group }) => !ids.has(group)), ...usable);
  }
  return groups;
};

/** Groups as lines for a person. */
export const groupLines = (groups: readonly MemberGroup[], apps: ReadonlyMap<string, App>): string[] =>
  groups.map(
    ({ group, partner, expiresAt, isUnready }) =>
      `Group ${group} of ${apps.get(partner)?.name ?? partner}, which ${isUnready ? 'is not usable yet' : `can export the member until ${instant(expiresAt)}`}`,
  );

/**
 * Ends a member in Groups, so that later exports leave the member out. Each change is in the audit first.
 * @returns how many failed
 */
export const endInGroups = async (
  stage: OpenStage,
  member: Member,
  groups: readonly MemberGroup[],
  { reason, deps: { output, now } }: { readonly reason: string; readonly deps: MembersToolDeps },
): Promise<number> => {
  const table = await stage.exchanges();
  if (table === undefined || groups.length === 0) return 0;
  const audit = { audit: await stage.auditEvents(), clock: { now } };
  const by = { operator: stage.operator.arn, note: reason };
  let failed = 0;
  for (const { exchange, partner, payer, group, isUnready, expiresAt } of groups) {
    const of = { exportId: exchange, exchange: 'match', partner, payer, group, requestId: randomUUID() } as const;
    try {
      await auditEnded(audit, of, { by, member: `Patient/${member.patient}` });
      const [owner, hash] = [exchangeOwner({ payer, partner }), sha256(member.patient)];
      const end = (): Promise<boolean> => endMember(table, owner, group, hash);
      const endEarly = (): Promise<boolean> => endMemberEarly(table, { owner, id: group, hash, until: expiresAt });
      // A Group that is not usable yet may become usable at any moment. Then it is ended like any other.
      const isThere = (await end()) || (isUnready === true && ((await endEarly()) || (await end())));
      output.out(`Group ${group}  ${isThere ? 'member ended' : 'had expired in the meantime'}`);
    } catch (error) {
      failed += 1;
      output.out(`Group ${group}  NOT ENDED (${error instanceof GatewayError ? error.detail : causeOf(error)})`);
    }
  }
  output.note(
    `The member was ended in ${counted(groups.length - failed, 'Group')}. What is exported from now on leaves the member out, within 30 seconds also what ` +
      'is under way; what was exported before stays with the plan. A match that is still asked, or a new one with a new consent, can bring the member back.',
  );
  return failed;
};
