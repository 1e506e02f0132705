/** A clock that jumps to the next sleeper whenever nothing else can run. */
export const simulatedTime = () => {
  let nowMs = 0;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    /** Milliseconds since the start. */
    now: () => nowMs,
    sleep: (ms: number): Promise<void> =>
      new Promise((wake) => void sleepers.push({ atMs: nowMs + ms, wake: () => wake() })),
    /** Runs until a task has finished. */
    run: async <T>(task: Promise<T>): Promise<T> => {
      const state = { isOver: false };
      const finished = task.finally(() => (state.isOver = true));
      while (!state.isOver) {
        await idle();
        await idle();
        if (sleepers.length === 0) continue;
        nowMs = Math.min(...sleepers.map(({ atMs }) => atMs));
        const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
        sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
        for (const { wake } of due) wake();
      }
      return finished;
    },
  };
};
