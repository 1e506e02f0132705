import { rewriteSlowly } from './link-oracle.ts';
import { expectEverywhere, gateway, payer } from './rewriting.ts';

/** A small deterministic random number generator: integers below n. */
export const generator = (seed: number) => {
  let state = seed;
  return (n: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
};

/** What the oracle makes of a document without pages. */
export const slowly = (...given: Parameters<typeof rewriteSlowly>) => {
  const { text, foreignLinks } = rewriteSlowly(...given);
  return { text, foreignLinks };
};

export const aliases = [payer, 'https://payer.example/r4/sub', 'http://in:80/f'];

export const documents = (seed: number) => {
  const random = generator(seed);
  const pick = <T>(items: readonly T[]): T => items[random(items.length)]!;
  const space = () => pick(['', '', '', ' ', '\n  ', '\t']);
  const spell = (text: string) =>
    text.replace(/./gsu, (c) => {
      if (c.length === 1 && random(12) === 0) return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
      if (c === '/' && random(3) === 0) return String.raw`\/`;
      return JSON.stringify(c).slice(1, -1);
    });
  const string = (text: string) => `"${random(2) === 0 ? spell(text) : JSON.stringify(text).slice(1, -1)}"`;
  const keys = [
    'url',
    'link',
    'fullUrl',
    'reference',
    'location',
    'response',
    'a',
    'x"reference',
    'Link',
    'ur',
    'urls',
    'é',
  ];
  const texts = () =>
    pick([
      pick(aliases) + pick(['', '/', '?', '/Patient/1', '/Binary', '/Binary/1']),
      pick(aliases) + pick(['/a', '/Binarys', 'x', '\\', '"', '/é', '/Binary?']),
      pick(['http://other/x', 'HTTPS://o', 'https:/x', 'http', '', 'Patient/1', '\\', '\\"', '"', 'é\u{1F600}', '\n']),
      pick(keys),
    ]);
  const value = (depth: number): string => {
    const choice = depth === 0 ? 7 : random(depth > 3 ? 3 : 8);
    if (choice < 2) return string(texts());
    if (choice === 2) return pick(['1.00', '-0', 'true', 'null', '1e5', '[]', '{}']);
    const items = Array.from({ length: 1 + random(4) }, () =>
      choice < 5
        ? space() + value(depth + 1) + space()
        : `${space()}${string(pick(keys))}${space()}:${space()}${value(depth + 1)}${space()}`,
    );
    return choice < 5 ? `[${items.join(',')}${space()}]` : `{${items.join(',')}${space()}}`;
  };
  return () => {
    const inner = value(0);
    return space() + pick([`[${inner}]`, `{"link":${inner}}`, `{"x":${inner},"response":${value(2)}}`]);
  };
};

/** Compares `count` documents of this many characters, and returns how many had links to rewrite. */
export const agree = (seed: number, count: number, shortest = 0, longest = Infinity): number => {
  const next = documents(seed);
  let links = 0;
  for (let run = 0; run < count;) {
    const text = next();
    if (text.length < shortest || text.length > longest) continue;
    run++;
    JSON.parse(text);
    const expected = slowly(text, aliases, gateway);
    if (expected.text !== text) links++;
    expectEverywhere(text, expected, aliases);
  }
  return links;
};
