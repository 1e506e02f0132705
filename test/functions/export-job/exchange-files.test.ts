import { jest } from '@jest/globals';
import { nowSeconds } from '../../../functions/shared/clock.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { endMember } from '../../../functions/shared/store/groups.ts';
import { turns } from '../../support/eventually.ts';
import type { Sent } from '../../support/export-world.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { randomOf } from '../../support/random.ts';
import { endOf, type World } from './end-of.ts';
import {
  askedFor,
  mixGroup,
  observation,
  observations,
  owner,
  patients,
  people,
  pickerOf,
  run,
  seeds,
  two,
  worldOf,
} from './exchange-run.ts';
import { groupInput, memberOf, type Plan } from './former-plan.ts';

/** What a payer answers for the second file of an export. */
const insteadOfFile = (answer: (headers: Readonly<Record<string, string>>) => Sent): Plan['instead'] => {
  return ({ path, headers }) => (path === '/files/output/1' ? answer(headers) : undefined);
};
const observationsIn = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith('{"resourceType":"Observation"'));

describe('a file that is longer than a leg', () => {
  const count = 400;
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify(observation(`o${at}`, 'a', { note: [{ text: 'x'.repeat(2000) }] })),
  );
  const bytes = Buffer.from(`${lines.join('\n')}\n`);

  interface How {
    readonly ranges: boolean;
    /** @default it says so if it takes ranges */
    readonly saysRanges?: boolean;
    readonly etag?: (asked: number) => string;
    readonly cutAt?: number;
    readonly coding?: string;
    /** @default a second for each sixteen kilobytes */
    readonly pieceMs?: number;
  }

  /** A plan that takes its time for the file, and may send it from an offset. */
  const slowly =
    ({ ranges, saysRanges = ranges, etag = () => '"1"', cutAt, coding, pieceMs = 1000 }: How) =>
    ({ deps }: World): Plan => {
      let asked = 0;
      return {
        output: [patients('a'), { type: 'Observation', lines, count }],
        instead: insteadOfFile((headers) => {
          asked += 1;
          const tag = etag(asked);
          const isOn = ranges && headers['range'] !== undefined && headers['if-range'] === tag;
          const from = isOn ? Number(/\d+/.exec(headers['range']!)![0]) : 0;
          const sent = bytes.subarray(from);
          // The bytes are those that the client has decoded.
          const isCoded = coding !== undefined && headers['accept-encoding'] !== 'identity';
          return {
            status: isOn ? 206 : 200,
            headers: {
              etag: tag,
              ...(saysRanges ? { 'accept-ranges': 'bytes' } : {}),
              ...(isCoded ? { 'content-encoding': coding } : {}),
              ...(isOn ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
            },
            bytes: (async function* () {
              for (let at = 0; at < sent.length; at += 16_384) {
                await deps.sleep(pieceMs);
                if (cutAt !== undefined && asked === 1 && at > cutAt)
                  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
                yield sent.subarray(at, at + 16_384);
              }
            })(),
          };
        }),
      };
    };

  const read = async (how: How) => {
    const made = await run(groupInput([memberOf('a')]), slowly(how));
    expect(made).toMatchObject({ errors: [], status: 'completed' });
    expect(observationsIn(made.lines)).toEqual(lines);
    return askedFor(made.world, '/files/output/1').map(({ headers }) => headers['range']);
  };

  it('is read on where the leg ended, if the plan takes ranges', async () => {
    const ranges = await read({ ranges: true });

    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('is read on where the connection broke', async () => {
    expect((await read({ ranges: true, cutAt: 100_000 })).length).toBeGreaterThan(3);
  });

  it('is read again from its start if it has changed meanwhile', async () => {
    await read({ ranges: true, etag: (asked) => (asked === 1 ? '"1"' : '"2"') });
  });

  it.each<[string, How]>([
    ['has another tag at each answer', { ranges: true, etag: (asked) => `"${asked}"` }],
    ['has one of two tags, as each of two servers has its own', { ranges: true, etag: (asked) => `"${asked % 2}"` }],
    ['says that it takes ranges, and begins anew', { ranges: false, saysRanges: true }],
    ['says so, and breaks off', { ranges: false, saysRanges: true, cutAt: 100_000 }],
  ])('is read at once, past the end of the leg, if the plan %s', async (_, how) => {
    expect((await read(how)).length).toBeLessThan(6);
  });

  it('is read at once, past the end of the leg, if the plan takes no ranges', async () => {
    expect(await read({ ranges: false })).toEqual([undefined]);
  });

  it('is read at once if it is compressed, and again without compression, in pieces, if it breaks off', async () => {
    expect(await read({ ranges: true, coding: 'gzip' })).toEqual([undefined]);
    const ranges = await read({ ranges: true, coding: 'gzip', cutAt: 100_000 });
    expect(ranges.slice(0, 2)).toEqual([undefined, undefined]);
    expect(ranges.at(-1)).toMatch(/^bytes=/);
  });

  it('is read again from its start if the connection broke, and the plan takes no ranges', async () => {
    expect(await read({ ranges: false, cutAt: 100_000 })).toEqual([undefined, undefined]);
  });

  const own = Array.from({ length: 9 }, (_, at) => JSON.stringify(observation(`${at}`, 'a')));
  const all = [...own, '{"resourceType":"Observation","id":"bad","id":"bad"}', JSON.stringify(observation('x', 'x'))];
  const leftOut = [
    'Observation/bad in file 2 is left out: it has the same member twice, so that its meaning is not certain.',
    '1 resource of type Observation in file 2 is left out: it is about a patient who is no member of the Group.',
  ];
  const fewer =
    'File 2 (Observation) did not come whole: it broke off, and at another try the payer sent fewer lines than had come.';
  it.each([
    ['in another order', all.toReversed(), leftOut],
    ['with other lines first', [...all.slice(5), ...all.slice(0, 5)], leftOut],
    ['without those that came', all.slice(-6), leftOut],
    ['much shorter', own.slice(-1), [fewer]],
  ])('that breaks off and is then sent %s has its lines in the record or in the account', async (_, again, errors) => {
    for (const cutAfter of [5, 6]) {
      const answers = [all.slice(0, cutAfter), again];
      let times = 0;
      const made = await run(groupInput([memberOf('a')]), {
        output: [patients('a'), observations()],
        instead: insteadOfFile(() => {
          times += 1;
          return { body: `${answers[Math.min(times, 2) - 1]!.join('\n')}\n`, cut: times === 1 };
        }),
      });

      const sent = new Set(answers.flat());
      expect(observationsIn(made.lines).toSorted()).toEqual(own.filter((line) => sent.has(line)));
      expect(made).toMatchObject({ errors, complete: false });
    }
  });

  const short = Array.from({ length: 6 }, (_, at) => JSON.stringify(observation(`s${at}`, at % 2 === 0 ? 'a' : 'b')));
  const shortBytes = Buffer.from(`${short.join('\n')}\n`);
  const size = shortBytes.length;
  const lineBytes = size / short.length;
  /** A part of the file, under the file's tag. */
  const part = (from: number, until: number, total: number | string = size, more: Partial<Sent> = {}): Sent => ({
    status: 206,
    headers: { etag: '"1"', 'content-range': `bytes ${from}-${until - 1}/${total}` },
    bytes: shortBytes.subarray(from, until),
    ...more,
  });
  const next = (from: number): number => Math.min(size, Math.floor(from + 1.5 * lineBytes));
  const atEnd: Sent = { status: 416, headers: { 'content-range': `bytes */${size}` } };
  /** A plan that closes the connection in the middle, as if the file ended there, and gives the rest by ranges. */
  const half: Sent = {
    headers: { etag: '"1"', 'accept-ranges': 'bytes', 'content-length': String(size) },
    bytes: shortBytes.subarray(0, 2 * lineBytes),
  };
  const closes = (from: number): Sent => (from > 0 ? part(from, size) : half);
  const rangeOf = (from: number, until: number) => ({ 'content-range': `bytes ${from}-${until - 1}/${size}` });
  const untagged = (from: number, until = size): Sent => part(from, until, size, { headers: rangeOf(from, until) });
  const ofNext = (from: number): Sent => part(from, size, size, { headers: { etag: '"2"', ...rangeOf(from, size) } });
  const didNot = 'File 2 (Observation) did not come whole: the payer did not send it to the end.';
  it.each<[string, (from: number, asked: number) => Sent, number, boolean]>([
    ['gives a part of what was asked', (from) => part(from, next(from)), 6, true],
    ['gives a part though the whole was asked', (from) => part(from, from === 0 ? next(0) : size), 6, true],
    ['closes before the length that it gave', closes, 6, true],
    ['does not say how long it is', (from) => (from === size ? atEnd : part(from, next(from), '*')), 6, true],
    ['says only at first how long it is', (from) => (from === 0 ? half : part(from, next(from), '*')), 6, true],
    ['leaves the tag out of a part', (from) => (from === 0 ? half : untagged(from)), 6, true],
    [
      'gives parts of two versions, and then the whole',
      (from, asked) => (asked > 2 ? { bytes: shortBytes } : from === 0 ? half : ofNext(from)),
      6,
      true,
    ],
    ['gives the first part again and again', (from) => part(from, from === 0 ? 3 * lineBytes : from + 1), 3, false],
    ['gives a part under no tag', () => untagged(0, 3 * lineBytes), 3, false],
    ['gives a part of another place', (from) => (from === 0 ? part(0, 2 * lineBytes) : part(0, size)), 2, false],
    ['gives a part that ends beyond its end', () => part(0, size, size - 1), 0, false],
    ['gives fewer bytes than its parts say', (from) => part(from, size, size, { bytes: Buffer.alloc(0) }), 0, false],
    ['closes each time', () => ({ ...half, headers: { 'content-length': String(size) } }), 2, false],
  ])('of a plan that %s is whole, or said to be in parts', async (_, answer, came, isWhole) => {
    let asked = 0;
    const made = await run(groupInput(two), {
      output: [people, observations()],
      instead: insteadOfFile(({ range = '0' }) => answer(Number(/\d+/.exec(range)![0]), (asked += 1))),
    });

    expect(observationsIn(made.lines)).toEqual(short.slice(0, came));
    expect(made.errors.filter((error) => error.startsWith('File 2'))).toEqual(isWhole ? [] : [didNot]);
    expect(made.complete).toBe(isWhole);
  });

  it.each(seeds)('is whole, or named, after few requests, whatever the habits of the plan: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = pickerOf(random);
    /** How often the plan does something: never, or with this chance. */
    const some = () => (random() < 0.5 ? 0 : random());
    const [fails, cuts, codes, takesRanges, changesTag, reorders] = [some(), some(), some(), random(), some(), some()];
    const [saysRanges, saysLength, pieceMs, cutAt] = [
      pick([true, false]),
      random() < 0.5,
      pick([0, 9000]),
      pick([0.2, 0.9]),
    ];
    const made = Array.from({ length: 40 }, (_, at) => JSON.stringify(observation(`o${at}`, 'a')));
    let [asked, tag] = [0, 1];
    const world = worldOf(groupInput(two), ({ deps }) => ({
      output: [people, { type: 'Observation', lines: [], count: made.length }],
      instead: insteadOfFile((headers) => {
        asked += 1;
        if (asked > 300) throw new Error('There is no end.');
        if (random() < fails * 0.7) return { status: pick([401, 404, 416, 429, 500, 503]) };
        if (random() < changesTag) tag = pick([1, 2, asked]);
        const isOn = headers['if-range'] === `"${tag}"` && random() < takesRanges;
        const body = Buffer.from(`${(random() < reorders ? made.toReversed() : made).join('\n')}\n`);
        const from = isOn ? Number(/\d+/.exec(headers['range']!)![0]) : 0;
        const isCoded = headers['accept-encoding'] !== 'identity' && random() < codes;
        const isCut = random() < cuts;
        const sent = body.subarray(from, isCut ? from + Math.floor((body.length - from) * cutAt) : body.length);
        return {
          status: isOn ? 206 : 200,
          headers: {
            etag: `"${tag}"`,
            ...(saysRanges ? { 'accept-ranges': 'bytes' } : {}),
            ...(isCoded ? { 'content-encoding': 'gzip' } : {}),
            ...(isOn ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
            ...(saysLength && !isOn ? { 'content-length': String(body.length) } : {}),
          },
          bytes: (async function* () {
            for (let at = 0; at < sent.length; at += 400) {
              await deps.sleep(pieceMs);
              yield sent.subarray(at, at + 400);
            }
            if (isCut) throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
          })(),
        };
      }),
    }));

    await world.run();

    expect(asked).toBeLessThan(100);
    const { errors, lines: given, complete } = await endOf(world);
    const came = observationsIn(given);
    expect(came.every((line) => made.includes(line))).toBe(true);
    // That lines came twice is said of a whole file, too.
    expect(complete ? came.length : errors.length > 0).toBe(complete ? made.length : true);
  });

  it('is a named problem if the plan takes no ranges and it does not come within an invocation', async () => {
    const plan = slowly({ ranges: false, pieceMs: 21_000 });
    const { errors, outcomes } = await run(groupInput([memberOf('a')]), plan, { timeoutMs: 440_000 });

    expect(errors).toEqual([
      'File 2 (Observation) did not come whole: the payer cannot send it in pieces, and the whole did not come in the time that the gateway has.',
    ]);
    expect(outcomes).toMatchObject({ Patient: 'complete 1', Observation: expect.stringMatching(/^incomplete \d+$/) });
  });
});

describe('a file that takes minutes', () => {
  const stopped = { at: 1, by: 'operator', reason: 'test' };
  let passTimers: (ms: number) => boolean;
  beforeEach(() => {
    passTimers = fakeIntervals();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each<[string, (world: World) => unknown]>([
    [
      'the partner may no longer ask',
      async ({ deps }) => Object.assign((await deps.registry.partner('demo-partner'))!, { exchange: undefined }),
    ],
    ['the payer is no longer asked', ({ payer }) => Object.assign(payer, { exchange: undefined })],
    ['the partner deletes it', (world) => world.deleteExport()],
    ['the partner is blocked', ({ stops }) => stops.set(entryIds.partner('demo-partner'), stopped)],
    [
      'the payer is paused',
      ({ stops, deps }) => stops.set(entryIds.payer('northwind'), { ...stopped, until: nowSeconds(deps.clock) + 300 }),
    ],
    ['a member is ended', ({ exchanges }) => endMember(exchanges, owner, 'g1', sha256('b'))],
    [
      'the profile names its server no longer',
      ({ payer }) => Object.assign(payer, { exchange: { ...payer.exchange, fileOrigins: [] } }),
    ],
  ])('is cut within thirty seconds after %s', async (_, end) => {
    let last = 0;
    const drip = async function* (world: World, signal: AbortSignal | undefined) {
      for (let at = 0; at < 120; at += 1) {
        if (at === 10) await end(world);
        await world.durable.sleep(1000);
        if (passTimers(1000)) await turns();
        signal?.throwIfAborted();
        last = at;
        yield Buffer.from(`${JSON.stringify(observation(`${at}`, 'b'))}\n`);
      }
    };
    let asked = 0;
    const plan = (world: World): Plan => ({
      output: [{ ...observations(), url: 'https://files.example/1' }],
      instead: ({ url, signal }) => {
        if (url !== 'https://files.example/1') return undefined;
        asked += 1;
        const headers = { 'content-type': 'application/fhir+ndjson' };
        return asked === 1 ? { headers, bytes: drip(world, signal) } : { headers, body: '' };
      },
    });
    const world = worldOf(groupInput(two), plan, { plan: { fileOrigins: ['https://files.example'] } });
    await world.kickOff();
    await world.durable.finish(world.start());

    expect(last).toBeGreaterThanOrEqual(10);
    expect(last).toBeLessThanOrEqual(40);
  });

  it('is read on once another match gave the id of the Group to others, without what names nobody', async () => {
    const drip = async function* (world: World) {
      for (let at = 0; at < 120; at += 1) {
        if (at === 10) await mixGroup(world);
        await world.durable.sleep(1000);
        if (passTimers(1000)) await turns();
        yield Buffer.from(`${JSON.stringify({ resourceType: 'Observation', id: `${at}` })}\n`);
      }
    };
    const made = await run(groupInput(two), (world): Plan => ({
      output: [people, observations()],
      instead: ({ path }) =>
        path === '/files/output/1'
          ? { headers: { 'content-type': 'application/fhir+ndjson' }, bytes: drip(world) }
          : undefined,
    }));

    const [before, ...leftOut] = made.errors.toSorted().toReversed();
    const [came] = /^\d+/.exec(before ?? '') ?? [];
    expect(before).toBe(
      `${came} resources of type Observation in file 2 are left out: they name no patients, and nothing shows that they are about members of the Group.`,
    );
    expect(Number(came)).toBeGreaterThanOrEqual(10);
    expect(Number(came)).toBeLessThanOrEqual(40);
    expect(made.outcomes).toMatchObject({ Observation: 'incomplete 0' });
    expect(leftOut).toHaveLength(120 - Number(came));
    expect(new Set(leftOut)).toEqual(
      new Set([
        '1 resource of type Observation in file 2 is left out: it names no patient, and nothing shows that it is about a member of the Group.',
      ]),
    );
  });
});
