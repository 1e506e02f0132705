import type { Config } from 'jest';
import base from './jest.config.ts';

/** Store, secrets and audit against a moto server over HTTP. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/aws/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  collectCoverageFrom: [],
  coverageThreshold: { global: {} },
};

export default config;
