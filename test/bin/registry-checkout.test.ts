import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutOf, isAncestor } from '../../bin/registry/checkout.ts';
import { git } from '../../bin/shared/git.ts';

let folder: string;
let file: string;

const run = (...args: string[]): string =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
    encoding: 'utf8',
  }).trim();

const commit = (message = 'x'): string => {
  run('add', '.');
  run('commit', '--quiet', '--allow-empty', '--message', message);
  return run('rev-parse', 'HEAD');
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkout-'));
  mkdirSync(join(folder, 'config'));
  file = join(folder, 'config/mine.ts');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('where a stage’s file is in git', () => {
  it('is nowhere outside of git, and before the first commit', async () => {
    expect(await checkoutOf(git, file)).toBeUndefined();
    run('init', '--quiet');
    expect(await checkoutOf(git, file)).toBeUndefined();
    expect(await checkoutOf(git, join(folder, 'missing/mine.ts'))).toBeUndefined();
  });

  it('is a commit, and what is in no commit is noticed: in the file, or in one that it may import', async () => {
    run('init', '--quiet');
    writeFileSync(join(folder, 'config/presets.ts'), 'one');
    const head = commit();
    const state = async () => (await checkoutOf(git, file))?.uncommitted;

    writeFileSync(join(folder, 'notes.txt'), 'new');
    writeFileSync(join(folder, 'config/other.ts'), 'new');
    expect(await checkoutOf(git, file)).toEqual({ folder: join(folder, 'config'), commit: head, uncommitted: false });

    writeFileSync(file, 'two');
    expect(await state()).toBe(true);
    run('checkout', '--quiet', '.');
    writeFileSync(join(folder, 'config/presets.ts'), 'two');
    expect(await state()).toBe(true);
    run('checkout', '--quiet', '.');
    expect(await state()).toBe(false);
    expect((await checkoutOf(git, join(folder, 'config/other.ts')))?.uncommitted).toBe(true);
    writeFileSync(join(folder, '.gitignore'), 'config/other.ts');
    expect((await checkoutOf(git, join(folder, 'config/other.ts')))?.uncommitted).toBe(true);
  });

  it('follows the commits before it, and no other', async () => {
    run('init', '--quiet');
    const first = commit();
    const second = commit();
    run('checkout', '--quiet', '-b', 'aside', first);
    const aside = commit('aside');
    const checkout = (await checkoutOf(git, file))!;

    expect(await isAncestor(git, checkout, first)).toBe(true);
    expect(await isAncestor(git, checkout, aside)).toBe(true);
    expect(await isAncestor(git, checkout, second)).toBe(false);
    expect(await isAncestor(git, checkout, 'f'.repeat(40))).toBe('unknown');
    // What the table says is never an option of git.
    expect(await isAncestor(git, checkout, '--output=x')).toBe('unknown');
  });
});
