import type { Config } from 'jest';
import aws from './jest.aws.config.ts';
import endToEnd from './jest.e2e.config.ts';
import base from './jest.hard.config.ts';

/** `test:e2e`, `test:aws` and `test:hard` in one run, as in the gate: run apart, each would leave a core idle while its last files end. */
const config: Config = {
  ...base,
  testMatch: [endToEnd, aws, base].flatMap(({ testMatch = [] }) => testMatch),
  // Many wait for a clock, a browser or their other processes.
  maxWorkers: 4,
};

export default config;
