import { deepStrictEqual } from 'node:assert/strict';
import { jsonDocument } from '../../functions/fetch/json-document.ts';
import { createLinkRewriter } from '../../functions/shared/fhir/rewrite-links.ts';
import { chunksOf, documents, everyLine, type Document } from '../documents.ts';
import { measure, repeated, type Candidate, type Measured, type Plan, type Round } from '../measure.ts';
import { entriesIn, searchChunks } from '../payer-data.ts';
import { parseAndPrint } from '../peers/parse-and-print.ts';
import { atLeast, atMost, inWords, ratios, rowsOf, seriesOf, type Budget } from '../report.ts';
import { fittedExponent, quantile, spreadOf } from '../statistics.ts';
import type { World } from '../world.ts';
import type { Step } from './step.ts';

const bases = { from: 'https://api.payer.example.org/fhir/r4', to: 'https://gateway.example.org/r4/payer' };

/** As fetch does: the same pass checks that the document is whole. */
const rewrite = (chunks: Iterable<Buffer>, leave: (piece: Uint8Array) => void): void => {
  const document = jsonDocument();
  const rewriter = createLinkRewriter({ from: [bases.from], to: bases.to }, document.watch);
  for (const chunk of chunks) for (const piece of rewriter.push(chunk)) leave(piece);
  document.end();
  for (const piece of rewriter.end()) leave(piece);
};

/** Checks that both changed the same links. */
const checkSame = (chunks: readonly Buffer[]): void => {
  const pieces: Uint8Array[] = [];
  rewrite(chunks, (piece) => pieces.push(piece));
  const ours = JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
  deepStrictEqual(ours, JSON.parse(parseAndPrint(chunks, bases).toString('utf8')));
};

let left = 0;

/** Uses the pieces, so that the compiler cannot optimize the work away. */
const leave = (piece: Uint8Array): void => void (left += piece.length);

const leadInPasses = 3;
const parsing = 'parse, replace, stringify';

const compare = async (world: World, { bytes }: Document, chunkBytes: number): Promise<Measured> => {
  const chunks = chunksOf(bytes, chunkBytes);
  checkSame(chunks);
  const often = (work: () => void) => (): Round =>
    repeated(work, () => {
      // Repeat until the code is compiled again.
      for (let pass = 0; pass < leadInPasses; pass += 1) work();
    });
  const candidates: Candidate[] = [
    { name: 'ours', kind: 'ours', start: often(() => rewrite(chunks, leave)) },
    { name: parsing, kind: 'peer', start: often(() => leave(parseAndPrint(chunks, bases))) },
  ];
  const plan: Plan = world.quick
    ? { rounds: 1, operations: 1, warmUpOperations: 0 }
    : { rounds: 9, operations: 3, warmUpOperations: 6 };
  return measure(candidates, plan);
};

const atLeastMb = 32;
const leadInMb = 16;

const sizeOf = (entries: number): number => {
  let bytes = 0;
  for (const { length } of searchChunks(bases.from, entries)) bytes += length;
  return bytes;
};

/** How the cost of a stream grows with its size. Smaller ones are repeated more often, for equally reliable samples. */
const fitted = async ({ quick }: World): Promise<{ exponent: number; largestMb: number }> => {
  const megabytes = quick ? [1, 4] : [1, 4, 16, 64, 256, 1024];
  const candidates = megabytes.map((size): Candidate => {
    const entries = entriesIn(bases.from, size * 2 ** 20);
    const times = quick ? 1 : Math.max(1, atLeastMb / size);
    const leadIn = entriesIn(bases.from, (quick ? 1 : leadInMb) * 2 ** 20);
    const stream = repeated(
      () => rewrite(searchChunks(bases.from, entries), leave),
      () => rewrite(searchChunks(bases.from, leadIn), leave),
    );
    return { name: String(sizeOf(entries)), kind: 'ours', start: () => () => stream(times) };
  });
  const { series } = await measure(candidates, {
    rounds: quick ? 1 : 3,
    operations: 1,
    warmUpOperations: quick ? 0 : 1,
  });
  const points = series.map(({ name, samples }) => ({
    size: Number(name),
    cost: quantile(
      samples.map(({ cpuMs }) => cpuMs),
      0.5,
    ),
  }));
  return { exponent: fittedExponent(points), largestMb: Math.max(...megabytes) };
};

/** The link rewriter on documents of several shapes, compared with parsing. */
export const rewriter: Step = {
  name: 'rewriter',
  run: async (world) => {
    const all = documents(bases.from, (world.quick ? 1 : 8) * 2 ** 20);
    const rows = [];
    const budgets: Budget[] = [];
    for (const chunkKb of [64, 16]) {
      for (const document of all) {
        const measured = await compare(world, document, chunkKb * 1024);
        const faster = spreadOf(ratios(seriesOf(measured, parsing), seriesOf(measured, 'ours'), 'cpuMs'));
        const name = `${document.name}, ${chunkKb} KB chunks`;
        rows.push(...rowsOf(measured, { prefix: `${name}: ` }));
        budgets.push(
          atLeast({
            name: `${name}: ${parsing} to ours, CPU time`,
            value: faster.median,
            // Each of 900 links in 64 KB is decided and copied.
            limit: document.name === everyLine ? 2.5 : 4,
            unit: ' ×',
            detail: inWords(faster),
          }),
        );
      }
    }
    const { exponent, largestMb } = await fitted(world);
    budgets.push(atMost({ name: `exponent of the cost from 1 MB to ${largestMb} MB`, value: exponent, limit: 1.02 }));
    const sizes = all.map(({ name, bytes }) => `${name} ${(bytes.length / 2 ** 20).toFixed(1)} MB`);
    return {
      name: 'rewriter',
      what: 'links in a stream',
      rows,
      missing: [],
      budgets,
      notes: [`${sizes.join(', ')}; ${left} bytes written`],
    };
  },
};
