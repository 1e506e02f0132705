import { statSync } from 'node:fs';

interface TestFile {
  readonly path: string;
}

interface Shard {
  readonly shardIndex: number;
  readonly shardCount: number;
}

/** Files that start processes, or work for seconds. If one of them came last, every other core would wait for it. */
const longFirst = [
  'e2e/',
  'browser/',
  'bin/pasted',
  'sandbox/stack-start',
  'sandbox/aws-',
  'lib/synth',
  'shared/fhir/rewrite-links',
  'config/files',
  'fetch/stream',
  'sandbox/fhir-large',
  'bin/',
  'sandbox/',
];

const rankOf = ({ path }: TestFile): number => {
  const rank = longFirst.findIndex((part) => path.includes(`/${part}`));
  return rank < 0 ? longFirst.length : rank;
};

/** Runs long files first, and then the largest: on a fresh clone Jest knows nothing else about them. */
export default class Sequencer {
  readonly sort = <T extends TestFile>(tests: readonly T[]): T[] =>
    tests
      .map((test) => ({ test, rank: rankOf(test), size: statSync(test.path).size }))
      .sort((one, other) => one.rank - other.rank || other.size - one.size)
      .map(({ test }) => test);

  readonly shard = <T extends TestFile>(tests: readonly T[], { shardIndex, shardCount }: Shard): T[] =>
    tests.filter((_test, index) => index % shardCount === shardIndex - 1);

  readonly allFailedTests = <T extends TestFile>(tests: readonly T[]): readonly T[] => tests;

  readonly cacheResults = (): void => {};
}
