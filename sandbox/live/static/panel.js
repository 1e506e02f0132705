import { make } from './rows.js';
import { clock, isAudit, laneNames, lasts, sizeOf, storedText, targetOf, took } from './text.js';

/** Names and values, where a mark can be searched for. */
const list = (pairs, find) => {
  const dl = make('dl');
  for (const [name, value] of pairs) {
    const dd = make('dd');
    for (const part of String(value).split(/(•[0-9a-f]{6})/)) {
      if (!part.startsWith('•')) {
        dd.append(part);
        continue;
      }
      const mark = make('button', 'mark', part);
      mark.type = 'button';
      mark.title = 'Search for the same value';
      mark.addEventListener('click', () => find(part));
      dd.append(mark);
    }
    dl.append(make('dt', '', name), dd);
  }
  return dl;
};

const section = (title, pairs, find) =>
  pairs === undefined || pairs.length === 0 ? [] : [make('h3', '', title), list(pairs, find)];

const given = (pairs) => pairs.filter(([, value]) => value !== undefined);

const explain = ({ error, detail, explanation: known, reference }) => {
  if (error === undefined) return [];
  const box = make(
    'div',
    'notice bad',
    make('p', '', make('strong', '', error), known === undefined ? '' : `: ${known.says}`),
  );
  if (detail !== undefined) box.append(make('p', '', `Logged: ${detail}`));
  if (known?.href !== undefined) {
    const link = make('a', '', 'This request in the API documents');
    link.href = known.href;
    box.append(make('p', '', link));
  }
  if (reference !== undefined)
    box.append(make('p', '', 'All of its log lines: ', make('code', '', `npm run trace -- ${reference}`)));
  return [box];
};

const hopParts = (event, flow, { find }) => {
  const facts = given([
    ['from', laneNames[event.from]],
    ['to', event.service],
    ['status', event.status === undefined ? 'not answered yet' : String(event.status)],
    ['time taken', event.ms === undefined ? 'still open' : took(event.ms)],
    ['reference', event.reference],
    ['step', event.step],
    ['FHIR', event.interaction],
    ['payer’s status', event.payerStatus === undefined ? undefined : String(event.payerStatus)],
    ['payer’s time', event.payerMs === undefined ? undefined : took(Math.round(event.payerMs))],
    ['size', event.bytes === undefined ? undefined : sizeOf(event.bytes)],
  ]);
  return [
    ...explain(event),
    list(facts, find),
    ...section('Query', event.query, find),
    ...section('Sent in the body', event.form, find),
    ...section('Request headers', event.request, find),
    ...section('Answer headers', event.answer, find),
    ...section('Answer', event.body, find),
  ];
};

const storedParts = (event, flow, { find }) => [
  list(
    given([
      ['written by', event.by],
      ['kept', event.ttlSeconds === undefined ? 'as long as before' : `for ${lasts(event.ttlSeconds)}`],
      ['result', event.refused ? 'refused: its condition did not hold' : undefined],
    ]),
    find,
  ),
  ...section('Attributes', event.attributes, find),
  ...(isAudit(event)
    ? [make('p', 'muted', 'The audit: who read what of which record, and when. npm run audit shows it.')]
    : []),
  make('p', 'muted', 'Secrets are stored as hashes or sealed, and their values are never sent to this page.'),
];

const stepParts = (event, flow, { find }) => [list([['by', event.by], ...event.facts], find)];

const titles = {
  hop: (event) => `${event.method} ${targetOf({ path: event.path, query: [] })}`,
  stored: (event) => `${event.by} ${storedText(event)}`,
  step: (event) => `${event.by} ${event.text}`,
};
const parts = { hop: hopParts, stored: storedParts, step: stepParts };

/**
 * Draws the details of an event.
 * @param tools `find` and `close`
 */
export const drawPanel = (panel, event, flow, tools) => {
  const title = make('h2', '', titles[event.kind](event));
  title.id = 'panel-title';
  title.tabIndex = -1;
  const close = make('button', 'close', 'Close');
  close.type = 'button';
  close.addEventListener('click', tools.close);
  const named = given([
    ['at', clock(event.at)],
    ['grant', flow?.grant],
    ['payer', flow?.payer],
    ['client', flow?.partner],
  ]);
  panel.replaceChildren(
    make('div', 'panel-head', title, close),
    list(named, tools.find),
    ...parts[event.kind](event, flow, tools),
  );
  return title;
};
