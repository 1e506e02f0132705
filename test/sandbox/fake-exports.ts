import type { IncomingMessage, ServerResponse } from 'node:http';

/** The stand-in's export: the behavior that a test sets, and what the stand-in recorded. */
export interface FakeExports {
  /** How many polls are answered 202 before the export is ready. */
  looksUntilDone: number;
  /** The seconds of `Retry-After`. */
  retryAfter: string;
  progress: string;
  /** The lines of each file, by its name. An attachment has no line break at its end. */
  files: Record<string, readonly string[]>;
  /** The `count` of a file in the manifest, or the `size` of an attachment, if it is another. */
  counts: Record<string, number>;
  outcomes: readonly { type: string; outcome: string; count: number; reason?: string }[];
  /** Answers kick-off, status and files with this HTTP status. */
  refusal: number | undefined;
  /** How many of the next requests are answered 503. */
  away: number;
  /** The export that is running or ready. */
  running: string | undefined;
  readonly seen: { method: string; path: string; prefer: string | undefined; authorization: string | undefined }[];
}

export const fakeExports = (): FakeExports => ({
  looksUntilDone: 1,
  retryAfter: '0',
  progress: '1,240 resources, 12 of 21 types',
  files: {
    'Patient-1.ndjson': ['{"resourceType":"Patient","id":"p1"}'],
    'Observation-1.ndjson': [
      '{"resourceType":"Observation","id":"o1","valueQuantity":{"value":71.00}}',
      // A line separator (U+2028) may be part of a JSON string.
      '{"resourceType":"Observation","id":"o2","valueString":"two\u2028lines"}',
    ],
  },
  counts: {},
  outcomes: [
    { type: 'Patient', outcome: 'complete', count: 1 },
    { type: 'Observation', outcome: 'complete', count: 2 },
  ],
  refusal: undefined,
  away: 0,
  running: undefined,
  seen: [],
});

const refuse = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'Content-Type': 'application/fhir+json' });
  response.end(JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ diagnostics: text }] }));
};

/** Answers requests to exports of the payer `plan`. Returns whether this was one. */
export const answerExport = (
  fake: FakeExports,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): boolean => {
  const { method = '', headers } = request;
  const { pathname: path } = new URL(request.url ?? '/', origin);
  const isKickOff = path === '/r4/plan/Patient/$export';
  if (!isKickOff && !path.startsWith('/exports/plan/')) return false;
  fake.seen.push({
    method,
    path,
    prefer: headers['prefer'] as string | undefined,
    authorization: headers.authorization,
  });
  if (fake.away > 0) {
    fake.away -= 1;
    response.setHeader('Retry-After', '0');
    refuse(response, 503, 'later');
  } else if (fake.refusal !== undefined) refuse(response, fake.refusal, 'because <i>so</i>');
  else if (isKickOff) beginExport(fake, origin, response);
  else answerAt(fake, origin, method, path, response);
  return true;
};

const beginExport = (fake: FakeExports, origin: string, response: ServerResponse): void => {
  const status = fake.running === undefined ? 202 : 429;
  fake.running ??= `export-${fake.seen.length}`;
  response.writeHead(status, { 'Content-Location': `${origin}/exports/plan/${fake.running}` }).end();
};

const answerAt = (fake: FakeExports, origin: string, method: string, path: string, response: ServerResponse): void => {
  const [, , , id = '', name] = path.split('/');
  if (id !== fake.running) return refuse(response, 404, 'There is no such export.');
  if (method === 'DELETE') {
    fake.running = undefined;
    response.writeHead(202).end();
    return;
  }
  if (name !== undefined) {
    const lines = fake.files[name] ?? [];
    if (name.startsWith('attachment')) {
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end(lines.join('\n'));
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/fhir+ndjson' }).end(`${lines.join('\n')}\n`);
    return;
  }
  if (fake.looksUntilDone > 0) {
    fake.looksUntilDone -= 1;
    response.writeHead(202, { 'X-Progress': fake.progress, 'Retry-After': fake.retryAfter }).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json', Expires: 'Fri, 04 Dec 2026 08:00:00 GMT' });
  response.end(JSON.stringify(manifestOf(fake, origin)));
};

const manifestOf = (fake: FakeExports, origin: string): object => {
  const files = Object.entries(fake.files).map(([name, lines]) => ({
    type: name.startsWith('errors') ? 'OperationOutcome' : name.split('-')[0],
    url: `${origin}/exports/plan/${fake.running}/${name}`,
    count: fake.counts[name] ?? (name.startsWith('attachment') ? lines.join('\n').length : lines.length),
  }));
  return {
    transactionTime: '2026-11-27T08:00:00Z',
    request: `${origin}/r4/plan/Patient/$export`,
    requiresAccessToken: true,
    output: files.filter(({ type }) => type !== 'OperationOutcome' && type !== 'attachment'),
    error: files.filter(({ type }) => type === 'OperationOutcome'),
    extension: {
      complete: fake.outcomes.every(({ outcome }) => outcome === 'complete'),
      outcomes: fake.outcomes,
      attachments: files
        .filter(({ type }) => type === 'attachment')
        .map(({ url, count }) => ({ url, contentType: 'text/plain', size: count, hash: '' })),
    },
  };
};
