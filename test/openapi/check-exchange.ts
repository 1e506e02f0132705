import { gunzipSync } from 'node:zlib';
import { words } from '../support/words.ts';
import { codesIn, operations, partsOf, type DocumentedAnswer, type Operation } from './document.ts';
import { answerFor, frontDoorOf, operationsAt } from './match.ts';
import type { Exchange } from './observe.ts';
import { problemsOf } from './validate.ts';

/** Which documented answers an exchange showed, and where it differs from the document. */
export interface Checked {
  /** The documented answers that this exchange showed, for example `token 400` and `token 400 invalid_grant`. */
  readonly seen: readonly string[];
  readonly problems: readonly string[];
}

/** The gateway's error code of a request, by the reference that its answer names; undefined if it logged none. */
export type CodeOf = (reference: string) => string | undefined;

/** Headers that say something to a partner: an answer has none of them that is not documented. */
const telling = words(`
  allow content-location etag expires last-modified location ratelimit ratelimit-policy retry-after www-authenticate
  x-progress
`);

const jsonOf = ({ body, headers }: Exchange): Record<string, unknown> | undefined => {
  try {
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const value: unknown = JSON.parse(text.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/** AWS's own answers are an OAuth error and an OperationOutcome at once. */
const isFromFrontDoor = (exchange: Exchange): boolean => {
  const { error, resourceType } = jsonOf(exchange) ?? {};
  return error !== undefined && resourceType === 'OperationOutcome';
};

const headerProblems = (exchange: Exchange, answer: DocumentedAnswer): string[] => {
  const documented = new Map(
    [...partsOf(answer, 'headers')].map(([name, { pointer, node }]) => [name.toLowerCase(), { pointer, node }]),
  );
  const wrong = [...documented].flatMap(([name, { pointer, node }]) => {
    const value = exchange.headers[name];
    if (value === undefined) return node['required'] === true ? [`no ${name}`] : [];
    return problemsOf(`${pointer}/schema`, value).map((why) => `${name}: ${value}: ${why}`);
  });
  const others = telling.filter((name) => name in exchange.headers && !documented.has(name));
  return [...wrong, ...others.map((name) => `${name} is not documented`)];
};

const bodyProblems = (exchange: Exchange, answer: DocumentedAnswer): string[] => {
  const contents = partsOf(answer, 'content');
  if (!exchange.whole || exchange.method === 'HEAD' || exchange.status === 304) return [];
  if (exchange.body.length === 0 && contents.size === 0) return [];
  const type = exchange.headers['content-type']?.split(';')[0] ?? '';
  const content = contents.get(type) ?? contents.get('*/*');
  if (content === undefined) return [`${type || 'a body without a type'} is not documented`];
  if (!/[/+]json$/.test(type) || !contents.has(type)) return [];
  return problemsOf(`${content.pointer}/schema`, jsonOf(exchange)).map((why) => `body: ${why}`);
};

/** Where an error's sentence is: a body, or a redirect's query. */
const textOf = ({ body, headers }: Exchange): string =>
  `${body.toString('utf8')} ${decodeURIComponent((headers['location'] ?? '').replaceAll('+', ' '))}`;

const referenceOf = (exchange: Exchange): string | undefined =>
  /[Rr]eference:? ([0-9a-f]{8}-[0-9a-f]{4})/.exec(textOf(exchange))?.[1];

const issueTypeOf = (exchange: Exchange): string | undefined => {
  const [issue] = (jsonOf(exchange)?.['issue'] ?? []) as readonly { code?: string }[];
  return issue?.code;
};

/** The code of an answer, and what is wrong about it. */
const checkCode = (
  exchange: Exchange,
  answer: DocumentedAnswer,
  codeOf: CodeOf,
): { readonly code?: string; readonly problems: readonly string[] } => {
  const reference = exchange.method === 'HEAD' || !exchange.whole ? undefined : referenceOf(exchange);
  const code = reference === undefined ? undefined : codeOf(reference);
  if (code === undefined) return { problems: [] };
  const listed = codesIn(answer.description).find((one) => one.code === code);
  if (listed === undefined) return { problems: [`${code} is not documented`] };
  const issueType = issueTypeOf(exchange);
  const isListed = issueType === undefined || listed.issueTypes.includes(issueType);
  return { code, problems: isListed ? [] : [`${code} as ${issueType} is not documented`] };
};

const checkAnswer = (exchange: Exchange, { id }: Operation, answer: DocumentedAnswer, codeOf: CodeOf): Checked => {
  const { code, problems } = checkCode(exchange, answer, codeOf);
  const name = `${id} ${answer.status}`;
  return {
    seen: code === undefined ? [name] : [name, `${name} ${code}`],
    problems: [...problems, ...headerProblems(exchange, answer), ...bodyProblems(exchange, answer)],
  };
};

const nothing: Checked = { seen: [], problems: [] };

/** Below a payer's base, paths that FHIR does not have are answered as reads are. */
const anyRead = operations.find(({ id }) => id === 'read') as Operation;

/** What holds of every path, as the document's introduction says. */
const checkEveryPath = (exchange: Exchange, isKnown: boolean, codeOf: CodeOf): Checked => {
  const { status, headers, url } = exchange;
  if (exchange.method === 'OPTIONS') {
    return status === 204 && 'allow' in headers ? nothing : { seen: [], problems: ['OPTIONS has no 204 with Allow'] };
  }
  if (url.startsWith('/r4/')) {
    const answer = status < 400 ? undefined : answerFor(anyRead, status);
    if (answer === undefined) return { seen: [], problems: ['it is not documented'] };
    return { seen: [], problems: checkAnswer(exchange, anyRead, answer, codeOf).problems };
  }
  if (isKnown && status === 405 && 'allow' in headers) return nothing;
  return { seen: [], problems: [isKnown ? 'the method is not documented' : 'the path is not documented'] };
};

const checkDocumented = (exchange: Exchange, codeOf: CodeOf): Checked => {
  const found = operationsAt(exchange.url);
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
  const operation = found.find((one) => one.method === method);
  if (isFromFrontDoor(exchange)) {
    const answer = frontDoorOf(operation ?? anyRead);
    return answer === undefined ? nothing : checkAnswer(exchange, operation ?? anyRead, answer, () => undefined);
  }
  if (operation === undefined) return checkEveryPath(exchange, found.length > 0, codeOf);
  const answer = answerFor(operation, exchange.status);
  if (answer === undefined) return { seen: [], problems: [`${operation.id} has no ${exchange.status}`] };
  return checkAnswer(exchange, operation, answer, codeOf);
};

/** What arrives at a redirect URI from the callback, which is the gateway's own. */
const checkCallback = ({ status, headers }: Exchange): Checked => {
  if (status !== 302) return nothing;
  const parameters = new URL(headers['location'] ?? '').searchParams;
  const missing = ['iss'].filter((name) => !parameters.has(name));
  const error = parameters.get('error');
  const wrong = error === null ? [] : problemsOf('/components/schemas/RedirectErrorCode', error);
  return { seen: [], problems: [...missing.map((name) => `no ${name} in the redirect`), ...wrong] };
};

/** Holds an exchange against the document. */
export const checkExchange = (exchange: Exchange, codeOf: CodeOf): Checked => {
  const { seen, problems } = exchange.url.startsWith('/oauth2/callback/')
    ? checkCallback(exchange)
    : checkDocumented(exchange, codeOf);
  const what = `${exchange.method} ${exchange.url.replace(/\?.*/s, '')} ${exchange.status}`;
  return { seen, problems: problems.map((why) => `${what}: ${why}`) };
};

/** Error codes of requests by their reference, from the functions' log lines. */
export const codesOfLog = (lines: readonly string[]): CodeOf => {
  const codes = new Map<string, string>();
  for (const line of lines) {
    if (!line.includes('"requestId"') || !line.includes('"error"')) continue;
    const { requestId, error } = JSON.parse(line) as { requestId?: string; error?: string };
    if (requestId !== undefined && error !== undefined) codes.set(requestId.slice(0, 13), error);
  }
  return (reference) => codes.get(reference);
};

/** Everything that the document says can be answered: `operation status`, and `operation status code`. */
export const documentedAnswers: readonly string[] = operations.flatMap(({ id, answers }) =>
  answers.flatMap(({ status, description }) => [
    `${id} ${status}`,
    ...codesIn(description).map(({ code }) => `${id} ${status} ${code}`),
  ]),
);
