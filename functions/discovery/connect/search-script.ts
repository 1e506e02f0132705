/**
 * Searches while the member types, and lets the arrow keys move through the plans. It builds what `search-page.ts` does,
 * by text only. If a search fails, the form still works.
 */
export const searchScript = `
const form = document.querySelector('form[role=search]');
const field = document.getElementById('q');
const list = document.getElementById('plans');
const status = document.getElementById('status');
const words = JSON.parse(form.dataset.words);
const clientId = form.elements.client_id.value;
const known = new Map();
let latest = 0, timer, broken = false;

const element = (name, text, className) => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
};
const planOf = ({ id, name, otherNames, linesOfBusiness, available }) => {
  const button = element('button', '', 'plan');
  Object.assign(button, { name: 'payer', value: id, disabled: !available });
  button.append(element('strong', name));
  if (otherNames.length) button.append(element('span', words.also + ': ' + otherNames.join(', '), 'muted'));
  if (linesOfBusiness.length) button.append(element('span', words.members + ': ' + linesOfBusiness.join(', '), 'muted'));
  if (!available) button.append(element('em', words.unavailable));
  const item = document.createElement('li');
  item.append(button);
  return item;
};
const countOf = ({ total, payers }) => {
  const { none, begin, one, many, more } = words.counts;
  const text = !total ? none : !payers.length ? begin : total === 1 ? one : total > payers.length ? more : many;
  return text.replace('{n}', total.toLocaleString(words.locale));
};
const ask = async (typed) => {
  const query = new URLSearchParams({ client_id: clientId, q: typed });
  const answer = await fetch(form.action + '/payers?' + query, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error();
  return answer.json();
};
const search = async () => {
  const typed = field.value.trim();
  const turn = (latest += 1);
  try {
    if (!known.has(typed)) known.set(typed, await ask(typed));
    if (turn !== latest) return;
    broken = false;
    list.replaceChildren(...known.get(typed).payers.map(planOf));
    status.textContent = countOf(known.get(typed));
  } catch {
    if (turn !== latest) return;
    broken = true;
    status.textContent = words.counts.failed;
  }
};
field.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(search, 120);
});
form.addEventListener('submit', (event) => {
  if (broken || event.submitter?.name === 'payer') return;
  event.preventDefault();
  clearTimeout(timer);
  void search();
});
form.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined && event.key !== 'Escape') return;
  const stops = [field, ...list.querySelectorAll('button:enabled')];
  const at = stops.indexOf(document.activeElement);
  const next = step === undefined ? field : stops[at + step];
  if (at === -1 || next === undefined || (at === 0 && step === undefined)) return;
  event.preventDefault();
  next.focus();
});
`;
