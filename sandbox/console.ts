import type { RequestLogLine } from './aws/api-gateway.ts';
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

/**
 * A function's log line for a person: what went wrong, or nothing. What is no record (a stack trace, a warning of
 * Node's) is shown as it is.
 */
export const functionLogLine = (name: string, line: string): string | undefined => {
  const service = `  ${name}`.padEnd(serviceWidth);
  const record = readRecord(line);
  if (record === undefined) return line.trim() === '' ? undefined : `${service} | ${line}`;
  if (record['level'] === 'info') return undefined;
  const { error = record['errorType'], payer, step, detail, message, errorMessage } = record;
  const at = typeof payer === 'string' ? `(${payer})` : undefined;
  const words = [error, at, step, detail, message, errorMessage];
  return `${service} ! ${words.filter((word) => typeof word === 'string').join(' ')}`;
};

/** Where to go, once everything listens. */
export const welcome = ({ origin, urls, config, withSandbox }: LocalStack): string => {
  const sandbox = [
    ['Demo partner app', urls.partner],
    ['Demo Health Plan', urls.demoHealthPlan],
    ['Northwind Health', urls.northwind],
  ] as const;
  const rows = [
    ...(withSandbox ? sandbox : []),
    ['Gateway', origin === urls.gateway ? origin : `${urls.gateway} (its origin is ${origin})`] as const,
    ...config.payers.map(({ id, displayName }) => [`FHIR of ${displayName}`, `${origin}/r4/${id}`] as const),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, url]) => `  ${label.padEnd(width)}  ${url}`);
  return ['', ...lines, '', '  Ctrl-C stops all.', ''].join('\n');
};
