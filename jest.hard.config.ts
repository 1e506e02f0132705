import type { Config } from 'jest';
import base from './jest.config.ts';

/** Conformance, random histories, faults, races, fuzz and leaks: minutes rather than seconds. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/{conformance,faults,fuzz,leaks,limits,model,races}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 600_000,
  // Some wait for a clock, so three keep two cores busy.
  maxWorkers: 3,
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
