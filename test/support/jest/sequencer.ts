import { statSync } from 'node:fs';
import { words } from '../words.ts';

interface TestFile {
  readonly path: string;
}

interface Shard {
  readonly shardIndex: number;
  readonly shardCount: number;
}

/** Files that work for seconds, the first of them for minutes. If one of them came last, every other core would wait for it. */
const longFirst = words(`
  faults/faults races/reads browser/accessibility browser/walks conformance/conformance races/tokens leaks/ model/
  exports/memory e2e/openapi browser/ e2e/local-stack e2e/operated-stack e2e/least-privilege faults/framing
  exports/kills fuzz/config fuzz/fhir truth/payers limits/ fuzz/rewriter
  e2e/stack-start e2e/stops e2e/tools e2e/drill e2e/kept-state e2e/pasted e2e/synth e2e/npx-cdk e2e/aws- e2e/payer-insists
  functions/conformance export-job/kills export-job/exchange sandbox/aws-
  shared/fhir/rewrite-links fetch/stream e2e/fhir-large config/files bin/ sandbox/
`);

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
