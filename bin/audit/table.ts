import { areApart, systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { inColumns } from '../shared/columns.ts';
import { claimedAtOf, contested, contestedIds, detailOf, idOf, nameOf } from './event-facts.ts';
import { exchangeFactsOf } from './exchange-facts.ts';

const heads = ['TIME', 'EVENT', 'PARTNER', 'PAYER', 'GRANT', 'WHAT', 'OUTCOME', 'BYTES'] as const;

const outcomes = { '0': 'ok', '4': 'refused', '8': 'failed' } as const;

const eventOf = (event: AuditEvent): string => {
  const name = nameOf(event);
  if (exchangeFactsOf(event) !== undefined) return /ended$/i.test(name) ? name : `exchange ${name}`;
  return event.type.code === 'rest' ? `read ${name}` : name;
};

/** Summarizes an event of an exchange, without its members' ids: `match: 2 match, 1 nomatch`. */
const exchangeIn = (event: AuditEvent): string | undefined => {
  const facts = exchangeFactsOf(event);
  if (facts === undefined) return undefined;
  const { kind, group, members } = facts;
  const counts = [...Map.groupBy(members, ({ outcome }) => outcome)].map(([outcome, of]) => `${of.length} ${outcome}`);
  const about = group === undefined ? kind : `${kind} ${group}`;
  return [about, counts.join(', ') || undefined].filter((word) => word !== undefined).join(': ');
};

const outcomeOf = ({ outcome, outcomeDesc }: AuditEvent): string =>
  [outcome === undefined ? undefined : outcomes[outcome], outcomeDesc].filter((word) => word !== undefined).join(' ');

/** Why a grant ended or came back, or an entry changed: which fields, who did it, and what they wrote. */
const reasonOf = (event: AuditEvent): string | undefined => {
  const [reason, changed] = [detailOf(event, 'reason'), detailOf(event, 'changed')];
  const note = detailOf(event, 'note');
  if (reason === undefined && changed === undefined && note === undefined) return undefined;
  const operator = idOf(event, systems.operator);
  const words = [changed, detailOf(event, 'until'), reason, operator && `${operator} (claimed)`, note];
  return words.filter((word) => word !== undefined).join(' | ');
};

const isApart = (event: AuditEvent): boolean => areApart(claimedAtOf(event), Date.parse(event.recorded) / 1000);

const whatOf = (event: AuditEvent, isContested: boolean): string => {
  const said = detailOf(event, 'interaction') ?? reasonOf(event) ?? detailOf(event, 'scope');
  const what = [exchangeIn(event), said].filter((one) => one !== undefined).join(' | ') || undefined;
  const [claim, putBack] = [detailOf(event, 'claimedAt'), detailOf(event, 'putBackAt')];
  const claims = claim !== undefined && isApart(event) ? `claims to be of ${claim}` : undefined;
  const words = [
    what,
    claims,
    putBack === undefined ? undefined : `put back ${putBack}`,
    isContested ? contested : undefined,
  ];
  return words.filter((word) => word !== undefined).join(' | ');
};

const rowOf = (event: AuditEvent, ids: ReadonlySet<string>): readonly string[] => [
  event.recorded,
  eventOf(event),
  idOf(event, systems.partner) ?? '',
  idOf(event, systems.payer) ?? '',
  idOf(event, systems.grant) ?? idOf(event, systems.exchange) ?? idOf(event, systems.item) ?? '',
  whatOf(event, ids.has(event.id)),
  outcomeOf(event),
  detailOf(event, 'bytes') ?? '',
];

/** Events as lines for a person, in columns with a heading. */
export const tableOf = (events: readonly AuditEvent[]): string[] => {
  const ids = contestedIds(events);
  return inColumns([heads, ...events.map((event) => rowOf(event, ids))]);
};
