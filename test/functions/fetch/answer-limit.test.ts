import { declaredBytes, mostStreamedBytes } from '../../../functions/fetch/answer-limit.ts';
import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';

const text = JSON.stringify({ resourceType: 'Bundle', entry: Array.from({ length: 40 }, (_, id) => ({ id })) });

/** Reads an answer with a limit, audited. */
const readWith = async (mostBytes: number, response: Response, path = 'Observation') => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.payer.http = async () => response;
  const table = { client: test.dynamo.client, name: 'AuditEvents' };
  const deps = { ...test.deps, ...readEventWriter(table, test.deps.clock), mostBytes };
  const answer = await read(deps, path, token);
  const ended = [...test.dynamo.items('AuditEvents').values()].find(({ type }) => type?.S === 'ended');
  return { answer, log: test.log()[0] ?? {}, signals: signalsOf(test.lines[0]), ended };
};

/** In pieces of 100 bytes, with no length in its head. */
const streamed = (type = 'application/fhir+json'): Response => {
  const chunks = text.match(/.{1,100}/g) ?? [];
  const body = new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(Buffer.from(chunk));
    },
  });
  return new Response(body, { headers: { 'content-type': type } });
};

describe('an answer larger than Lambda streams', () => {
  it.each([
    ['FHIR', 'application/fhir+json', 'Observation'],
    ['a document', 'application/pdf', 'Binary/1'],
  ])('is cut before the limit: %s', async (_name, type, path) => {
    const { answer, log, signals, ended } = await readWith(250, streamed(type), path);
    expect(answer.error).toBeDefined();
    expect(answer.text).toBe(text.slice(0, 200));
    expect(log).toMatchObject({
      level: 'error',
      outcome: 'failed',
      error: 'answer_too_large',
      bytes: 200,
      detail: 'cut after 200 bytes: GatewayError:answer_too_large',
    });
    expect(signals).toEqual(['answerTooLarge']);
    expect(ended).toMatchObject({ status: { N: '200' }, error: { S: 'answer_too_large' }, bytes: { N: '200' } });
  });

  it('arrives whole if it is exactly as large as the limit', async () => {
    const { answer, log } = await readWith(text.length, streamed());
    expect(answer).toMatchObject({ error: undefined, text });
    expect(log).toMatchObject({ outcome: 'ok', bytes: text.length });
  });

  it('is refused before its first byte if the payer states its length, with what to request instead', async () => {
    const response = fhir(text, { headers: { 'content-length': String(text.length) } });
    const { answer, log, signals, ended } = await readWith(text.length - 1, response);
    expect(answer).toMatchObject({ statusCode: 502, error: undefined });
    expect(issueOf(answer)).toMatchObject({ code: 'too-costly', diagnostics: expect.stringContaining('_count') });
    expect(log).toMatchObject({ outcome: 'failed', error: 'answer_too_large' });
    expect(signals).toEqual(['answerTooLarge']);
    expect(ended).toMatchObject({ status: { N: '502' }, error: { S: 'answer_too_large' } });
  });

  it('is one of more than 200 MB, including what precedes the body', () => {
    expect(mostStreamedBytes).toBeLessThan(200 * 1024 * 1024);
    expect(mostStreamedBytes).toBeGreaterThan(199 * 1024 * 1024);
  });

  it.each([
    ['12', null, 12],
    ['12', 'gzip', 0],
    ['', null, 0],
    ['1e9', null, 0],
    [null, null, 0],
  ])('is detected from a Content-Length of %j with the coding %j: %d', (length, coding, bytes) => {
    const headers = new Headers();
    if (length !== null) headers.set('content-length', length);
    if (coding !== null) headers.set('content-encoding', coding);
    expect(declaredBytes({ status: 200, headers, body: null })).toBe(bytes);
  });
});
