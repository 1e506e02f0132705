import { writeScopes } from '../../functions/shared/scopes/scopes.ts';
import { isLive } from '../../functions/shared/store/grant-item.ts';
import { isOfMember, type MemberGrant } from '../../functions/shared/store/member-grants.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { factsOf, type EventFacts } from '../audit/event-facts.ts';
import { grantsOfMember, readAllCreated, readCreated } from '../audit/find-events.ts';
import { instantIn } from '../shared/times.ts';
import type { OpenStage } from './open-stage.ts';
import { indexedGrants, readStored, scanUnindexed } from './stored-grants.ts';
import type { Target } from './target.ts';

/** How a grant ended, as far as it is known. */
export interface GrantEnd {
  /** Epoch seconds. */
  readonly at: number | undefined;
  /** `expired`, `unused` (its code was never redeemed), or why it was revoked. */
  readonly reason: string;
  readonly operator?: string | undefined;
  readonly note?: string | undefined;
}

/** A grant of a member. Times are epoch seconds. */
export interface FoundGrant {
  readonly grantId: string;
  readonly partner: string;
  readonly payer: string;
  readonly scope: string;
  readonly createdAt: number | undefined;
  /** When it ends by itself. */
  readonly endsAt: number | undefined;
  /** Whether it is live, and if so whether its code still waits to be redeemed. */
  readonly state: 'living' | 'waiting' | 'ended';
  readonly end: GrantEnd | undefined;
  /** Whether the table still has it, with its index. */
  readonly stored: 'indexed' | 'unindexed' | 'gone';
  /** The member index stored with the grant. */
  readonly memberIndex?: string | undefined;
}

/** What a search found, and where it did not look or found something odd, in sentences. */
export interface Found {
  readonly grants: readonly FoundGrant[];
  readonly remarks: readonly string[];
}

const endOf = ({ grant, lastEvent }: MemberGrant, now: number): GrantEnd | undefined => {
  if (grant.revokedAt !== undefined) {
    const { type, reason, operator, note } = lastEvent ?? {};
    // An index that was added later hides why; the audit still has it.
    return type === 'revoked'
      ? { at: grant.revokedAt, reason: reason ?? 'unknown', operator, note }
      : { at: grant.revokedAt, reason: 'unknown' };
  }
  if (isLive(grant, now)) return undefined;
  return { at: grant.expiresAt, reason: grant.redeemedAt === undefined ? 'unused' : 'expired' };
};

const foundInTable = (stored: MemberGrant, now: number): FoundGrant => {
  const { grant, createdAt, memberIndex } = stored;
  const end = endOf(stored, now);
  return {
    grantId: grant.grantId,
    partner: grant.partner,
    payer: grant.payer,
    scope: writeScopes(grant.scope),
    createdAt,
    endsAt: grant.endsAt,
    state: end === undefined ? (grant.redeemedAt === undefined ? 'waiting' : 'living') : 'ended',
    end,
    stored: memberIndex === undefined ? 'unindexed' : 'indexed',
    memberIndex,
  };
};

const foundInAudit = ({ grant, partner, payer, scope, recorded, ends }: EventFacts): FoundGrant => ({
  grantId: grant,
  partner,
  payer,
  scope: scope ?? '',
  createdAt: instantIn(recorded),
  endsAt: ends === undefined ? undefined : instantIn(ends),
  state: 'ended',
  // Its item went with the end of the grant or of its code, whichever came first. Its other events say more.
  end: { at: undefined, reason: 'unknown' },
  stored: 'gone',
});

const newestFirst = (a: FoundGrant, b: FoundGrant): number => (b.createdAt ?? 0) - (a.createdAt ?? 0);

/** How many items are read between two remarks about how far it is. */
const toldEvery = 100_000;

/** Tells a person how far a long search is, each hundred thousand. */
const counter = (note: (text: string) => void, what: string): ((count: number) => void) => {
  let [total, told] = [0, 0];
  return (count) => {
    total += count;
    if (total - told < toldEvery) return;
    told = total;
    note(`… ${total.toLocaleString('en-US')} ${what} read`);
  };
};

/**
 * Finds a member's grants in the table: by the index, and without `indexOnly` those that have none.
 * @param now epoch seconds
 */
const findInTable = async (
  { grants: table, indexOf }: OpenStage,
  member: Member,
  {
    indexOnly,
    now,
    note,
  }: { readonly indexOnly: boolean; readonly now: number; readonly note: (text: string) => void },
): Promise<Found> => {
  const ids = new Set(await indexedGrants(table, await indexOf(member)));
  if (!indexOnly) {
    const count = counter(note, 'items of the table');
    await scanUnindexed(table, member, (found, read) => {
      for (const { grantId } of found) ids.add(grantId);
      count(read);
    });
  }
  const stored = (await Promise.all([...ids].map((id) => readStored(table, id)))).filter((one) => one !== undefined);
  const others = stored.filter(({ grant }) => !isOfMember(grant, member));
  return {
    grants: stored
      .filter(({ grant }) => isOfMember(grant, member))
      .map((one) => foundInTable(one, now))
      .toSorted(newestFirst),
    remarks: others.map(
      ({ grant }) =>
        `Grant ${grant.grantId} has this member's index and another member's patient. Someone changed it by hand; it was left out.`,
    ),
  };
};

/** Finds the grants of a member that only the audit still has. */
const findInAudit = async (
  bucket: AuditBucket,
  { indexOf }: OpenStage,
  member: Member,
  { known, wholeAudit, note }: { known: ReadonlySet<string>; wholeAudit: boolean; note: (text: string) => void },
): Promise<Found> => {
  const found = new Map<string, FoundGrant>();
  const remarks: string[] = [];
  const ids = (await grantsOfMember(bucket, await indexOf(member))).filter((id) => !known.has(id));
  for (const id of ids) {
    const created = await readCreated(bucket, id);
    const facts = created && factsOf(created);
    if (facts === undefined)
      remarks.push(`The audit has no beginning of grant ${id}: it is older than the audit is kept.`);
    else if (isOfMember(facts, member)) found.set(id, foundInAudit(facts));
    else remarks.push(`The audit has grant ${id} under this member's index, with another patient. It was left out.`);
  }
  if (wholeAudit) {
    for await (const created of readAllCreated(bucket, counter(note, 'grants of the audit'))) {
      const facts = factsOf(created);
      if (isOfMember(facts, member) && !known.has(facts.grant)) found.set(facts.grant, foundInAudit(facts));
    }
  }
  return { grants: [...found.values()], remarks };
};

const oneGrant = async (stage: OpenStage, grantId: string, now: number): Promise<Found> => {
  const stored = await readStored(stage.grants, grantId);
  if (stored !== undefined) return { grants: [foundInTable(stored, now)], remarks: [] };
  const created = await readCreated(await stage.bucket(), grantId);
  return { grants: created === undefined ? [] : [foundInAudit(factsOf(created))], remarks: [] };
};

interface FindOptions {
  readonly indexOnly: boolean;
  readonly wholeAudit: boolean;
  readonly now: number;
  readonly note: (text: string) => void;
}

const outOfReach = ({ indexOnly, wholeAudit }: FindOptions): string[] => [
  ...(indexOnly
    ? [
        'Grants without an index were not looked for (--index-only): if `npm run members -- index` has not run, some may be missing.',
      ]
    : []),
  ...(wholeAudit
    ? []
    : [
        'Grants that ended before the stage had this index are found only with --whole-audit, which reads every grant of the audit.',
      ]),
];

/** Finds the grants that a request is about, in the table and in the audit, the newest first. */
export const findGrants = async (stage: OpenStage, target: Target, options: FindOptions): Promise<Found> => {
  if (target.grant !== undefined) return oneGrant(stage, target.grant, options.now);
  const { member } = target;
  if (member === undefined) return { grants: [], remarks: [] };
  const inTable = await findInTable(stage, member, options);
  const known = new Set(inTable.grants.map(({ grantId }) => grantId));
  const inAudit = await findInAudit(await stage.bucket(), stage, member, { ...options, known });
  return {
    grants: [...inTable.grants, ...inAudit.grants].toSorted(newestFirst),
    remarks: [...inTable.remarks, ...inAudit.remarks, ...outOfReach(options)],
  };
};

/** Finds the grants that a request is about in the table alone. */
export const findStored = async (
  stage: OpenStage,
  { member, grant }: Target,
  options: Omit<FindOptions, 'wholeAudit'>,
): Promise<Found> => {
  if (grant === undefined)
    return member === undefined ? { grants: [], remarks: [] } : findInTable(stage, member, options);
  const stored = await readStored(stage.grants, grant);
  return { grants: stored === undefined ? [] : [foundInTable(stored, options.now)], remarks: [] };
};
