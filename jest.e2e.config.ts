import type { Config } from 'jest';
import base from './jest.config.ts';

/** The product over HTTP, and as processes: local stacks, sandbox payers, a browser, the CDK's app, commands in a shell. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/{browser,e2e}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 600_000,
  // Some wait for a clock or a browser, so three keep two cores busy.
  maxWorkers: 3,
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
