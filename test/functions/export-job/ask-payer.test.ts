import { jest } from '@jest/globals';
import type { JobDeps } from '../../../functions/export-job/job/deps.ts';
import type { WaitForTurn } from '../../../functions/export-job/job/pace.ts';
import { askPayer, type Answer, type Asking } from '../../../functions/export-job/leg/ask-payer.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import type { PayerHttp, PayerResponse } from '../../../functions/shared/payer/http.ts';
import { readText } from '../../../functions/shared/payer/read-text.ts';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import { turns } from '../../support/eventually.ts';
import { fakeTimeouts } from '../../support/fake-timeouts.ts';

const nowMs = Date.parse('2026-06-01T12:00:00Z');
const payer = { id: 'northwind', fhirBaseUrl: 'https://payer.example/r4', quirks: {} } as Payer;
const url = 'https://payer.example/r4/Observation?patient=1';

/** Asks a payer that is reached by this HTTP. */
const ask = (
  payerHttp: PayerHttp,
  quirks: Partial<Payer['quirks']> = {},
  more: Partial<Asking> = {},
  what: 'search' | 'page' | 'read' = 'read',
): Promise<Answer> => {
  const waitForTurn: WaitForTurn = async (_payer, _perSecond, { isWanted }) =>
    (await isWanted()) ? 'turn' : 'unwanted';
  const deps = { clock: { now: () => nowMs, monotonic: () => 0 }, payerHttp, waitForTurn } as unknown as JobDeps;
  const asking = {
    payer: { ...payer, quirks: { ...payer.quirks, ...quirks } },
    accessToken: 'secret',
    secretHeaders: {},
  };
  const lives = { isStillThere: async () => true, stopped: new AbortController().signal };
  return askPayer(deps, { ...asking, ...lives, ...more }, url, 0, what);
};

const responseOf = (status: number, headers: Readonly<Record<string, string>> = {}): PayerResponse => ({
  status,
  headers: { get: (name) => headers[name] ?? null },
  body: null,
});
const json = { 'content-type': 'application/fhir+json' };

describe('an answer to an export', () => {
  it.each([
    [200, { kind: 'failed', fault: 'notJson' }],
    [201, { kind: 'failed', status: 201 }],
    [203, { kind: 'failed', fault: 'notJson' }],
    [301, { kind: 'failed', status: 301 }],
    [400, { kind: 'refused', status: 400 }],
    [401, { kind: 'tokenRefused' }],
    [403, { kind: 'refused', status: 403 }],
    [404, { kind: 'refused', status: 404 }],
    [408, { kind: 'failed', status: 408 }],
    [410, { kind: 'refused', status: 410 }],
    [429, { kind: 'throttled', seconds: 30 }],
    [499, { kind: 'refused', status: 499 }],
    [500, { kind: 'failed', status: 500 }],
    [503, { kind: 'throttled', seconds: 30 }],
    [504, { kind: 'failed', status: 504 }],
  ])('of status %i without JSON has the outcome of that status', async (status, expected) => {
    expect(await ask(async () => responseOf(status))).toEqual(expected);
  });

  it.each([
    ['204 to a search is a page without entries', 204, {}, 'search', { kind: 'json' }],
    ['204 to a page that the payer linked to is a refusal', 204, {}, 'page', { kind: 'refused', status: 204 }],
    ['204 to a read is a failure', 204, {}, 'read', { kind: 'failed', status: 204 }],
    ['403 with a time to wait is throttling', 403, { 'retry-after': '9' }, 'search', { kind: 'throttled', seconds: 9 }],
  ] as const)('of %s', async (_, status, headers, what, expected) => {
    const answer = await ask(async () => responseOf(status, headers), {}, {}, what);

    expect(answer).toMatchObject(expected);
    if (answer.kind !== 'json') return;
    expect(JSON.parse((await readText(answer.response, 1000)) ?? '')).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
    });
    answer.end();
  });

  const text = (content: string): PayerResponse['body'] => ({
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(content);
    },
    cancel: async () => undefined,
  });
  it.each([
    ['application/json+fhir', '{}', { kind: 'otherType', mediaType: 'application/json+fhir' }],
    ['application/fhir+xml', '<Bundle/>', { kind: 'otherType', mediaType: 'application/fhir+xml' }],
    ['text/plain; charset=utf-8', '\ufeff {}', { kind: 'otherType', mediaType: 'text/plain' }],
    ['text/html', '{}', { kind: 'otherType', mediaType: 'text/html' }],
    [undefined, '\n{}', { kind: 'otherType', mediaType: '' }],
    // These may be there for a moment.
    ['text/plain', 'Maintenance', { kind: 'failed', fault: 'notJson' }],
    [undefined, '<html>', { kind: 'failed', fault: 'notJson' }],
    ['text/html', '<html>', { kind: 'failed', fault: 'notJson' }],
    ['application/xhtml+xml', '<html>', { kind: 'failed', fault: 'notJson' }],
    ['text/plain; charset=latin1', '{}', { kind: 'failed', fault: 'notUtf8' }],
  ])('of the media type %s with %j is %j', async (type, body, expected) => {
    const sent = { ...responseOf(200, type === undefined ? {} : { 'content-type': type }), body: text(body) };
    expect(await ask(async () => sent)).toEqual(expected);
  });

  it('of JSON with a status other than 200 is no page', async () => {
    expect(await ask(async () => responseOf(206, json))).toEqual({ kind: 'failed', status: 206 });
  });

  it('has the wait that the payer names, however long it is', async () => {
    const wait = { 'retry-after': '604800' };
    expect(await ask(async () => responseOf(429, wait))).toEqual({ kind: 'throttled', seconds: 604_800 });
  });

  it('has no time if the payer names none', async () => {
    const answer = await ask(async () => responseOf(200, json));
    expect(answer).toMatchObject({ kind: 'json', dateMs: undefined });
    if (answer.kind === 'json') answer.end();
  });

  it('is asked for with the token and FHIR’s media type, or the payer’s own name of it, and the secret headers; a redirect is not followed', async () => {
    const sent: unknown[] = [];
    const http: PayerHttp = async (to, { headers, redirect, method, body } = {}) => {
      sent.push([String(to), { headers, redirect, method, body }]);
      return responseOf(404);
    };
    await ask(http);
    await ask(http, { fhirMediaType: 'application/json+fhir' }, { secretHeaders: { 'x-key': 'k' } });

    const asked = (accept: string, more = {}) => [
      url,
      { headers: { authorization: 'Bearer secret', accept, ...more }, redirect: 'manual' },
    ];
    expect(sent).toEqual([asked('application/fhir+json'), asked('application/json+fhir', { 'x-key': 'k' })]);
  });
});

it.each([
  ['search', 'https://payer.example/r4/Observation/_search', { method: 'POST', body: 'patient=1' }],
  ['page', url, {}],
  ['read', url, {}],
] as const)('the %s of a payer whose searches are posted is sent so', async (what, to, posted) => {
  const sent: unknown[] = [];
  const http: PayerHttp = async (at, { method, body, headers = {} } = {}) => {
    sent.push([String(at), method, body, headers['content-type']]);
    return responseOf(404);
  };

  await ask(http, { searchMethod: 'POST' }, {}, what);

  const { method, body }: { method?: string; body?: string } = posted;
  expect(sent).toEqual([[to, method, body, method && 'application/x-www-form-urlencoded']]);
});

describe('the time of an answer to an export', () => {
  let pass: (ms: number) => void;
  beforeEach(() => {
    pass = fakeTimeouts();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** An HTTP that answers when it is told to, and the signal that it was given. */
  const slow = () => {
    let answer: (response: PayerResponse) => void = () => undefined;
    let given: AbortSignal | undefined;
    const http: PayerHttp = (_to, { signal } = {}) =>
      new Promise((resolve, reject) => {
        given = signal as AbortSignal;
        answer = resolve;
        given.addEventListener('abort', () => reject(given?.reason as Error));
      });
    return { http, answer: (response: PayerResponse) => answer(response), signal: () => given! };
  };

  it.each([
    ['a minute', {}, 60_000],
    ['what the profile says', { timeToFirstByte: 7 }, 7000],
  ])('until its first byte is %s', async (_, quirks, ms) => {
    const { http, signal } = slow();
    const asked = ask(http, quirks);
    await turns();
    pass(ms - 1);
    expect(signal().aborted).toBe(false);
    pass(1);

    expect(await asked).toEqual({ kind: 'failed' });
  });

  it('as a whole is five minutes', async () => {
    const { http, answer, signal } = slow();
    const asked = ask(http);
    await turns();
    answer(responseOf(200, json));
    expect(await asked).toMatchObject({ kind: 'json' });
    pass(299_999);
    expect(signal().aborted).toBe(false);
    pass(1);

    expect(signal().reason).toMatchObject({ name: 'TimeoutError' });
  });

  it.each([
    ['was read', async () => responseOf(200, json)],
    ['is no page', async () => responseOf(404)],
    ['never came', () => Promise.reject(new Error('refused'))],
    ['was blocked', () => Promise.reject(unavailable('blocked'))],
  ] as const)('leaves no timer behind once it %s', async (_, respond) => {
    const answer = await ask(respond).catch(() => undefined);
    if (answer?.kind === 'json') answer.end();

    expect(jest.getTimerCount()).toBe(0);
  });
});

const isGone = (): Promise<boolean> => Promise.resolve(false);
const paced = { ...payer, wholeRecord: { requestsPerSecond: 1 } } as Payer;

it.each([
  ['is deleted', 'gone', { isStillThere: isGone }],
  ['is deleted while it waits for its turn', 'gone', { isStillThere: isGone, payer: paced }],
  ['is stopped', 'failed', { stopped: AbortSignal.abort() }],
  ['is stopped while it waits for its turn', 'failed', { stopped: AbortSignal.abort(), payer: paced }],
])('a payer is asked nothing for an export that %s', async (_, kind, more: Partial<Asking>) => {
  let calls = 0;
  const http: PayerHttp = () => Promise.resolve(responseOf((calls += 404)));

  expect(await ask(http, {}, more)).toEqual({ kind });
  expect(calls).toBe(0);
  await ask(http, {}, { payer: more.payer ?? payer });
  expect(calls).toBe(404);
});
