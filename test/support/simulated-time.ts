interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that jumps to the next sleeper whenever nothing else can run. */
export const simulatedTime = () => {
  let nowMs = 0;
  /** The next one is last. Of those that wake at one time, the last is who slept first. */
  const sleepers: Sleeper[] = [];
  const add = (sleeper: Sleeper): void => {
    let [from, to] = [0, sleepers.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (sleepers[middle]!.atMs > sleeper.atMs) from = middle + 1;
      else to = middle;
    }
    sleepers.splice(from, 0, sleeper);
  };
  const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    /** Milliseconds since the start. */
    now: () => nowMs,
    sleep: (ms: number): Promise<void> => new Promise((wake) => add({ atMs: nowMs + ms, wake: () => wake() })),
    /** Runs until a task has finished. */
    run: async <T>(task: Promise<T>): Promise<T> => {
      const state = { isOver: false };
      const finished = task.finally(() => (state.isOver = true));
      while (!state.isOver) {
        await idle();
        nowMs = sleepers.at(-1)?.atMs ?? nowMs;
        while (sleepers.length > 0 && sleepers.at(-1)!.atMs <= nowMs) sleepers.pop()!.wake();
      }
      return finished;
    },
  };
};
