/** A clock that tests may set forward, and its timers. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Calls back after this many milliseconds, unless the function that it returns is called first. */
  readonly after: (ms: number, callBack: () => void) => () => void;
  /** Sets the clock forward. Timers that are then due run at once, in order. */
  readonly passTime: (ms: number) => void;
  /** Cancels all timers. */
  readonly close: () => void;
}

/** The longest delay that Node's own timers accept. A longer one would fire at once. */
const longestMs = 2 ** 31 - 1;

/** Creates a clock that shows the real time, plus the time by which tests set it forward. */
export const settableClock = (): Clock => {
  const timers = new Map<symbol, { readonly atMs: number; readonly callBack: () => void }>();
  let forwardMs = 0;
  let alarm: NodeJS.Timeout | undefined;
  const now = (): number => Date.now() + forwardMs;

  const setAlarm = (): void => {
    clearTimeout(alarm);
    if (timers.size === 0) return;
    const nextMs = Math.min(...[...timers.values()].map(({ atMs }) => atMs));
    alarm = setTimeout(ring, Math.min(Math.max(nextMs - now(), 0), longestMs));
    // A long wait must not keep the process alive.
    alarm.unref();
  };
  const ring = (): void => {
    const due = [...timers].filter(([, { atMs }]) => atMs <= now()).sort(([, a], [, b]) => a.atMs - b.atMs);
    for (const [id, { callBack }] of due) if (timers.delete(id)) callBack();
    setAlarm();
  };
  return {
    now,
    after: (ms, callBack) => {
      const id = Symbol('timer');
      timers.set(id, { atMs: now() + ms, callBack });
      setAlarm();
      return () => {
        timers.delete(id);
      };
    },
    passTime: (ms) => {
      forwardMs += ms;
      ring();
    },
    close: () => {
      timers.clear();
      clearTimeout(alarm);
    },
  };
};
