/** The words for what the page shows. */

export const lanes = ['browser', 'app', 'gateway', 'payer'];
export const laneNames = { browser: 'Browser', app: 'App', gateway: 'Gateway', payer: 'Payer' };

/** Epoch milliseconds as `14:03:07.120`, in the reader's time zone. */
export const clock = (at) => {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
};

/** Milliseconds as `31 ms` or `2.4 s`. */
export const took = (ms) => (ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

const units = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** Seconds as `30 minutes`. */
export const lasts = (seconds) => {
  if (seconds <= 0) return 'no longer';
  const [size, name] = units.find(([unit]) => seconds >= unit * 2) ?? units.at(-1);
  const number = Math.round(seconds / size);
  return `${number} ${name}${number === 1 ? '' : 's'}`;
};

export const sizeOf = (bytes) => {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
};

const queryText = (query) =>
  query.length === 0 ? '' : `?${query.map(([name, value]) => `${name}=${value}`).join('&')}`;

/** What a hop asks for, in full. */
export const targetOf = ({ path, query }) => path + queryText(query);

const places = {
  loginAttempts: 'login attempts',
  grants: 'grants',
  auditEvents: 'audit events',
  limits: 'limits',
  registry: 'registry',
  exports: 'exports',
  bucket: 'the audit bucket',
  files: 'the bucket of exports',
};
const verbs = { put: 'stored in', update: 'updated in', delete: 'deleted from' };

/** A write, as a sentence without its subject. */
export const storedText = ({ action, where, refused }) =>
  `${refused ? 'not ' : ''}${verbs[action] ?? action} ${places[where] ?? where}`;

/** Whether it is the record of who read what. */
export const isAudit = ({ kind, where }) => kind === 'stored' && (where === 'auditEvents' || where === 'bucket');

/** Whether something went wrong. */
export const isError = (event) =>
  event.kind === 'hop' ? event.error !== undefined || (event.status ?? 0) >= 400 : event.failed === true;

const partsOf = (event) => {
  const pairs = [event.query, event.request, event.answer, event.attributes, event.facts].flatMap((list) => list ?? []);
  const { by, where, action, text, service, method, path, status, reference, error, detail, interaction, step } = event;
  return [
    by,
    where,
    action,
    text,
    service,
    method,
    path,
    status,
    reference,
    error,
    detail,
    interaction,
    step,
    ...pairs.flat(),
  ];
};

const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/** How many events are shown, and why the others are not. */
export const countText = ({ shown, assets, filtered, waiting }) => {
  const hidden = [
    ...(assets === 0 ? [] : [counted(assets, 'style or script', 'styles and scripts')]),
    ...(filtered === 0 ? [] : [`${filtered} that the filters leave out`]),
    ...(waiting === 0 ? [] : [`${waiting} more since the pause`]),
  ];
  return `${counted(shown, 'event', 'events')} shown.${hidden.length === 0 ? '' : ` Not shown: ${hidden.join(', ')}.`}`;
};

/** All that can be searched for, in lower case. */
export const searchable = (event, flow) =>
  [...partsOf(event), flow?.grant, flow?.payer, flow?.partner]
    .filter((part) => part !== undefined)
    .join(' ')
    .toLowerCase();
