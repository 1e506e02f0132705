import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readPrelude, upToStreamedLimit } from '../../sandbox/aws/proxy-response.ts';

const prelude = Buffer.from(JSON.stringify({ statusCode: 206, headers: { 'X-A': 'é\u0000 is escaped' } }));
const end = Buffer.alloc(8);
/** It has NUL bytes of its own, at its start and as many as end a prelude. */
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

  it('may be all that there is', async () => {
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

const streamed = async (sizes: readonly number[], limit: number): Promise<number[]> => {
  const passed: number[] = [];
  const payload = Readable.from(sizes.map((size) => Buffer.alloc(size)));
  for await (const chunk of upToStreamedLimit(payload, limit)) passed.push(chunk.length);
  return passed;
};

it("a streamed answer passes up to Lambda's limit, and is cut where there is more", async () => {
  expect(await streamed([4, 6], 10)).toEqual([4, 6]);
  await expect(streamed([4, 6, 1], 10)).rejects.toThrow('larger than 200 MB');
});
