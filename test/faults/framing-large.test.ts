import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { createPayerHttp } from '../../functions/shared/payer/http-client.ts';
import { connect, read } from '../conformance/client.ts';
import { startLocalTarget, type LocalTarget } from '../conformance/local-target.ts';
import { baseOf } from '../conformance/target.ts';
import { byHand } from '../support/payer/answers.ts';
import { watchHeld } from '../support/resident-memory.ts';
import { pairwise } from './framing/pairs.ts';
import { codings, connections, frame, framings, manners, nameOf, write, type Cell } from './framing/wire.ts';

const megabyte = 1024 * 1024;
const sizes = [8, 190, 300];
const mostStreamed = 200 * megabyte;

let target: LocalTarget;
let token: string;
beforeAll(async () => {
  target = await startLocalTarget();
  ({ access_token: token } = await connect(target));
});
afterAll(() => target.close());

const line = '{"resource":{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.00}}},\n';
const block = Buffer.from(line.repeat(Math.floor(megabyte / line.length)).padEnd(megabyte));

/** A Bundle of this many megabytes, generated while it is sent. */
const bundleOf = function* (megabytes: number): Generator<Uint8Array> {
  yield Buffer.from('{"resourceType":"Bundle","entry":[');
  for (let sent = 0; sent < megabytes; sent += 1) yield block;
  yield Buffer.from('{}]}');
};

const sums = new Map<number, { bytes: number; sha256: string }>();

const sumOf = (megabytes: number): { bytes: number; sha256: string } => {
  const known = sums.get(megabytes);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  let bytes = 0;
  for (const piece of bundleOf(megabytes)) {
    hash.update(piece);
    bytes += piece.length;
  }
  const sum = { bytes, sha256: hash.digest('hex') };
  sums.set(megabytes, sum);
  return sum;
};

const encoders = {
  gzip: () => createGzip({ level: 1 }),
  deflate: () => createDeflate({ level: 1 }),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
} as const;

/** What the payer sends, and its length. It is compressed, so that it fits in memory. */
const encoded = async (megabytes: number, coding: Cell['coding']): Promise<[Iterable<Uint8Array>, number]> => {
  if (coding === 'identity') return [bundleOf(megabytes), sumOf(megabytes).bytes];
  const bytes = await buffer(Readable.from(bundleOf(megabytes)).pipe(encoders[coding]()));
  return [[bytes], bytes.length];
};

interface Arrived {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly cut: boolean;
}

const arrive = async (manner: Cell['manner'], look: () => Promise<void>): Promise<Arrived> => {
  const url = `${baseOf(target)}/Observation?code=1`;
  const response = await createPayerHttp()(url, { headers: { authorization: `Bearer ${token}` } });
  const hash = createHash('sha256');
  let bytes = 0;
  let cut = false;
  if (manner === 'paused reader') await sleep(500);
  try {
    for await (const piece of response.body ?? []) {
      const isEvery = (megabytes: number): boolean =>
        Math.floor(bytes / (megabytes * megabyte)) < Math.floor((bytes + piece.length) / (megabytes * megabyte));
      if (isEvery(4) && manner === 'slow reader') await sleep(5);
      if (isEvery(60)) await look();
      bytes += piece.length;
      hash.update(piece);
    }
  } catch {
    cut = true;
  }
  return { status: response.status, bytes, sha256: hash.digest('hex'), cut };
};

/** What is wrong with what arrived; undefined if nothing is. */
const judge = ({ manner, coding, framing }: Cell, size: number, arrived: Arrived): string | undefined => {
  const said = JSON.stringify(arrived);
  if (size * megabyte > mostStreamed && coding === 'identity' && framing === 'Content-Length') {
    return arrived.status === 502 ? undefined : said;
  }
  if (manner === 'cut' || size * megabyte > mostStreamed)
    return arrived.cut && arrived.bytes < mostStreamed ? undefined : said;
  const { bytes, sha256 } = sumOf(size);
  return !arrived.cut && arrived.bytes === bytes && arrived.sha256 === sha256 ? undefined : said;
};

it('large answers arrive whole or visibly broken, end before 200 MB, need flat memory, and end no process', async () => {
  for (let warmUp = 0; warmUp < 20; warmUp += 1) await (await read(target, '/Patient', token)).text();
  const memory = await watchHeld(async () => (await target.cloud.held()).get('fetch'));
  const rows = pairwise([connections.length, codings.length, framings.length, manners.length, sizes.length]);
  const wrong: string[] = [];
  let whole = 0;
  for (const [a = 0, b = 0, c = 0, d = 0, e = 0] of rows) {
    const cell = { connection: connections[a]!, coding: codings[b]!, framing: framings[c]!, manner: manners[d]! };
    const size = sizes[e]!;
    const [pieces, bytes] = await encoded(size, cell.coding);
    target.payers.script('clear-health', {
      r4: byHand((response) => write(response, frame(pieces, bytes, cell))),
    });
    const arrived = await arrive(cell.manner, memory.look);
    const problem = judge(cell, size, arrived);
    if (problem !== undefined) wrong.push(`${nameOf(cell)}, ${size} MB: ${problem}`);
    if (!arrived.cut && arrived.status === 200) whole += 1;
  }
  process.stdout.write(
    `framing: large answers, every pair: ${rows.length}, ${whole} whole, ${rows.length - whole} visibly broken, grown by ${Math.round(memory.grownMb())} MB\n`,
  );
  expect(wrong).toEqual([]);
  expect(target.logLines.filter((log) => log.includes('The process ended'))).toEqual([]);
  expect(target.logLines.filter((log) => log.includes('"error":"answer_too_large"')).length).toBeGreaterThan(0);
  expect(memory.grownMb()).toBeLessThan(64);
});
