import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, normalize } from 'node:path';
import config, { exportJobRooms, sandboxRooms, sharedRooms } from '../../oxlint.config.ts';
import { anchorsOf, blocksOf, codeSpansOf, documentAt, documents, proseOf, root, runbook } from './documents.ts';
import { loggedFields } from './fields.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));

/** Commands of a document, without what they print: the lines of its shell blocks, joined where they go on. */
const commandsOf = (document: ReturnType<typeof documentAt>): string[] =>
  blocksOf(document)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/\s#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The source of what an npm script runs: its own files, and those beside it in the folder of its name. */
const sourceOf = (script: string): string => {
  const files = [...script.matchAll(/(?:^|\s)((?:bench|bin|sandbox|test)\/[\w/-]+\.ts)/g)].map(([, file = '']) => file);
  const folders = files.flatMap((file) => [file.replace(/\.ts$/, ''), dirname(file)]);
  const beside = folders
    .filter((folder) => existsSync(join(root, folder)) && folder !== 'test')
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`));
  const shared = ['bin/shared', 'sandbox'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );
  return [...files, ...beside, ...shared]
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
};

/** Flags that a command passes to an npm script and that its source does not know. Jest and npm know theirs. */
const unknownFlagsOf = (command: string): string[] => {
  const [, name = '', rest = ''] = /\bnpm (?:run (?:--silent )?)?(start|demo|[\w:-]+) -- (.*)$/.exec(command) ?? [];
  const script = scripts[name];
  if (script === undefined || /jest/.test(script)) return [];
  const source = sourceOf(script);
  const flags = [...rest.matchAll(/(?<=^|\s)--([a-z][\w-]*)/g)].map(([, flag = '']) => flag);
  return flags.filter((flag) => !new RegExp(`['"\\s-]${flag}\\b`).test(source)).map((flag) => `${name} --${flag}`);
};

/** Files in the repository that a command names. */
const filesOf = (command: string): string[] =>
  command
    .split(/[\s'"=<>|;()]+/)
    .filter((word) => isPath(word) && !word.includes('$'))
    .map((word) => word.replace(/[.,]$/, ''));

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

  it('has commands with files, npm scripts and flags that exist', () => {
    const commands = commandsOf(document);
    const missing = commands.flatMap(filesOf).filter((file) => !existsSync(join(root, file)));

    expect([...missing, ...commands.flatMap(unknownFlagsOf)]).toEqual([]);
  });

  it('names existing npm scripts', () => {
    const named = [...document.text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('docs/README.md', () => {
  it('links to every page of its folder', () => {
    const targets = new Set(linksOf(documentAt('docs/README.md').text).map((target) => target.split('#')[0]));
    const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md');

    expect(pages.length).toBeGreaterThan(15);
    expect(pages.filter((page) => !targets.has(page))).toEqual([]);
  });
});

describe('docs/llms.txt', () => {
  it('begins with its name and a summary, and links to files that exist', () => {
    const { text } = documentAt('docs/llms.txt');
    const targets = linksOf(text);

    expect(text).toMatch(/^# \S.*\n\n> \S/);
    expect(targets.length).toBeGreaterThan(15);
    expect(targets.filter((target) => !existsSync(join(root, 'docs', target)))).toEqual([]);
  });

  it('has every page for app developers, and every program', () => {
    const targets = new Set(linksOf(documentAt('docs/llms.txt').text));
    const pages = ['partners', 'examples'].flatMap((folder) =>
      readdirSync(join(root, 'docs', folder)).map((name) => `${folder}/${name}`),
    );

    expect(pages.filter((page) => !targets.has(page))).toEqual([]);
  });
});

describe('the runbook', () => {
  /** Words of the Logs Insights language. */
  const language = new Set(
    (
      'and as avg bin by coalesce count count_distinct desc fields filter in ispresent latest like limit max not or pct sort sortsLast ' +
      'stats sum m h'
    ).split(' '),
  );

  it('asks Logs Insights for fields that log lines have', () => {
    const known = new Set(loggedFields());
    const queries = blocksOf(runbook()).filter(({ language: of }) => of === '');
    const words = queries.flatMap(({ code }) => {
      const aliases = new Set([...code.matchAll(/ as (\w+)/g)].map(([, alias]) => alias));
      const bare = code.replaceAll(/"[^"]*"|\/[^/\n]+\/(?= )|@\w+/g, ' ');
      return [...bare.matchAll(/[A-Za-z_]\w*/g)].map(([word]) => word).filter((word) => !aliases.has(word));
    });

    expect(queries.length).toBeGreaterThan(10);
    expect([...new Set(words)].filter((word) => !language.has(word) && !known.has(word))).toEqual([]);
  });
});

it.each([
  ['functions/export-job', exportJobRooms, ['CONTRIBUTING.md', 'docs/architecture.md']],
  ['sandbox', sandboxRooms, ['CONTRIBUTING.md']],
])(
  'the documents show the rooms of %s in the order that lint holds, and no room is left out',
  (parent, rooms, pages) => {
    const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());

    const line = rooms.join(' → ').replaceAll('|', ' | ');
    for (const page of pages) expect(readFileSync(page, 'utf8')).toContain(line);
    expect(folders.map(({ name }) => name).toSorted()).toEqual(rooms.flatMap((at) => at.split('|')).toSorted());
  },
);

it('the documents show the rooms of functions/shared in the order that lint holds, and no room is left out', () => {
  const contributing = readFileSync('CONTRIBUTING.md', 'utf8');
  const architecture = readFileSync('docs/architecture.md', 'utf8');

  const rows = [
    ...contributing
      .split('| room ')[1]!
      .split('\n\n')[0]!
      .matchAll(/^\| `(\w+)`/gm),
  ].map(([, room]) => room);
  const folders = readdirSync('functions/shared', { withFileTypes: true }).filter((entry) => entry.isDirectory());

  expect(rows).toEqual(sharedRooms);
  expect(architecture).toContain(sharedRooms.join(' → '));
  expect(folders.map(({ name }) => name).toSorted()).toEqual(sharedRooms.toSorted());
});

it('each file of the product is in a folder for which lint says what it may import', () => {
  const folders = ['functions', 'lib', 'bin', 'config', 'sandbox', 'bench'];
  const files = execFileSync('git', ['ls-files', '--', ...folders.map((folder) => `${folder}/**/*.ts`)], {
    encoding: 'utf8',
  });
  const held = (config.overrides ?? [])
    .filter(({ rules }) => rules?.['no-restricted-imports'] !== undefined)
    .flatMap((override) => override.files);

  const free = files
    .trim()
    .split('\n')
    .filter((file) => !held.some((glob) => matchesGlob(file, glob)));

  expect(free).toEqual([]);
});
