import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readBuffered, readPrelude, streamedAnswer, unpaced } from '../../sandbox/aws/proxy-response.ts';

const prelude = Buffer.from(JSON.stringify({ statusCode: 206, headers: { 'X-A': 'é\u0000 is escaped' } }));
const end = Buffer.alloc(8);
/** It contains NUL bytes itself, at its start and as many as end a prelude. */
const body = Buffer.from('\0\0body\0\0\0\0\0\0\0\0more');
const whole = Buffer.concat([prelude, end, body]);

const read = async (chunks: readonly Buffer[]) => {
  const payload = Readable.from(chunks, { objectMode: false });
  const head = await readPrelude(payload);
  return { head, body: await buffer(payload) };
};
const expected = {
  head: { status: 206, headers: { 'x-a': 'é\u0000 is escaped', 'content-type': 'application/json' } },
  body,
};

describe("a stream's prelude and its eight NUL bytes", () => {
  it('may arrive in two chunks, cut anywhere', async () => {
    for (let cut = 1; cut < whole.length; cut += 1) {
      expect(await read([whole.subarray(0, cut), whole.subarray(cut)])).toEqual(expected);
    }
  });

  it('may arrive byte by byte', async () => {
    expect(await read([...whole].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('may be the whole answer', async () => {
    expect(await read([prelude, end])).toEqual({ ...expected, body: Buffer.alloc(0) });
  });

  it.each([
    ['seven NUL bytes', Buffer.concat([prelude, Buffer.alloc(7), Buffer.from('body')])],
    ['no prelude', Buffer.from('just a body')],
    ['64 KB without an end', Buffer.alloc(70_000, 'x')],
    ['nothing', Buffer.alloc(0)],
  ])('are missing where there is %s', async (_name, bytes) => {
    await expect(read([bytes])).rejects.toThrow('starts with a prelude and eight NUL bytes');
  });
});

it('a prelude without an end is given up after 64 KB, however much follows', async () => {
  let given = 0;
  const endless = Readable.from(
    (function* chunks() {
      for (;;) {
        given += 1;
        yield Buffer.alloc(1024, 'x');
      }
    })(),
    { objectMode: false, highWaterMark: 1024 },
  );
  await expect(readPrelude(endless)).rejects.toThrow('starts with a prelude');
  endless.destroy();
  expect(given).toBeGreaterThan(64);
  expect(given).toBeLessThan(70);
});

const buffered = (answer: unknown, binaryMediaTypes: readonly string[] = []) =>
  readBuffered(Readable.from([Buffer.from(JSON.stringify(answer))]), binaryMediaTypes);

describe('a buffered answer', () => {
  it('has lower-case header names, numbers and booleans as text, and no header with another value', async () => {
    const headers = { 'X-One': 'a', 'X-Number': 7, 'X-Flag': true, 'X-Null': null, 'X-List': ['a'] };
    expect((await buffered({ statusCode: '201', headers })).headers).toEqual({
      'x-one': 'a',
      'x-number': '7',
      'x-flag': 'true',
      'content-type': 'application/json',
    });
    expect((await buffered({ statusCode: '201' })).status).toBe(201);
  });

  it("keeps API Gateway's own names for API Gateway", async () => {
    const names = ['Connection', 'Content-Length', 'Date', 'Server', 'Transfer-Encoding', 'WWW-Authenticate'];
    const headers = Object.fromEntries(names.map((name) => [name, 'x']));
    const multiValueHeaders = { 'www-authenticate': ['Bearer', 'Basic'] };
    const sent = (await buffered({ statusCode: 200, headers, multiValueHeaders })).headers;
    expect(sent).toEqual({
      'x-amzn-remapped-connection': 'x',
      'x-amzn-remapped-content-length': 'x',
      'x-amzn-remapped-date': 'x',
      'x-amzn-remapped-server': 'x',
      'x-amzn-remapped-transfer-encoding': 'x',
      'x-amzn-remapped-www-authenticate': ['Bearer', 'Basic'],
      'content-type': 'application/json',
    });
  });

  it.each([
    ['no status', {}],
    ['half a status', { statusCode: 200.5 }],
    ['an informational status', { statusCode: 199 }],
    ['a status over 599', { statusCode: 600 }],
    ['a body that is not text', { statusCode: 200, body: { a: 1 } }],
    ['several values that are no list', { statusCode: 200, multiValueHeaders: { 'X-A': 'a' } }],
    ['a list in the place of an answer', []],
    ['nothing', null],
  ])('with %s is malformed', async (_name, answer) => {
    await expect(buffered(answer)).rejects.toMatchObject({ name: 'MalformedResponseError' });
  });

  it.each([
    ['binary and in base64', 'image/png', true, [0, 255, 254]],
    ['binary, and text', 'image/png', false, [65, 80, 47, 43]],
    ['in base64, and of a type that is not binary', 'text/plain', true, [65, 80, 47, 43]],
  ])('that is %s is sent as these bytes', async (_name, type, isBase64Encoded, bytes) => {
    const answer = { statusCode: 200, headers: { 'Content-Type': type }, isBase64Encoded, body: 'AP/+' };
    expect([...(await buffered(answer, ['image/*'])).body]).toEqual(bytes);
  });

  it('is accepted up to 6 MB', async () => {
    const envelope = JSON.stringify({ statusCode: 200, body: '' }).length;
    const most = 6 * 1024 * 1024 - envelope;
    expect((await buffered({ statusCode: 200, body: 'x'.repeat(most) })).body).toHaveLength(most);
    await expect(buffered({ statusCode: 200, body: 'x'.repeat(most + 1) })).rejects.toThrow('larger than 6 MB');
  });
});

const streamed = async (sizes: readonly number[], limit: number): Promise<number[]> => {
  const passed: number[] = [];
  const payload = Readable.from(sizes.map((size) => Buffer.alloc(size)));
  for await (const chunk of streamedAnswer(payload, { limit })) passed.push(chunk.length);
  return passed;
};

it("a streamed answer passes up to Lambda's limit, and is cut beyond it", async () => {
  expect(await streamed([4, 6], 10)).toEqual([4, 6]);
  await expect(streamed([4, 6, 1], 10)).rejects.toThrow('larger than 200 MB');
});

it('a streamed answer that is silent for five minutes is cut, and one that speaks in time is not', async () => {
  const never = async function* () {
    yield Buffer.from('half');
    await new Promise(() => {});
  };
  const slow = async function* () {
    for (const word of ['a', 'b', 'c']) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield Buffer.from(word);
    }
  };
  const all = async (chunks: AsyncIterable<Buffer>, silenceMs: number): Promise<string> => {
    let text = '';
    for await (const chunk of streamedAnswer(chunks, { silenceMs })) text += String(chunk);
    return text;
  };
  await expect(all(never(), 20)).rejects.toThrow('silent for too long');
  expect(await all(slow(), 5000)).toBe('abc');
});

it('a streamed answer comes at 2 MB a second after its first 6 MB, as AWS says', async () => {
  const startedMs = performance.now();
  const lastMs: number[] = [];
  const sizes = [6 * 1024 * 1024, 256 * 1024, 256 * 1024];
  for await (const _ of streamedAnswer(Readable.from(sizes.map((size) => Buffer.alloc(size)))))
    lastMs.push(performance.now() - startedMs);

  expect(lastMs[0]).toBeLessThan(100);
  expect(lastMs[1]).toBeGreaterThan(120);
  expect(lastMs[2]).toBeGreaterThan(245);
});

it('a streamed answer has 200 MB at most', async () => {
  const megabyte = Buffer.alloc(1024 * 1024);
  const most = Array.from({ length: 200 }, () => megabyte);
  const passed = async (chunks: readonly Buffer[]): Promise<number> => {
    let bytes = 0;
    for await (const chunk of streamedAnswer(Readable.from(chunks), { pace: unpaced })) bytes += chunk.length;
    return bytes;
  };
  expect(await passed(most)).toBe(200 * 1024 * 1024);
  await expect(passed([...most, Buffer.alloc(1)])).rejects.toThrow('larger than 200 MB');
});
