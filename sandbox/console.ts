import { defaultPorts } from '../config/local.ts';
import type { RequestLogLine } from './aws/api-gateway.ts';
import type { LocalClient } from './clients.ts';
import type { LocalStack } from './stack.ts';

const serviceWidth = 16;

/** `gateway          GET /r4/northwind/Patient 200 31 ms`: never a query, a token or a body. */
export const requestLogLine = (service: string, { method, path, status, ms }: RequestLogLine): string =>
  `${service.padEnd(serviceWidth)} ${method} ${path} ${status} ${ms} ms`;

const readRecord = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/** Node quotes the line that threw, and in a bundle that is the whole file. */
const cut = (line: string): string => (line.length > 300 ? `${line.slice(0, 300)} …` : line);

/**
 * A function's log line for a person: what went wrong, or nothing. A line that is not a log record (a stack trace, a
 * Node warning) is shown unchanged.
 */
export const functionLogLine = (name: string, line: string): string | undefined => {
  const service = `  ${name}`.padEnd(serviceWidth);
  const record = readRecord(line);
  if (record === undefined) return line.trim() === '' ? undefined : `${service} | ${cut(line)}`;
  // A line with metrics alone is not shown, and metrics beside an error are omitted like the other fields.
  if (record['level'] === 'info' || (record['level'] === undefined && '_aws' in record)) return undefined;
  const { error = record['errorType'], payer, step, detail, message, errorMessage } = record;
  const at = typeof payer === 'string' ? `(${payer})` : undefined;
  const words = [error, at, step, detail, message, errorMessage];
  return `${service} ! ${words.filter((word) => typeof word === 'string').join(' ')}`;
};

/** How to see who read what, and to try a webhook. The commands expect the local stack on its default port. */
const commandHints = ({ ports, clients }: LocalStack): string[] => {
  const elsewhere = ports.aws === defaultPorts.aws ? '' : `AWS_ENDPOINT_URL=http://127.0.0.1:${ports.aws} `;
  const today = new Date().toISOString().slice(0, 10);
  const { clientId } = clients[0] ?? { clientId: 'demo-partner' };
  const receiver = clients.find(({ webhook }) => webhook !== undefined);
  return [
    '  Who read what:',
    `  ${elsewhere}npm run audit -- --partner ${clientId} --since ${today}`,
    ...(receiver === undefined
      ? []
      : ['  A test event:', `  ${elsewhere}npm run partners -- webhook ${receiver.clientId} --test --stage local`]),
  ];
};

const switchesHint = ['  A payer misbehaves on request: its page /admin has the switches.', ''];

/** What a developer writes into an app: one block for each client that was asked for. */
const clientLines = ({ clients, origin, config }: LocalStack): string[] =>
  clients.flatMap((client) => [`  Your app ${client.clientId}`, ...rowsOf(clientRows(client, origin, config)), '']);

const clientRows = (
  { clientId, secret, redirectUris, webhook }: LocalClient,
  origin: string,
  { payers }: LocalStack['config'],
): readonly (readonly [string, string])[] => [
  ['Client id', clientId],
  ['Client secret', secret ?? 'none: a public client, which must use PKCE'],
  ...redirectUris.map((uri) => ['Redirect URI', uri] as const),
  ...(webhook === undefined
    ? []
    : ([
        ['Webhook', webhook.url],
        ['Webhook secret', webhook.secrets.join(' ')],
      ] as const)),
  ['Token', `${origin}/oauth2/token`],
  ...payers.flatMap(({ id, displayName }) => [
    [`FHIR of ${displayName}`, `${origin}/r4/${id}`] as const,
    ['Authorize', `${origin}/oauth2/authorize/${id}`] as const,
  ]),
];

const rowsOf = (rows: readonly (readonly [label: string, text: string])[]): string[] => {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
};

/** The URLs to open, printed when everything listens. */
export const welcome = (stack: LocalStack): string => {
  const { origin, urls, config, withSandbox } = stack;
  const sandbox = [
    ['Demo partner app', urls.partner],
    ['Demo Health Plan', urls.demoHealthPlan],
    ['Northwind Health', urls.northwind],
    ['Identity provider', urls.identity],
  ] as const;
  const rows = [
    ...(withSandbox ? sandbox : []),
    ['Gateway', origin === urls.gateway ? origin : `${urls.gateway} (its origin is ${origin})`] as const,
    ...config.payers.map(({ id, displayName }) => [`FHIR of ${displayName}`, `${origin}/r4/${id}`] as const),
    ['Live view of the flow', urls.live] as const,
    ['Documents', `${urls.live}/docs`] as const,
    ['AWS (AWS_ENDPOINT_URL)', urls.aws] as const,
  ];
  return [
    '',
    `  Ready. Begin at ${urls.gateway}`,
    '',
    ...rowsOf(rows),
    '',
    ...clientLines(stack),
    ...(withSandbox ? [...switchesHint, ...commandHints(stack), ''] : []),
    '  Ctrl-C stops all.',
    '',
  ].join('\n');
};
