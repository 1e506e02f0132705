/**
 * Prints how many blocks of code run for external input of growing size, in the link rewriter and in the scope parser:
 * V8's own counters, so the figures are the same on every machine (with `--no-opt --no-maglev`, since inlined calls are
 * not counted). Run as its own process, since the counters see the whole process.
 */
import { createLinkRewriter } from '../../functions/shared/fhir/rewrite-links.ts';
import { intersectScopes, limitScopes } from '../../functions/shared/scopes/limit-scopes.ts';
import { parseScopes, type Scopes } from '../../functions/shared/scopes/scopes.ts';
import { countBlocks } from './count-blocks.ts';

const from = 'https://payer.example.org/r4';
const links = (count: number): string =>
  Array.from({ length: count }, (_, at) => `{"reference":"${from}/Patient/${at}","value":1.00}`).join(',');

/** An answer of about this many kilobytes, by kind. */
const answers: Readonly<Record<string, (kilobytes: number) => string>> = {
  'a link in every line': (kilobytes) => `{"entry":[${links(kilobytes * 14)}]}`,
  'one huge string': (kilobytes) => `{"data":"${'A'.repeat(kilobytes * 1024)}"}`,
  'a string full of escapes': (kilobytes) => `{"data":"${'\\u0041'.repeat(kilobytes * 170)}"}`,
  'a huge link': (kilobytes) => `{"reference":"${from}/${'a'.repeat(kilobytes * 1024)}"}`,
  // Many lines of several lengths, so that chunks end at every place in them even for the smallest input: V8 omits from
  // its figures a block that ran as often as the block around it.
  'a page link in every line': (kilobytes) =>
    `{"link":[${Array.from({ length: kilobytes * 112 }, (_, at) => `{"relation":"next","url":"${from}?${'p'.repeat((at * 7) % 29)}"}`).join(',')}]}`,
  // Eight times as large, since its first 5,000 bytes, which may be sealed, cost less than the rest.
  'a huge page link': (kilobytes) => `{"link":[{"url":"${from}?${'a'.repeat(kilobytes * 8192)}"}]}`,
  'a page link of escapes only': (kilobytes) => `{"link":[{"url":"${'\\u0041'.repeat(kilobytes * 170)}"}]}`,
  'deep nesting': (kilobytes) => `{"link":${'['.repeat(kilobytes * 500)}${']'.repeat(kilobytes * 500)}}`,
};

const rewrite = (text: string, chunkBytes: number): void => {
  const bytes = Buffer.from(text);
  const rewriter = createLinkRewriter({
    from: [from],
    to: 'https://gateway.example.org/r4/payer',
    pages: { restOf: (url) => url, seal: () => 'sealed' },
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) rewriter.push(bytes.subarray(at, at + chunkBytes));
  rewriter.end();
};

const countOf = (run: () => void): Promise<number> => countBlocks(/\/functions\/shared\//, run);

const counts: Record<string, number[]> = {};
for (const [kind, answer] of Object.entries(answers)) {
  for (const chunkBytes of [64, 16_384]) {
    const row = (counts[`${kind}, in chunks of ${chunkBytes}`] = [] as number[]);
    for (const kilobytes of [64, 128, 256]) row.push(await countOf(() => rewrite(answer(kilobytes), chunkBytes)));
  }
}

const scopes = (kilobytes: number): string =>
  Array.from({ length: kilobytes * 40 }, (_, at) => `patient/Claim.rs?x=${at}`).join(' ');
const repeated = (kilobytes: number): string => 'patient/Claim.rs '.repeat(kilobytes * 60);
const reads: Readonly<Record<string, (kilobytes: number) => Scopes>> = {
  "a payer's scopes": (kilobytes) =>
    intersectScopes(parseScopes(scopes(kilobytes)), parseScopes('patient/*.rs patient/Claim.r')),
  "a partner's scopes": (kilobytes) => limitScopes(parseScopes(scopes(kilobytes)), parseScopes('patient/*.rs')),
  'one scope many times': (kilobytes) => limitScopes(parseScopes(repeated(kilobytes)), parseScopes('patient/*.rs')),
};
for (const [kind, read] of Object.entries(reads)) {
  const row = (counts[kind] = [] as number[]);
  for (const kilobytes of [64, 128, 256]) row.push(await countOf(() => void read(kilobytes)));
}
console.log(JSON.stringify(counts));
process.exit(0);
