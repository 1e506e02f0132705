import type { Config } from 'jest';
import base from './jest.config.ts';

/** Conformance, random histories, accounts of exports, faults, races, fuzz and leaks: minutes rather than seconds. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/{conformance,exports,faults,fuzz,leaks,limits,model,races,truth}/**/*.test.ts'],
  // `npm run test:exports` runs them in their whole size, EXPORTS_TEST=small in a small one: too long for the gate.
  testPathIgnorePatterns: [
    '/node_modules/',
    // `npm run test:alone`.
    '<rootDir>/test/limits/(?:block|paced|seen)',
    ...(process.env['EXPORTS_TEST'] === undefined ? ['<rootDir>/test/exports/(?:random-kills|pace)'] : []),
  ],
  testTimeout: 600_000,
  // Some wait for a clock, so three keep two cores busy.
  maxWorkers: 3,
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
