import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkChangelog } from '../../bin/changelog/check.ts';
import { UsageError } from '../../bin/shared/errors.ts';
import { git } from '../../bin/shared/git.ts';
import { gitFolder } from '../support/git-folder.ts';
import { words } from '../support/words.ts';

const changelog = (unreleased: string, more = ''): string =>
  `# Changelog\n\n## [Unreleased]\n\n${unreleased}${more}## [0.2.0] - 2026-11-27\n\n### Added\n\n- Something old.\n`;

const parent = mkdtempSync(join(tmpdir(), 'changelog-'));
let folder = join(parent, 'first');
beforeAll(() => {
  mkdirSync(folder);
  run('init', '--quiet', '--initial-branch=main');
  write({
    'CHANGELOG.md': changelog(''),
    'functions/fetch/handler.ts': 'one\n',
    'config/mine.ts': 'export default {};\n',
    'test/fetch.test.ts': 'one\n',
  });
  commit('first');
  run('switch', '--quiet', '--create', 'change');
});
beforeEach(() => {
  folder = mkdtempSync(join(parent, 'copy-'));
  cpSync(join(parent, 'first'), folder, { recursive: true });
});
afterAll(() => rmSync(parent, { recursive: true }));

const { run, write } = gitFolder(() => folder);
const commit = (message: string): void => {
  run('add', '--all');
  run('commit', '--quiet', '--message', message);
};

const check = async (...args: string[]) => {
  const [out, notes]: [string[], string[]] = [[], []];
  const output = { out: (text: string) => void out.push(text), note: (text: string) => void notes.push(text) };
  const code = await checkChangelog(args.length === 0 ? ['--base', 'main'] : args, { folder, git, output });
  return { code, out: out.join('\n'), notes: notes.join('\n') };
};

const change = { 'functions/fetch/handler.ts': 'two\n' };

describe('a change of what is shipped', () => {
  it('a change of what is shipped without an entry fails, names the files and the commit that it was compared with, and says what to write', async () => {
    write({ ...change, 'docs/new page.md': 'text' });
    commit('change');

    const { code, notes } = await check();
    expect(code).toBe(1);
    const first = run('rev-parse', 'main').slice(0, 12);
    expect(notes).toContain(`Compared with ${first}, the last commit in common with main: 2 shipped files changed.`);
    expect(notes).toContain('\n  docs/new page.md\n  functions/fetch/handler.ts\n');
    expect(notes).toContain('No entry is new under "## [Unreleased]" in CHANGELOG.md');
    expect(notes).toContain('"Changelog: none, REASON"');
  });

  it.each([
    [10, 10, ''],
    [11, 10, '\n  and 1 more'],
  ])('a change of %i shipped files without an entry names %i of them', async (many, named, rest) => {
    write(Object.fromEntries(Array.from({ length: many }, (_, at) => [`lib/${10 + at}.ts`, 'x\n'])));
    commit('change');

    const { notes } = await check();

    expect(notes.match(/^ {2}lib\//gm)).toHaveLength(named);
    expect(notes).toContain(rest);
  });

  it('a change of what is shipped with an entry under Unreleased passes, in one commit or several', async () => {
    write(change);
    commit('change');
    write({ 'CHANGELOG.md': changelog('### Fixed\n\n- Reads are\n  two.\n\n') });
    commit('entry');

    const { code, out } = await check();
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Compared with \w{12}, .* main: 1 shipped file changed, and 2 lines of entries came\.$/),
    ]);
  });

  it.each([
    ['under a version that is out', changelog('').replace('old.\n', 'old.\n- Something new.\n')],
    ['that only moved there', changelog('### Added\n\n- Something old.\n\n')],
    ['that is a heading', changelog('### Fixed\n\n')],
    ['missing since the file is gone', undefined],
  ])('a change of what is shipped with an entry %s fails', async (_where, text) => {
    write(change);
    if (text === undefined) rmSync(join(folder, 'CHANGELOG.md'));
    else write({ 'CHANGELOG.md': text });
    commit('change');

    expect((await check()).code).toBe(1);
  });

  it('a change of what is shipped with an entry under the version that the change itself releases passes', async () => {
    write({ ...change, 'CHANGELOG.md': changelog('', '## [0.2.1] - 2026-12-01\n\n### Fixed\n\n- Reads.\n\n') });
    commit('version 0.2.1');

    expect((await check()).code).toBe(0);
  });

  it.each([
    ['not committed', change],
    ['new, and in no commit', { 'lib/new.ts': 'one\n' }],
  ])('a change of what is shipped that is %s counts', async (_how, files) => {
    write(files);

    expect((await check()).code).toBe(1);
  });

  it('a change of what is shipped passes if one of its commits says why it needs no entry, and the reason is shown', async () => {
    write(change);
    commit('Comments\n\nChangelog: none, only comments');

    expect(await check()).toMatchObject({
      code: 0,
      out: expect.stringContaining('A commit says that no entry is needed: only comments') as string,
    });
  });

  it('is not excused without a reason', async () => {
    write(change);
    commit('Comments\n\nChangelog: none,');

    expect((await check()).code).toBe(1);
  });
});

describe('a change of something else', () => {
  it.each(
    words(`
    test/fetch.test.ts bench/run.ts docs/reports/faults.md docs/testing.md config/mine.ts package.json
  `),
  )('a change of something else of %s needs no entry, and that is said', async (path) => {
    write({ [path]: `export default 'two';\n` });
    commit('change');

    expect(await check()).toMatchObject({
      code: 0,
      out: expect.stringMatching(/: nothing that is shipped has changed\.$/) as string,
    });
  });

  it('a change of something else on main since the branch began is not this change’s', async () => {
    run('switch', '--quiet', 'main');
    write(change);
    commit('another');
    run('switch', '--quiet', 'change');
    write({ 'test/fetch.test.ts': 'two\n' });
    commit('change');

    expect((await check()).code).toBe(0);
  });
});

describe('without anything to compare with', () => {
  it.each([
    [['--base', 'nowhere'], 'There is no commit "nowhere" to compare with.'],
    [['--base=--output=x'], 'There is no commit "--output=x" to compare with.'],
    [[], 'There is no commit "main" to compare with.'],
  ])('%j is refused, and says how to get it', async (args, message) => {
    if (args.length === 0) run('branch', '--quiet', '--delete', '--force', 'main');
    const refused = check(...args);

    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow('fetch-depth: 0');
  });

  it('without anything to compare with in a shallow clone is refused, and says how to mend it', async () => {
    write(change);
    commit('change');
    const shallow = mkdtempSync(join(tmpdir(), 'shallow-'));
    execFileSync('git', ['clone', '--quiet', '--depth=1', '--no-single-branch', `file://${folder}`, shallow]);
    const output = { out: () => {}, note: () => {} };
    const refused = checkChangelog(['--base', 'origin/main'], { folder: shallow, git, output });

    await expect(refused).rejects.toThrow(
      'have no commit in common in this clone. If it is shallow, run git fetch --unshallow',
    );
    rmSync(shallow, { recursive: true });
  });
});
