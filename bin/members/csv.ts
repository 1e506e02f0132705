import { visibleLine } from '../../config/checks/visible.ts';
import { instant } from '../../functions/shared/instant.ts';
import { numberCell, textCell } from '../shared/csv-cell.ts';
import type { MemberExchange } from './find-exchanges.ts';
import type { FoundGrant } from './find-grants.ts';
import type { ReadOfRecord } from './history.ts';
import type { App } from './names.ts';
import type { Report } from './report-content.ts';
import { exchangeInWords, interactionInWords } from './words.ts';

const heads = [
  'time',
  'event',
  'app',
  'app_id',
  'payer_id',
  'patient_id',
  'grant',
  'request',
  'what',
  'outcome',
  'outcome_text',
  'bytes',
  'operator',
  'note',
] as const;

type Row = Partial<Record<(typeof heads)[number], string | number | undefined>>;

const cell = (value: string | number | undefined): string =>
  typeof value === 'number' ? numberCell(value) : textCell(visibleLine(value ?? ''));

const timeOf = (seconds: number | undefined): string => (seconds === undefined ? '' : instant(seconds));

const grantRows = (grant: FoundGrant, known: Row): Row[] => {
  const { createdAt, end, scope, grantId, state } = grant;
  const rows: Row[] = [{ ...known, grant: grantId, time: timeOf(createdAt), event: 'grant created', what: scope }];
  if (state !== 'ended') return rows;
  const ended = { time: timeOf(end?.at), event: 'grant ended', what: end?.reason, operator: end?.operator };
  return [...rows, { ...known, grant: grantId, ...ended, note: end?.note }];
};

const readRow = (
  read: ReadOfRecord,
  known: Row,
  event = read.interaction.startsWith('export') ? 'export' : 'read',
): Row => ({
  ...known,
  grant: read.grant,
  time: read.at,
  event,
  request: read.request,
  what: interactionInWords(read.interaction),
  outcome: read.outcome,
  outcome_text: read.outcomeText,
  bytes: read.bytes,
  note: read.remark,
});

const exchangeRows = (one: MemberExchange, known: Row): Row[] => {
  const { exchange, partner: _, asked, came, how, about, downloads } = one;
  const consent = [
    ...(about.submitted === undefined ? [] : [`submitted as ${about.submitted}`]),
    ...(about.consent === undefined ? [] : [`consent ${about.consent} (SHA-256 ${about.consentHash ?? 'unknown'})`]),
  ].join('; ');
  const ended = one.ended === undefined ? {} : { operator: one.ended.operator };
  return [
    {
      ...known,
      time: came ?? asked ?? '',
      event: 'exchange',
      grant: exchange,
      what: exchangeInWords(one),
      outcome: how,
      note: consent,
      ...ended,
    },
    ...downloads.map((read) => readRow(read, known, 'exchange file')),
  ];
};

const appCells = (partner: string, apps: ReadonlyMap<string, App>): Row => ({
  app: apps.get(partner)?.name ?? partner,
  app_id: partner,
});

const inOrder = (a: Row, b: Row): number =>
  String(a.time) < String(b.time) ? -1 : String(a.time) > String(b.time) ? 1 : 0;

/** The report as CSV: a head, and a line for each grant's beginning and end, each read, and each exchange and its downloads, in order. */
export const csvOf = ({ payer, patient, apps, history, exchanges }: Report): string => {
  const about = { payer_id: payer.id, patient_id: patient };
  const rows = [
    ...history.grants.flatMap((grant) => grantRows(grant, { ...about, ...appCells(grant.partner, apps) })),
    ...history.reads.map((read) => readRow(read, { ...about, ...appCells(read.partner, apps) })),
    ...exchanges.flatMap((one) => exchangeRows(one, { ...about, ...appCells(one.partner, apps) })),
  ].toSorted(inOrder);
  const lines = rows.map((row) => heads.map((name) => cell(row[name])));
  return [heads.map(textCell), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
};
