import { clock, isAudit, isError, laneNames, lanes, lasts, storedText, targetOf, took } from './text.js';

/** An element with a class, and texts or elements in it. */
export const make = (tag, className, ...content) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== undefined));
  return element;
};

const hidden = (text) => make('span', 'hidden', text);

/** The way of a hop over the lanes. Screen readers get words instead. */
const drawHop = ({ from, to }) => {
  const [start, end] = [lanes.indexOf(from), lanes.indexOf(to)];
  const arrow = make('span', `arrow ${start < end ? 'right' : 'left'}`);
  arrow.dataset.from = String(Math.min(start, end));
  arrow.dataset.to = String(Math.max(start, end));
  const way = make('span', 'way', arrow);
  way.setAttribute('aria-hidden', 'true');
  return way;
};

const drawAtGateway = (kind) => {
  const way = make('span', 'way', make('span', `dot ${kind}`));
  way.setAttribute('aria-hidden', 'true');
  return way;
};

const statusOf = (event) => {
  const status = make('span', 'status');
  if (event.status === undefined) status.append(event.ms === undefined ? '…' : 'ended');
  else status.append(hidden('status '), String(event.status));
  return status;
};

const hopCells = (event) => {
  const names = `${laneNames[event.from]} → ${laneNames[event.to]}`;
  const what = make('span', 'what');
  const between = make('span', 'between', names, hidden(': '));
  what.append(between, make('strong', 'method', event.method), ' ', make('span', 'path', event.path));
  if (event.query.length > 0) what.append(make('span', 'query', targetOf({ path: '', query: event.query })));
  if (event.interaction !== undefined) what.append(' ', make('span', 'tag', event.interaction));
  if (event.error !== undefined) what.append(' ', make('span', 'tag bad', event.error));
  return [drawHop(event), what, statusOf(event), make('span', 'ms', event.ms === undefined ? '' : took(event.ms))];
};

const storedCells = (event) => {
  const what = make('span', 'what', make('span', 'by', event.by), ' ', storedText(event));
  if (isAudit(event)) what.append(' ', make('span', 'tag audit', 'who read what'));
  const last = event.attributes.find(([name]) => name === 'lastEvent');
  if (last !== undefined) what.append(' ', make('span', 'tag', last[1]));
  if (event.ttlSeconds !== undefined) what.append(' ', make('span', 'tag', `for ${lasts(event.ttlSeconds)}`));
  return [drawAtGateway(isAudit(event) ? 'stored audit' : 'stored'), what, make('span', 'status'), make('span', 'ms')];
};

const stepCells = (event) => {
  const facts = event.facts.map(([name, value]) => `${name} ${value}`).join(', ');
  const what = make('span', 'what', make('span', 'by', event.by), ' ', event.text, ' ', make('span', 'query', facts));
  return [drawAtGateway('step'), what, make('span', 'status'), make('span', 'ms')];
};

const cells = { hop: hopCells, stored: storedCells, step: stepCells };
const colors = 6;

/** Draws an event into its list item, anew if it was there before. */
export const drawRow = (item, event, flow) => {
  const button = item.firstElementChild ?? make('button');
  button.type = 'button';
  button.className = `row ${event.kind}${isError(event) ? ' bad' : ''}`;
  button.replaceChildren(make('span', 'time', clock(event.at)), ...cells[event.kind](event));
  item.dataset.id = String(event.id);
  item.dataset.flow = flow?.grant === undefined ? '' : String(flow.id % colors);
  if (item.firstElementChild === null) item.append(button);
  return item;
};
