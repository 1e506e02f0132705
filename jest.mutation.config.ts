import type { Config } from 'jest';
import base from './jest.config.ts';

/** What Stryker runs against each mutant: the unit tests of the functions. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/functions/**/*.test.ts'],
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
