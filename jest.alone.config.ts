import type { Config } from 'jest';
import base from './jest.hard.config.ts';

/** What measures how much twenty processes can do. Beside other tests it would measure those. */
const config: Config = {
  ...base,
  testMatch: ['<rootDir>/test/limits/{block,paced}.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};

export default config;
