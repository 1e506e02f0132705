import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { root } from './workflow-files.ts';

interface Update {
  readonly 'package-ecosystem': string;
  readonly directory?: string;
  readonly directories?: readonly string[];
  readonly schedule: { readonly interval: string };
  readonly groups: Readonly<
    Record<string, { readonly patterns?: readonly string[]; readonly 'dependency-type'?: string }>
  >;
}

const tracked = execFileSync('git', ['-C', root, 'ls-files'], { encoding: 'utf8' }).trim().split('\n');

describe('Dependabot', () => {
  const { version, updates } = parse(readFileSync(join(root, '.github/dependabot.yml'), 'utf8')) as {
    readonly version: number;
    readonly updates: readonly Update[];
  };
  const foldersOf = (ecosystem: string): string[] =>
    updates
      .filter((update) => update['package-ecosystem'] === ecosystem)
      .flatMap(({ directory = [], directories = [] }) => [directory, directories].flat());

  it('looks every week at every package.json, and at the actions', () => {
    const packages = tracked
      .filter((path) => /(?:^|\/)package\.json$/.test(path))
      .map((path) => (dirname(path) === '.' ? '/' : `/${dirname(path)}`));

    expect(version).toBe(2);
    expect(foldersOf('npm').sort()).toEqual(packages.sort());
    expect(foldersOf('github-actions')).toEqual(['/']);
    expect(updates.map(({ schedule }) => schedule.interval)).toEqual(updates.map(() => 'weekly'));
  });

  it('puts every package into a group, so that a week brings few pull requests', () => {
    const isWhole = (groups: Update['groups']): boolean => {
      const all = Object.values(groups);
      const types = new Set(all.map((group) => group['dependency-type']));
      return (
        all.some(({ patterns = [] }) => patterns.includes('*')) || (types.has('production') && types.has('development'))
      );
    };

    expect(updates.map(({ groups }) => isWhole(groups))).toEqual(updates.map(() => true));
  });
});

describe('CODEOWNERS', () => {
  const text = readFileSync(join(root, '.github/CODEOWNERS'), 'utf8');
  const rules = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  it('names paths that exist', () => {
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) expect([rule, existsSync(join(root, rule))]).toEqual([rule, true]);
  });

  it('names nobody, since only whoever runs the repository knows who may write to it', () => {
    expect(rules.filter((rule) => /[@\s]/.test(rule))).toEqual([]);
    expect(text).toContain('Write them after each path');
  });
});
