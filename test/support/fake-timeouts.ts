import { jest } from '@jest/globals';

const realTimers = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
] as const;

/**
 * Gives the test control of `setTimeout` in the code under test. Everything else keeps its timers, including Node's own
 * modules, so real connections work.
 * @returns a function that advances the time by milliseconds
 */
export const fakeTimeouts = (): ((ms: number) => void) => {
  jest.useFakeTimers({ doNotFake: [...realTimers, 'setInterval', 'clearInterval'] });
  return (ms) => jest.advanceTimersByTime(ms);
};

/**
 * Gives the test control of `setInterval` instead.
 * @returns a function that advances the time by milliseconds, and says whether anything was due
 */
export const fakeIntervals = (): ((ms: number) => boolean) => {
  jest.useFakeTimers({ doNotFake: [...realTimers, 'setTimeout', 'clearTimeout'] });
  const { setInterval: fake } = globalThis;
  let wasDue = false;
  globalThis.setInterval = ((run: () => void, ms?: number) =>
    fake(() => {
      wasDue = true;
      run();
    }, ms)) as typeof setInterval;
  return (ms) => {
    wasDue = false;
    jest.advanceTimersByTime(ms);
    return wasDue;
  };
};
