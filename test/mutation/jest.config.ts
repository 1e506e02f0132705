import type { Config } from 'jest';
import base from '../../jest.config.ts';

const config: Config = {
  ...base,
  // A mutant may leave handles open.
  globalSetup: undefined,
  globalTeardown: undefined,
  rootDir: '../..',
  roots: ['<rootDir>/config', '<rootDir>/functions', '<rootDir>/test'],
  testMatch: ['<rootDir>/test/mutation/all.test.ts'],
  testPathIgnorePatterns: [],
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
