/**
 * Prints how many blocks of code the link rewriter runs for answers of growing size: V8's own counters, so the figure
 * is the same on every machine. Run as a process of its own, since the counters see the whole process.
 */
import { Session } from 'node:inspector/promises';
import { createLinkRewriter } from '../../functions/shared/fhir/rewrite-links.ts';

const from = 'https://payer.example.org/r4';
const links = (count: number): string =>
  Array.from({ length: count }, (_, at) => `{"reference":"${from}/Patient/${at}","value":1.00}`).join(',');

/** An answer of about `kilobytes`, by kind. */
const answers: Readonly<Record<string, (kilobytes: number) => string>> = {
  'a link in every line': (kilobytes) => `{"entry":[${links(kilobytes * 14)}]}`,
  'one huge string': (kilobytes) => `{"data":"${'A'.repeat(kilobytes * 1024)}"}`,
  'a string full of escapes': (kilobytes) => `{"data":"${'\\u0041'.repeat(kilobytes * 170)}"}`,
  'a huge link': (kilobytes) => `{"reference":"${from}/${'a'.repeat(kilobytes * 1024)}"}`,
  'deep nesting': (kilobytes) => `{"link":${'['.repeat(kilobytes * 500)}${']'.repeat(kilobytes * 500)}}`,
};

const rewrite = (text: string, chunkBytes: number): void => {
  const bytes = Buffer.from(text);
  const rewriter = createLinkRewriter({ from: [from], to: 'https://gateway.example.org/r4/payer' });
  for (let at = 0; at < bytes.length; at += chunkBytes) rewriter.push(bytes.subarray(at, at + chunkBytes));
  rewriter.end();
};

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const countOf = async (run: () => void): Promise<number> => {
  await session.post('Profiler.takePreciseCoverage');
  run();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.includes('/functions/shared/fhir/'))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
};

const counts: Record<string, number[]> = {};
for (const [kind, answer] of Object.entries(answers)) {
  for (const chunkBytes of [64, 16_384]) {
    const row = (counts[`${kind}, in chunks of ${chunkBytes}`] = [] as number[]);
    for (const kilobytes of [64, 128, 256]) row.push(await countOf(() => rewrite(answer(kilobytes), chunkBytes)));
  }
}
console.log(JSON.stringify(counts));
process.exit(0);
