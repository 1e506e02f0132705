import { recordOf } from './record.ts';
import { startExportStack, type ExportStack, type PartnersExport } from './stack.ts';
import { isWhole, longestMs } from './trouble.ts';

const megabyte = 1024 * 1024;

/** The most that the job's process may grow above what it holds before its invocation. */
const mostGrownMb = 64;

/** The largest line is 10 MB, so the second of these is left out and reported. */
const documents = [9_500_000, 20_000_000, 4000];

/** The largest attachment. */
const most = 150 * 1024 * 1024;

type Size = readonly [
  name: string,
  resources: number,
  fillerBytes: number,
  documents: readonly number[],
  attachments: readonly number[],
];

const sizes: readonly Size[] = isWhole
  ? [
      ['25 MB', 15_000, 1500, [], []],
      ['250 MB', 150_000, 1500, [], []],
      ['2 GB', 110_000, 20_000, [], []],
      ['25 MB with documents of 9.5 and 20 MB', 15_000, 1500, documents, []],
      ['twenty documents of 9.5 MB on one page', 100, 0, Array.from({ length: 20 }, () => 9_500_000), []],
    ]
  : [
      ['8 MB', 5000, 1500, [], []],
      ['six documents of 9.5 MB on one page', 100, 0, Array.from({ length: 6 }, () => 9_500_000), []],
      ['attachments of 20 and of 150 MB, and two that are larger', 100, 0, [], [20_000_000, most, most + 1, 2 * most]],
    ];

/** Reads every line, checks that each resource appears once, and compares every fiftieth one with the payer's copy. */
const checkLines = async (
  one: PartnersExport,
  world: ExportStack,
  manifest: Awaited<ReturnType<PartnersExport['finish']>>,
): Promise<{ readonly lines: number; readonly bytes: number }> => {
  const found = new Set<string>();
  let bytes = 0;
  for await (const line of one.lines(manifest)) {
    bytes += line.length + 1;
    const [, type = '', id = ''] = /^\{"resourceType":"(\w+)","id":"([^"]+)"/.exec(line) ?? [];
    expect(found.has(`${type}/${id}`)).toBe(false);
    found.add(`${type}/${id}`);
    const index = Number(id.slice(1));
    if (
      ((type === 'DocumentReference' && !line.includes('/attachment-')) ||
        (type === 'Observation' && index % 50 === 0)) &&
      line !== world.expectedLine(type, index)
    ) {
      throw new Error(`changed: ${type}/${id}`);
    }
  }
  return { lines: found.size, bytes };
};

const growthOf = ({ stack }: ExportStack): readonly number[] =>
  stack.durable.memory('exportJob').map(({ startBytes, peakBytes }) => (peakBytes - startBytes) / megabyte);

const tell = (what: string, growth: readonly number[], seconds: number): void =>
  void process.stdout.write(
    `exports: ${what}, ${seconds.toFixed(0)} s, the job's process grew by ${growth.map((mb) => mb.toFixed(0)).join(', ')} MB\n`,
  );

it.each(sizes)(
  'a record of %s grows the process of its job by less than 64 MB, and comes whole',
  async (name, resources, fillerBytes, documentBytes, attachments) => {
    const world = await startExportStack({
      record: recordOf(resources, { fillerBytes, documents: documentBytes, attachments }),
    });
    const left = documentBytes.filter((bytes) => bytes > 10_000_000).length;
    const leftThere = attachments.filter((bytes) => bytes > most).length;
    try {
      const startedAt = performance.now();
      const one = await world.begin();
      const manifest = await one.finish();
      const seconds = (performance.now() - startedAt) / 1000;
      const growth = growthOf(world);
      const { lines, bytes } = await checkLines(one, world, manifest);
      tell(`${name} (${(bytes / megabyte).toFixed(0)} MB in ${resources} resources)`, growth, seconds);
      // The Provenance of the gateway is one more.
      expect(lines).toBe(resources + documentBytes.length + attachments.length - left + 1);
      expect(manifest.error.map(({ count }) => count)).toEqual(left + leftThere === 0 ? [] : [left + leftThere]);
      expect(manifest.extension?.attachments?.map(({ size }) => size)).toEqual(
        attachments.filter((size) => size <= most),
      );
      expect(growth.length).toBeGreaterThan(0);
      expect(Math.max(...growth)).toBeLessThan(mostGrownMb);
    } finally {
      await world.close();
    }
  },
  longestMs,
);
