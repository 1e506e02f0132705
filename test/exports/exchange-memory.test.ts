import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { usualBuffers } from '../../functions/export-job/job/buffers.ts';
import { groupInput, memberOf, planOf } from '../functions/export-job/former-plan.ts';
import { exportWorld } from '../support/export-world.ts';
import { isWhole, longestMs } from './trouble.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const megabyte = 1024 * 1024;

/** The most that an exchange may hold above what it holds when it begins to read. Its function has 512 MB. */
const mostGrownMb = 64;

const lineBytes = 2048;

/** A line about the member, of a fixed length. */
const lineOf = (file: number, at: number): string => {
  const head = `{"resourceType":"Observation","id":"o-${file}-${at}","subject":{"reference":"Patient/a"},"note":[{"text":"`;
  const tail = '"}]}\n';
  return head + 'x'.repeat(lineBytes - head.length - tail.length) + tail;
};

const linesOf = async function* (file: number, lines: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < lines; at += 32) {
    yield Buffer.from(Array.from({ length: Math.min(32, lines - at) }, (_, one) => lineOf(file, at + one)).join(''));
  }
};

const sizes: readonly (readonly [name: string, files: number, megabytes: number])[] = isWhole
  ? [
      ['2 GB in one file', 1, 2048],
      ['2 GB in 2,000 files', 2000, 2048],
    ]
  : [
      ['100 MB in one file', 1, 100],
      ['60 MB in 2,000 files', 2000, 60],
    ];

it.each(sizes)(
  'an exchange of %s holds less than 64 MB more than at its beginning, and comes whole',
  async (name, files, megabytes) => {
    const lines = Math.round((megabytes * megabyte) / lineBytes / files);
    let [held, first, parts, bytes] = [0, 0, 0, 0];
    const look = (): void => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      if (first === 0) first = heapUsed + arrayBuffers;
      held = Math.max(held, heapUsed + arrayBuffers - first);
    };
    const world = exportWorld({ exchange: groupInput([memberOf('a')]), deps: { newBuffers: usualBuffers } });
    const { put } = world.deps.objects;
    Object.assign(world.deps.objects, {
      put: async (object: string, body: Uint8Array): Promise<void> => {
        if (!object.includes('/parts/')) return put(object, body);
        parts += 1;
        bytes += body.length;
        if (parts % 4 === 1) look();
        return undefined;
      },
    });
    const output = Array.from({ length: files }, () => ({ type: 'Observation', lines: [], count: lines }));
    const patient = { type: 'Patient', lines: [{ resourceType: 'Patient', id: 'a' }] };
    world.answerWith(
      planOf(world.base, {
        output: [...output, patient],
        instead: ({ path }) => {
          const [, at] = /^\/files\/output\/(\d+)$/.exec(path) ?? [];
          return at === undefined || Number(at) === files ? undefined : { bytes: linesOf(Number(at), lines) };
        },
      }),
    );
    const startedAt = performance.now();
    await world.run();
    const seconds = (performance.now() - startedAt) / 1000;

    expect(await world.item()).toMatchObject({ status: 'completed', resources: files * lines + 1 });
    process.stdout.write(
      `exchanges: ${name}, ${seconds.toFixed(0)} s, ${(bytes / megabyte).toFixed(0)} MB in ${parts} parts, held ${(held / megabyte).toFixed(0)} MB more\n`,
    );
    expect(bytes).toBeGreaterThan(files * lines * lineBytes);
    expect(held / megabyte).toBeLessThan(mostGrownMb);
  },
  longestMs,
);
