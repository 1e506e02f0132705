import type { Config } from 'jest';

const config: Config = {
  testEnvironment: './test/support/jest/environment.ts',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'es6' },
      },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // `npm run test:e2e`, `npm run test:hard`, `npm run test:aws` and `npm run test:mutation`.
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/(?:browser|e2e)/',
    '<rootDir>/test/(?:aws|conformance|exports|faults|fuzz|leaks|limits|model|mutation|races|truth)/',
  ],
  globalSetup: '<rootDir>/test/support/jest/set-up.ts',
  globalTeardown: '<rootDir>/test/support/jest/tear-down.ts',
  testSequencer: '<rootDir>/test/support/jest/sequencer.ts',
  // For what hangs only. How long a test takes says something about the machine, not about the gateway.
  testTimeout: 300_000,
  coverageProvider: 'babel',
  // index.ts wires the real clock, clients and environment; make-*.ts is run by hand.
  collectCoverageFrom: ['functions/**/*.ts', '!functions/*/index.ts'],
  coverageThreshold: { global: { lines: 95, branches: 90 } },
  coverageReporters: ['text-summary', 'json-summary'],
  // Some wait for a timer or for a process of their own, so three keep two cores busy.
  maxWorkers: 3,
};

export default config;
