import { visibleLine } from '../../config/checks/visible.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { instant } from '../../functions/shared/instant.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { isBlocked, isPaused } from '../../functions/shared/registry/stops.ts';
import { emptyWords, isEmpty, type ReadEntry } from '../shared/registry-table.ts';
import { damagedIn, differs, type Comparison, type EntryChange } from './compare.ts';
import type { GrantsCount } from './count-grants.ts';
import { fieldChanges } from './fields.ts';
import { lastApplyLine, type LastApply } from './last-apply.ts';
import type { LostExchanges } from './lost-exchanges.ts';

/** What a diff found. */
export interface Diff {
  readonly stage: string;
  /** What the table is compared with: the stage's file, or of `local` what `npm start` serves. */
  readonly source: string;
  readonly tableName: string;
  readonly comparison: Comparison;
  readonly last: LastApply | undefined;
  /** Undefined if no change can end a grant. */
  readonly grants: GrantsCount | undefined;
  /** What runs and is kept of the exchanges that a change affects. */
  readonly exchanges: readonly LostExchanges[];
  /** Epoch seconds. */
  readonly now: number;
}

/** A key as people say it: `payer lakeside`. */
export const entryName = (entryId: string): string => visibleLine(entryId.replace('#', ' '));

/** Who wrote an item's entry, when and why. */
export const writeWords = ({ version, changedAt, changedBy = 'unknown', reason = '' }: ReadEntry): string =>
  visibleLine(
    `version ${version}, ${changedAt === undefined ? 'at an unknown time' : instant(changedAt)}, by ${changedBy}: ${reason}`,
  );

const isPartner = ({ entryId }: ReadEntry): boolean => entryId.startsWith(entryIds.partner(''));

const isStopped = (item: ReadEntry, now: number): boolean =>
  isPartner(item) ? isBlocked(item.stop) : isPaused(item.stop, now);

const stopWords = (item: ReadEntry): string => {
  const { at, until, by, reason } = item.stop!;
  const end = until === undefined ? '' : ` until ${instant(until)}`;
  return visibleLine(`${isPartner(item) ? 'blocked' : 'paused'} since ${instant(at)}${end}, by ${by}: ${reason}`);
};

const stoppedIn = ({ items }: Comparison, now: number): readonly ReadEntry[] =>
  [...items.values()].filter((item) => isStopped(item, now)).toSorted((a, b) => compareTexts(a.entryId, b.entryId));

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** How many grants would end, as a sentence; undefined if none would. */
export const grantsSentence = (grants: GrantsCount | undefined): string | undefined => {
  if (grants === undefined || (grants.total === 0 && grants.stoppedAfter === undefined)) return undefined;
  const { total, stoppedAfter } = grants;
  return stoppedAfter === undefined
    ? `${plural(total, 'living grant')} would end.`
    : `At least ${plural(total, 'living grant')} would end: an estimate, since the count stopped after ${stoppedAfter} items.`;
};

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

/** How many exchanges and Groups a change affects, as sentences. */
export const exchangesSentences = (exchanges: readonly LostExchanges[]): string[] => {
  const countsOf = (lost: LostExchanges['lost']) => {
    const some = exchanges.filter((one) => one.lost === lost);
    const [running, groups] = [sum(some.map((one) => one.running)), sum(some.map((one) => one.groups))];
    return {
      running: running === 0 ? [] : [plural(running, 'running exchange')],
      groups: groups === 0 ? [] : [plural(groups, 'kept Group')],
    };
  };
  const [all, identifier] = [countsOf('exchange'), countsOf('identifier')];
  const under = [...identifier.running, ...identifier.groups].join(' and ');
  return [
    ...all.running.map((running) => `${running} would end.`),
    ...all.groups.map((groups) => `${groups} could no longer be exported.`),
    ...(under === ''
      ? []
      : [`${under} may be under a removed identifier: what was asked goes on, and new matches under it are refused.`]),
  ];
};

const signs = { added: '+', changed: '~', removed: '-', repaired: '!' } as const;

/** What kind of change it is. */
const verbOf = ({ item, before, after }: EntryChange): keyof typeof signs => {
  if (after === undefined) return 'removed';
  if (item?.damaged === true) return 'repaired';
  return before === undefined ? 'added' : 'changed';
};

const remarks = (change: EntryChange, { grants, exchanges, now }: Diff): string[] => {
  const { entryId, item, before, after } = change;
  const count = grants?.byEntry.get(entryId);
  return [
    ...(item?.damaged === true ? [`was changed by hand${after === undefined ? '' : ', and is written again'}`] : []),
    ...(before === undefined || after === undefined
      ? []
      : fieldChanges(before, after).map(({ field, what }) => `${field}: ${what}`)),
    ...(count === undefined ? [] : [`${plural(count, 'living grant')} would end`]),
    ...exchangesSentences(exchanges.filter((one) => one.entryId === entryId)).map((sentence) => sentence.slice(0, -1)),
    ...(item !== undefined && isStopped(item, now) ? [`stays ${stopWords(item)}`] : []),
  ];
};

const changeLines = (change: EntryChange, diff: Diff): string[] => {
  const verb = verbOf(change);
  const comesBack = verb === 'added' && change.item !== undefined ? ' (it was removed before)' : '';
  return [
    `${signs[verb]} ${entryName(change.entryId)}${comesBack}`,
    ...remarks(change, diff).map((line) => `    ${line}`),
  ];
};

const listed = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];

const summaryOf = ({ comparison, grants, exchanges }: Diff): string => {
  const { changes, before } = comparison;
  if (!differs(comparison)) {
    return `No difference: ${plural(before.payers.length, 'payer')}, ${plural(before.partners.length, 'partner')}.`;
  }
  const verbs = Map.groupBy(changes, verbOf);
  const counts = Object.keys(signs).flatMap((verb) => {
    const count = verbs.get(verb as keyof typeof signs)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${verb}`];
  });
  const what = counts.length === 0 ? 'Only pages differ' : counts.join(', ');
  return [`${what}.`, grantsSentence(grants), ...exchangesSentences(exchanges)]
    .filter((line) => line !== undefined)
    .join(' ');
};

/** A diff for people. */
export const diffLines = (diff: Diff): string[] => {
  const { stage, source, tableName, comparison, last, now } = diff;
  return [
    `Stage ${stage}: ${source} and the table ${tableName}`,
    ...(isEmpty(comparison.items) ? [`${emptyWords(stage)} There, blocks come before an apply.`] : []),
    last === undefined ? 'Nothing was applied yet.' : `Last apply: ${lastApplyLine(last)}`,
    ...(comparison.changes.length === 0 ? [] : ['']),
    ...comparison.changes.flatMap((change) => changeLines(change, diff)),
    ...listed(
      'Stopped, which apply does not change:',
      stoppedIn(comparison, now).map((item) => `${entryName(item.entryId)}: ${stopWords(item)}`),
    ),
    ...listed('Pages that do not fit the entries, which apply writes again:', comparison.stalePages),
    '',
    summaryOf(diff),
  ];
};

/** A diff for programs. */
export const diffJson = (diff: Diff): object => {
  const { stage, source, tableName, comparison, last, grants, exchanges, now } = diff;
  return {
    stage,
    file: source,
    table: tableName,
    differs: differs(comparison),
    lastApply: last ?? null,
    entries: comparison.changes.map((change) => ({
      kind: change.kind,
      id: change.id,
      change: verbOf(change),
      fields:
        change.before === undefined || change.after === undefined ? [] : fieldChanges(change.before, change.after),
      livingGrantsEnded: grants?.byEntry.get(change.entryId) ?? 0,
    })),
    stopped: stoppedIn(comparison, now).map(({ entryId, stop }) => ({ entryId, stop })),
    damaged: damagedIn(comparison.items).map(({ entryId }) => entryId),
    stalePages: comparison.stalePages,
    livingGrantsEnded: grants?.total ?? 0,
    isEstimate: grants?.stoppedAfter !== undefined,
    exchanges,
  };
};
