import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchorsOf, blocksOf, codeSpansOf, documentAt, documents, proseOf, root } from './documents.ts';
import { loggedFields } from './fields.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));

/** A path in the repository; undefined if it has a placeholder. */
const isPath = (code: string): boolean =>
  /^(?:bench|bin|config|docs|functions|lib|sandbox|test|\.github|\.ci)\/[\w./-]*$/.test(code) &&
  !/NAME|STAGE/.test(code);

describe.each(documents().map((document) => [document.path, document] as const))('%s', (path, document) => {
  it('links to existing files and headings', () => {
    for (const target of linksOf(proseOf(document))) {
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : normalize(join(dirname(path), file));
      expect([target, existsSync(join(root, linked))]).toEqual([target, true]);
      if (anchor !== undefined) expect(anchorsOf(documentAt(linked))).toContain(anchor);
    }
  });

  it('names existing files', () => {
    const missing = codeSpansOf(document).filter((code) => isPath(code) && !existsSync(join(root, code)));
    expect(missing).toEqual([]);
  });

  it('names existing npm scripts', () => {
    const named = [...document.text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('docs/operate.md', () => {
  /** Words of the Logs Insights language. */
  const language = new Set(
    (
      'and as avg bin by coalesce count count_distinct desc fields filter in ispresent latest like limit max not or pct sort sortsLast ' +
      'stats sum m'
    ).split(' '),
  );

  it('asks Logs Insights for fields that log lines have', () => {
    const known = new Set(loggedFields());
    const queries = blocksOf(documentAt('docs/operate.md')).filter(({ language: of }) => of === '');
    const words = queries.flatMap(({ code }) => {
      const aliases = new Set([...code.matchAll(/ as (\w+)/g)].map(([, alias]) => alias));
      const bare = code.replaceAll(/"[^"]*"|\/[^/\n]+\/(?= )|@\w+/g, ' ');
      return [...bare.matchAll(/[A-Za-z_]\w*/g)].map(([word]) => word).filter((word) => !aliases.has(word));
    });

    expect(queries.length).toBeGreaterThan(10);
    expect([...new Set(words)].filter((word) => !language.has(word) && !known.has(word))).toEqual([]);
  });
});
