import { drawPanel } from './panel.js';
import { drawRow, make } from './rows.js';
import { createStore } from './store.js';
import { countText } from './text.js';

const byId = (id) => document.getElementById(id);
const list = byId('events');
const panel = byId('panel');
const store = createStore();
const rows = new Map();
const names = { payers: new Map(), partners: new Map() };
let paused = false;
const missed = new Set();
let following = true;
let selected;
let shownGrants = '';
let unsaid = 0;

const filters = () => ({
  search: byId('search').value,
  grant: byId('flow').value,
  payer: byId('payer').value,
  partner: byId('partner').value,
  stored: byId('show-stored').checked,
  errors: byId('show-errors').checked,
  assets: byId('show-assets').checked,
});

const sayCount = () => {
  const shown = list.childElementCount;
  const all = store.ids().length;
  byId('empty').hidden = shown > 0;
  byId('hint').textContent =
    all === 0
      ? 'Connect a health plan in the partner app, and watch each step appear here.'
      : `${all} events do not pass the filters.`;
  byId('empty').firstElementChild.firstElementChild.textContent =
    all === 0 ? 'Nothing has happened yet.' : 'Nothing passes the filters.';
  const hidden = store.ids().filter((id) => !rows.has(id));
  const waiting = hidden.filter((id) => missed.has(id)).length;
  const assets = byId('show-assets').checked
    ? 0
    : hidden.filter((id) => !missed.has(id) && store.get(id).asset === true).length;
  byId('count').textContent = countText({ shown, assets, filtered: hidden.length - assets - waiting, waiting });
};

const scrollToNewest = () => {
  if (following && !paused) window.scrollTo({ top: document.documentElement.scrollHeight });
};

const itemBefore = (id) => {
  for (let item = list.lastElementChild; item !== null; item = item.previousElementSibling) {
    if (Number(item.dataset.id) < id) return item;
  }
  return null;
};

const drawOne = (id, wanted) => {
  const event = store.get(id);
  const known = rows.get(id);
  if (event === undefined || !store.passes(event, wanted)) {
    known?.remove();
    rows.delete(id);
    return;
  }
  const item = drawRow(known ?? make('li'), event, store.flowOf(event));
  item.firstElementChild.setAttribute('aria-current', String(id === selected));
  if (known !== undefined) return;
  rows.set(id, item);
  const before = itemBefore(id);
  if (before === null) list.prepend(item);
  else before.after(item);
};

const drawAll = () => {
  const wanted = filters();
  list.replaceChildren();
  rows.clear();
  for (const id of store.ids()) drawOne(id, wanted);
  sayCount();
  scrollToNewest();
};

const optionsOf = (select, options) => {
  const chosen = select.value;
  select.replaceChildren(
    ...options.map(([value, text]) => {
      const option = make('option', '', text);
      option.value = value;
      return option;
    }),
  );
  if (options.some(([value]) => value === chosen)) select.value = chosen;
};

const drawGrants = () => {
  const options = [
    ['', 'All grants'],
    ...store
      .grants()
      .map(({ grant, payer, partner }) => [
        grant,
        `${grant.slice(0, 6)}… ${names.payers.get(payer) ?? payer ?? ''}, for ${names.partners.get(partner) ?? partner ?? '?'}`,
      ]),
  ];
  // A list that is open must not change without need.
  const text = JSON.stringify(options);
  if (text === shownGrants) return;
  shownGrants = text;
  optionsOf(byId('flow'), options);
};

const closePanel = () => {
  const item = rows.get(selected);
  item?.firstElementChild.setAttribute('aria-current', 'false');
  selected = undefined;
  panel.hidden = true;
  document.body.classList.remove('with-panel');
  item?.firstElementChild.focus();
};

const find = (text) => {
  byId('search').value = text;
  drawAll();
};

const showDetails = (id) => {
  const event = store.get(id);
  if (event === undefined) return undefined;
  rows.get(selected)?.firstElementChild.setAttribute('aria-current', 'false');
  selected = id;
  rows.get(id)?.firstElementChild.setAttribute('aria-current', 'true');
  panel.hidden = false;
  document.body.classList.add('with-panel');
  return drawPanel(panel, event, store.flowOf(event), { find, close: closePanel });
};

const take = (messages) => {
  const { changed, gone } = store.take(messages);
  for (const id of gone) {
    rows.get(id)?.remove();
    rows.delete(id);
  }
  drawGrants();
  unsaid += changed.filter((id) => !rows.has(id)).length;
  if (paused) {
    for (const id of changed) if (!rows.has(id)) missed.add(id);
    return sayCount();
  }
  const wanted = filters();
  for (const id of changed) drawOne(id, wanted);
  if (selected !== undefined && changed.includes(selected) && !panel.contains(document.activeElement))
    showDetails(selected);
  sayCount();
  scrollToNewest();
};

const press = (button, on) => button.setAttribute('aria-pressed', String(on));
const setFollowing = (on) => {
  following = on;
  press(byId('follow'), on);
};

list.addEventListener('click', ({ target }) => {
  const item = target.closest('li');
  if (item !== null) showDetails(Number(item.dataset.id))?.focus();
});
list.addEventListener('keydown', (event) => {
  const item = event.target.closest('li');
  const next = {
    ArrowDown: item?.nextElementSibling,
    ArrowUp: item?.previousElementSibling,
    Home: list.firstElementChild,
    End: list.lastElementChild,
  }[event.key];
  if (next === undefined || next === null) return;
  event.preventDefault();
  if (event.key !== 'End') setFollowing(false);
  next.firstElementChild.focus();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && !panel.hidden) closePanel();
});
byId('filters').addEventListener('input', drawAll);
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('pause').addEventListener('click', () => {
  paused = !paused;
  press(byId('pause'), paused);
  byId('pause').textContent = paused ? 'Resume' : 'Pause';
  if (!paused) {
    missed.clear();
    drawAll();
  }
});
byId('follow').addEventListener('click', () => {
  setFollowing(!following);
  scrollToNewest();
});
byId('clear').addEventListener('click', () => {
  store.clear();
  missed.clear();
  if (!panel.hidden) closePanel();
  drawAll();
  setFollowing(true);
});
// Whoever scrolls up wants to read; whoever scrolls to the end wants what is new.
let lastTop = 0;
let lastHeight = 0;
window.addEventListener('scroll', () => {
  const { scrollHeight, clientHeight } = document.documentElement;
  if (window.scrollY + clientHeight >= scrollHeight - 4) setFollowing(true);
  // A list that became shorter moves the page as well.
  else if (window.scrollY < lastTop && scrollHeight >= lastHeight) setFollowing(false);
  lastTop = window.scrollY;
  lastHeight = scrollHeight;
});
// Seldom, so that a screen reader is not busy with nothing else.
setInterval(() => {
  if (unsaid > 0) byId('news').textContent = `${unsaid} new events`;
  unsaid = 0;
}, 10_000);

const about = async () => {
  const { payers, partners, links } = await (await fetch('about')).json();
  for (const { id, name } of payers) names.payers.set(id, name);
  for (const { id, name } of partners) names.partners.set(id, name);
  optionsOf(byId('payer'), [['', 'All payers'], ...names.payers]);
  optionsOf(byId('partner'), [['', 'All clients'], ...names.partners]);
  byId('links').replaceChildren(
    ...(links ?? []).map(([text, href]) => {
      const link = make('a', '', text);
      link.href = href;
      return link;
    }),
  );
};

const listen = () => {
  const source = new EventSource('events');
  source.addEventListener('open', () => {
    byId('connection').textContent = 'Connected';
    document.body.dataset.connected = 'true';
  });
  source.addEventListener('error', () => {
    byId('connection').textContent = 'Not connected: is npm start running? Trying again.';
    document.body.dataset.connected = 'false';
  });
  source.addEventListener('begin', () => {
    store.reset();
    drawGrants();
    drawAll();
  });
  source.addEventListener('message', ({ data }) => take(JSON.parse(data)));
};

drawGrants();
await about();
listen();
