import { jsonDocument } from '../../../functions/fetch/json-document.ts';
import { createLinkRewriter } from '../../../functions/shared/fhir/rewrite-links.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';

const faultOf = (chunks: readonly Buffer[]): string | undefined => {
  const document = jsonDocument();
  const rewriter = createLinkRewriter({ from: [], to: '' }, document.watch);
  try {
    for (const chunk of chunks) rewriter.push(chunk);
    document.end();
  } catch (error) {
    if (error instanceof UnusableAnswer) return error.code;
    throw error;
  }
  return undefined;
};

describe('an answer is one JSON document wherever its chunks end', () => {
  it.each([
    ['{}', undefined],
    ['\uFEFF \r\n{"a":["}",{"b":"\\"]"}]}\t\n', undefined],
    ['[1]\u0000', undefined],
    ['', 'INCOMPLETE_JSON'],
    [' \n', 'INCOMPLETE_JSON'],
    ['{"a":"}"', 'INCOMPLETE_JSON'],
    ['{"a":[1}', 'INCOMPLETE_JSON'],
    ['{}}', 'NOT_JSON'],
    [']', 'NOT_JSON'],
    ['{}{}', 'NOT_JSON'],
    ['{}\n[]', 'NOT_JSON'],
    ['{}1', 'NOT_JSON'],
    ['{}"a"', 'NOT_JSON'],
    ['{},', 'NOT_JSON'],
    [',{}', 'NOT_JSON'],
    ['{}:', 'NOT_JSON'],
    ['1', 'NOT_JSON'],
    ['"{}"', 'NOT_JSON'],
    ['<html></html>', 'NOT_JSON'],
    ['\u0000{}', 'NOT_JSON'],
  ])('%j: %s', (text, fault) => {
    const bytes = Buffer.from(text);
    const cuts = Array.from({ length: bytes.length + 1 }, (_none, cut) => [
      bytes.subarray(0, cut),
      bytes.subarray(cut),
    ]);

    expect(new Set(cuts.map(faultOf))).toEqual(new Set([fault]));
    expect(faultOf(Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))).toBe(fault);
  });
});
