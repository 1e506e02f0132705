import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { groups } from '../mutation/groups.ts';
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
    const isWhole = (of: Update['groups']): boolean => {
      const all = Object.values(of);
      const types = new Set(all.map((group) => group['dependency-type']));
      return (
        all.some(({ patterns = [] }) => patterns.includes('*')) || (types.has('production') && types.has('development'))
      );
    };

    expect(updates.map(({ groups: all }) => isWhole(all))).toEqual(updates.map(() => true));
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

const matching = (patterns: readonly string[]): string[] =>
  globSync(
    patterns.filter((pattern) => !pattern.startsWith('!')),
    { exclude: patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)) },
  );

it('every file of the functions and of the configuration’s rules is mutated by one group, except wiring and data', () => {
  const all = globSync(['functions/**/*.ts', 'config/{*,account/*,checks/*}.ts']);
  const mutated = Object.values(groups).flatMap(({ mutate }) => matching(mutate));

  expect(new Set(mutated).size).toBe(mutated.length);
  expect(all.filter((file) => !mutated.includes(file)).toSorted()).toEqual(
    [
      ...globSync('config/{demo,local,production-example}.ts'),
      ...globSync('functions/*/index.ts'),
      'functions/shared/deps.ts',
      'functions/shared/fhir/search-parameter-targets.ts',
    ].toSorted(),
  );
});

it('every group has tests', () => {
  for (const { tests } of Object.values(groups)) {
    for (const part of tests) {
      expect(globSync(part.includes('*') ? `test/${part}` : `test/${part}/**/*.test.ts`)).not.toEqual([]);
    }
  }
});
