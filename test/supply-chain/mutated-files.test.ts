import { globSync } from 'node:fs';
import { groups } from '../mutation/groups.ts';

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
