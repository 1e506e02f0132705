import type { KnipConfig } from 'knip';
import { stageNames } from './config/load.ts';

const config: KnipConfig = {
  entry: [
    'bin/*.ts',
    'functions/*/index.ts',
    // Whatever stages an operator has written.
    ...stageNames().map((stage) => `config/${stage}.ts`),
    'sandbox/{start,demo}.ts',
    'sandbox/aws/runtime.ts',
    'test/budgets/count-parsing.ts',
    'test/budgets/count-work.ts',
    'test/faults/child.ts',
    'test/mutation/{jest.config,all.test,sample}.ts',
    'test/support/synth-server.ts',
  ],
  project: ['**/*.{ts,cjs,js}', '!bench/**'],
  // Stryker resolves it against the root, knip against the file that names it.
  ignoreUnresolved: ['./test/mutation/sample.ts'],
  stryker: { config: ['test/mutation/stryker.json'] },
};

export default config;
