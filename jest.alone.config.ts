import type { Config } from 'jest';
import base from './jest.hard.config.ts';

/** What measures how much twenty processes can do, and how much memory is held. Beside other tests it would measure those. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/limits/{block,paced,seen}.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};

export default config;
