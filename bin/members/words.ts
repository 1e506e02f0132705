import { visibleLine } from '../../config/checks/visible.ts';
import type { RevocationReason } from '../../functions/shared/store/grant-item.ts';
import type { MemberExchange } from './find-exchanges.ts';
import type { GrantEnd } from './find-grants.ts';

/** Why a grant ended, by the reason that the audit has. */
const reasons: Readonly<Record<RevocationReason | 'expired' | 'unused', string>> = {
  expired: 'it expired',
  unused: 'the app never used it',
  byPartner: 'the app ended it',
  byOperator: 'ended by an operator',
  byMember: 'the member ended it, on the page of connections',
  codeReplayed: 'its sign-in code was used twice',
  refreshTokenReused: 'an old token was used again',
  refusedByPayer: 'the health plan refused it',
  otherPatient: "the health plan answered with another member's record",
};

const isReason = (text: string): text is keyof typeof reasons => Object.hasOwn(reasons, text);

/** How a grant ended, as the rest of a sentence. */
export const endInWords = (end: GrantEnd | undefined): string => {
  if (end === undefined) return '';
  const why = isReason(end.reason) ? reasons[end.reason] : 'ended';
  const by = end.operator === undefined ? '' : ` (${end.operator})`;
  const note = end.note === undefined ? '' : `: ${end.note}`;
  return visibleLine(`${why}${by}${note}`);
};

const exchangeOutcomes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    asked: 'asked, without an answer yet',
    consentEnded: 'left out, since the consent had ended',
    ended: 'left out, since an operator had ended it',
    match: 'the health plan knows the member',
    inactive: 'the health plan names the member as no longer in its Group',
    modified: 'the health plan’s answer has rules or an extension that the gateway does not know',
    notNow: 'the health plan’s Group has the member at another time only',
    notPersons: 'the health plan’s Group is not a list of real persons',
    fewer: 'the health plan’s Group has fewer members than it names',
    nomatch: 'the health plan found nobody',
    consentconstraint: 'the health plan does not give the record under this consent',
    notNamed: 'the health plan did not say',
    twoOutcomes: 'the health plan named different outcomes',
    notDelivered: 'it ended, and the new plan got nothing of it',
    stranger: 'the health plan named the member, who was not asked for; nothing was kept',
  }),
);

/** What came of an exchange for a member: `asked whether …: the health plan knows the member`. */
export const exchangeInWords = ({ kind, about, how, ended }: MemberExchange): string => {
  const came =
    about.outcome === 'exported'
      ? `${(about.resources ?? 0).toLocaleString('en-US')} resources about the member`
      : (exchangeOutcomes.get(about.outcome) ?? about.outcome);
  const what = kind === 'match' ? 'asked for a match' : 'asked for the record';
  const by = ended === undefined ? '' : `; ended ${ended.at} by an operator (${ended.operator}): ${ended.note}`;
  return visibleLine(`${what}: ${came}${how === 'partial' || how === 'failed' ? ` (${how})` : ''}${by}`);
};

/** What an interaction is, before the types that it was about. */
const verbs: readonly (readonly [RegExp, string])[] = [
  [/^export file\b/, 'downloaded a file'],
  [/^export manifest\b/, 'read the list of files'],
  [/^export delete\b/, 'deleted the files'],
  [/^export status\b/, 'asked how far the export is'],
  [/^export metadata\b/, 'export: the gateway began to read the whole record'],
  [/^export references\b/, 'export: the gateway read what others refer to'],
  [/^export (?=.)/, 'export: the gateway read'],
  [/^export\b/, 'asked for the whole record as files'],
  [/^search-system\b/, 'searched all types'],
  [/^search-\w+\b/, 'searched'],
  [/^page\b/, 'read the next page'],
  [/^everything\b/, 'read the whole record'],
  [/^operation\b/, 'read what an operation of the health plan returns'],
  [/^vread\b/, 'read an earlier version'],
  [/^history-\w+\b/, 'read earlier versions'],
  [/^read\b/, 'read'],
];

/** What was done, and the types of data: `searched Observation`. */
export const interactionInWords = (interaction: string): string => {
  const [pattern, words] = verbs.find(([one]) => one.test(interaction)) ?? [/^$/, ''];
  const types = interaction.replace(pattern, '').trim();
  const rest = types === 'Patient' && words === 'read the whole record' ? '' : types;
  return visibleLine([words, rest].filter((part) => part !== '').join(' '));
};

const units = ['bytes', 'KB', 'MB', 'GB'] as const;

/** A size for a person: `1.2 MB`. */
export const sizeInWords = (bytes: number): string => {
  let [size, unit] = [bytes, 0];
  for (; size >= 1000 && unit < units.length - 1; unit += 1) size /= 1000;
  return unit === 0 ? `${size} bytes` : `${size.toFixed(1)} ${units[unit]}`;
};
