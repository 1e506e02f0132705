import { randomUUID } from 'node:crypto';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { auditEnded } from '../../functions/shared/exchanges/audit-exchange.ts';
import { longestExportSeconds } from '../../functions/shared/exports/longest-export.ts';
import { instant } from '../../functions/shared/instant.ts';
import { everywhereSeconds } from '../../functions/shared/registry/everywhere.ts';
import { sha256 } from '../../functions/shared/store/crypto.ts';
import { exchangeOwner } from '../../functions/shared/store/exchange-items.ts';
import { endMember, endMemberEarly, listUnready } from '../../functions/shared/store/groups.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import { groupsOf } from '../shared/groups-of.ts';
import type { MembersToolDeps } from './deps.ts';
import { findExchanges, type MemberExchange } from './find-exchanges.ts';
import { counted } from './find.ts';
import type { App } from './names.ts';
import type { OpenStage } from './open-stage.ts';
import type { Target } from './target.ts';

/** A Group from which a partner can export a member until it expires, or could. */
export interface MemberGroup extends Pick<MemberExchange, 'exchange' | 'kind' | 'partner' | 'payer'> {
  readonly group: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** `unready`: not usable yet. `replaced`: a later match has its id, but an earlier export of the member may still run. @default usable */
  readonly state?: 'unready' | 'replaced';
}

/** The Groups whose exports have asked for a member and may still run. */
const exportedNow = (exchanges: readonly MemberExchange[], now: number): ReadonlyMap<string, MemberExchange> => {
  const began = instant(now - longestExportSeconds);
  return new Map(
    exchanges
      .filter(({ kind, came, asked = '' }) => kind === 'group' && came === undefined && asked >= began)
      .flatMap((one) => (one.group === undefined ? [] : [[one.group, one]])),
  );
};

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
    const running = exportedNow(
      found.filter((one) => one.partner === partner),
      seconds,
    );
    // Those that are not usable yet go first, since they may become usable meanwhile.
    const unready: MemberGroup[] = [];
    for (const exchange of exchanges) {
      for (const { id, ended, expiresAt } of await listUnready(table, owner, exchange, seconds))
        if (!ended.includes(hash))
          unready.push({ exchange, kind: 'match', partner, payer, group: id, expiresAt, state: 'unready' });
    }
    const usable: MemberGroup[] = [];
    for await (const { id, exportId, code, ended, expiresAt } of groupsOf(table, owner, seconds)) {
      if (code !== 'match' || ended.includes(hash)) continue;
      const at = { partner, payer, group: id, expiresAt };
      const asking = running.get(id);
      if (exchanges.has(exportId)) usable.push({ exchange: exportId, kind: 'match', ...at });
      else if (asking !== undefined)
        usable.push({ exchange: asking.exchange, kind: 'group', ...at, state: 'replaced' });
    }
    // A payer may give one id to the Groups of several matches. Whoever is ended in the usable one stays ended in a later one.
    const ids = new Set(usable.map(({ group }) => group));
    groups.push(...unready.filter(({ group }) => !ids.has(group)), ...usable);
  }
  return groups;
};

const sayOf = ({ state, expiresAt }: MemberGroup): string => {
  if (state === 'unready') return 'is not usable yet';
  return state === 'replaced'
    ? "is a later match's now, while an export of the member from it may still run"
    : `can export the member until ${instant(expiresAt)}`;
};

/** Groups as lines for a person. */
export const groupLines = (groups: readonly MemberGroup[], apps: ReadonlyMap<string, App>): string[] =>
  groups.map((one) => `Group ${one.group} of ${apps.get(one.partner)?.name ?? one.partner}, which ${sayOf(one)}`);

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
  for (const { exchange, kind, partner, payer, group, state, expiresAt } of groups) {
    const of = { exportId: exchange, exchange: kind, partner, payer, group, requestId: randomUUID() };
    try {
      await auditEnded(audit, of, { by, member: `Patient/${member.patient}` });
      const [owner, hash] = [exchangeOwner({ payer, partner }), sha256(member.patient)];
      const end = (): Promise<boolean> => endMember(table, owner, group, hash);
      const endEarly = (): Promise<boolean> => endMemberEarly(table, { owner, id: group, hash, until: expiresAt });
      // A Group that is not usable yet may become usable at any moment. Then it is ended like any other.
      const isThere = (await end()) || (state === 'unready' && ((await endEarly()) || (await end())));
      output.out(`Group ${group}  ${isThere ? 'member ended' : 'had expired in the meantime'}`);
    } catch (error) {
      failed += 1;
      output.out(`Group ${group}  NOT ENDED (${error instanceof GatewayError ? error.detail : causeOf(error)})`);
    }
  }
  output.note(
    `The member was ended in ${counted(groups.length - failed, 'Group')}. What is exported from now on leaves the member out, within ${everywhereSeconds} seconds also what ` +
      'is under way; what was exported before stays with the plan. A match that is still asked, or a new one with a new consent, can bring the member back.',
  );
  return failed;
};
