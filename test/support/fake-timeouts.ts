import { jest } from '@jest/globals';

/**
 * Puts `setTimeout` of the code under test into the test's hands. Everything else goes on as it is, also the timers of
 * Node's own modules, so that real connections work.
 * @returns lets so many milliseconds pass
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
