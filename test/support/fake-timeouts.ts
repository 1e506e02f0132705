import { jest } from '@jest/globals';

/**
 * Gives the test control of `setTimeout` in the code under test. Everything else keeps its timers, including Node's own
 * modules, so real connections work.
 * @returns a function that advances the time by milliseconds
 */
export const fakeTimeouts = (): ((ms: number) => void) => {
  jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
    ],
  });
  return (ms) => jest.advanceTimersByTime(ms);
};
