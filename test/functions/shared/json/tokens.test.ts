import { isDeepStrictEqual } from 'node:util';
import { namesOf, type Names } from '../../../../functions/shared/json/names.ts';
import { nextToken, readTokens, takeChunk, token, type JsonTokens } from '../../../../functions/shared/json/tokens.ts';

const words = new Map<number, string>(Object.entries(token).map(([word, kind]) => [kind, word]));

interface Seen {
  readonly kind: string;
  readonly bytes: string;
  readonly level: number;
  readonly isMember: boolean;
  readonly name: number;
  readonly fault: boolean;
}

const chunksOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_none, at) => bytes.subarray(at * size, (at + 1) * size));

/** Every token that is reported, the parts of a cut one joined. */
const read = (
  chunks: readonly Uint8Array[],
  { names, allBrackets = false }: { names?: Names; allBrackets?: boolean } = {},
): Seen[] => {
  const tokens: JsonTokens = readTokens(names);
  tokens.reportsBrackets = allBrackets;
  const seen: Seen[] = [];
  let open = '';
  let hasFault = false;
  for (const chunk of chunks) {
    takeChunk(tokens, chunk);
    for (;;) {
      const kind = nextToken(tokens);
      hasFault ||= tokens.fault !== 0;
      if (kind === token.none) break;
      open = (tokens.isFirst ? '' : open) + tokens.chunk.toString('latin1', tokens.start, tokens.end);
      if (!tokens.isLast) continue;
      const { level, isMember, name } = tokens;
      const bytes = Buffer.from(open, 'latin1').toString();
      // White space may be cut without being one token.
      if (kind !== token.gap) seen.push({ kind: words.get(kind)!, bytes, level, isMember, name, fault: hasFault });
      hasFault = false;
    }
  }
  if (hasFault) seen.push({ kind: 'none', bytes: '', level: 0, isMember: false, name: 0, fault: true });
  return seen;
};

/** The same tokens however the text is cut. */
const everywhere = (text: string, options?: Parameters<typeof read>[1]): Seen[] => {
  const bytes = Buffer.from(text);
  const whole = read([bytes], options);
  const cuts = Array.from(bytes, (_byte, cut) => [bytes.subarray(0, cut), bytes.subarray(cut)]);
  for (const chunks of [...cuts, ...[1, 2, 3, 7].map((size) => chunksOf(bytes, size))]) {
    const seen = read(chunks, options);
    if (!isDeepStrictEqual(seen, whole)) expect({ chunks: chunks.map(String), seen }).toEqual({ seen: whole });
  }
  return whole;
};

const spellings = (seen: readonly Seen[]): string => seen.map(({ bytes }) => bytes).join(' ');
const faulty = (text: string): boolean => everywhere(text).some(({ fault }) => fault);

describe('the tokens of JSON', () => {
  it('are strings, scalars and brackets, with their level, and members follow a colon', () => {
    const seen = everywhere('\uFEFF {"a" : [1.50e+1,"é\\"\\\\",true] ,"b":{"c":null},\n"d":""}\n');

    expect(seen.map(({ kind, bytes, level, isMember }) => [kind, bytes, level, isMember])).toEqual([
      ['opening', '{', 0, false],
      ['text', '"a"', 1, false],
      ['opening', '[', 1, true],
      ['scalar', '1.50e+1', 2, false],
      ['text', '"é\\"\\\\"', 2, false],
      ['scalar', 'true', 2, false],
      ['closing', ']', 1, false],
      ['text', '"b"', 1, false],
      ['opening', '{', 1, true],
      ['text', '"c"', 2, false],
      ['scalar', 'null', 2, true],
      ['closing', '}', 1, false],
      ['text', '"d"', 1, false],
      ['text', '""', 1, true],
      ['closing', '}', 0, false],
    ]);
    expect(seen.some(({ fault }) => fault)).toBe(false);
  });

  it('end a string at its closing quote after any length and any number of backslashes', () => {
    for (const length of [0, 14, 15, 16, 17, 40, 200]) {
      for (const backslashes of [0, 1, 2, 3, 30]) {
        const string = JSON.stringify(`${'x'.repeat(length)}${'\\'.repeat(backslashes)}"{`);
        expect(spellings(everywhere(`[${string},1]`))).toBe(`[ ${string} 1 ]`);
      }
    }
  });

  it.each([
    '{}',
    '[]',
    '{"a":1}',
    '[[],{},"",0,-1,true,false,null]',
    '{"a":{"b":[{"c":"d"}]},"e":[]}',
    '{}\n{}[]',
    `${'['.repeat(300)}{"a":[1,2],"b":{}}${']'.repeat(300)}`,
  ])('have no fault in %s', (text) => {
    expect(faulty(text)).toBe(false);
  });

  it.each([
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,"a":1}',
    '{"a" "b"}',
    '{"a":1 "b":2}',
    '{"a"::1}',
    '{"a":1:2}',
    '{1:2}',
    '{[]}',
    '{"a",1}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '["a":1]',
    '[:1]',
    '[1}',
    '{"a":1]',
    '{}}',
    '{},',
    ':{}',
    '[x]',
    '{"a":b}',
    '[+1]',
  ])('have a fault in %s', (text) => {
    expect(faulty(text)).toBe(true);
  });

  it('have a fault in brackets of two kinds, up to 256 levels deep; deeper ones are only counted', () => {
    expect([256, 257].map((levels) => faulty(`${'['.repeat(levels)}}`))).toEqual([true, false]);
  });
});

describe('the tokens that are sought by name', () => {
  const names = namesOf({ link: 1, url: 2, reference: 2 });

  it('are the values of members with these names in any spelling, and what is in no brackets', () => {
    const text =
      '{"a":{"url":"u","x":1},"\\u0075r\\u006C":[1],"reference":7,"urls":"u","Url":"u","x\\"url":"u","b":["url","u"],"link":{"x":2}} 3 ';
    const seen = everywhere(text, { names });

    expect(seen.map(({ bytes, name, level }) => [bytes, name, level])).toEqual([
      ['{', 0, 0],
      ['"u"', 2, 2],
      ['[', 2, 1],
      ['7', 2, 1],
      ['{', 1, 1],
      ['}', 0, 0],
      ['3', 0, 0],
    ]);
  });

  it('come with all brackets if these are asked for', () => {
    expect(spellings(everywhere('{"a":[{"url":1}],"b":{}}', { names, allBrackets: true }))).toBe('{ [ { 1 } ] { } }');
  });

  it('are found at any depth', () => {
    const text = `${'[{"a":'.repeat(300)}{"url":"u"}${'}]'.repeat(300)}`;
    expect(read([Buffer.from(text)], { names }).filter(({ name }) => name === 2)).toMatchObject([
      { bytes: '"u"', level: 601 },
    ]);
  });
});
