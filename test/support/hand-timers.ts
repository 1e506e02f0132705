/** Timers that a test fires itself. */
export const handTimers = () => {
  const running = new Map<number, () => void>();
  let made = 0;
  return {
    after: (_ms: number, callBack: () => void) => {
      const id = (made += 1);
      running.set(id, callBack);
      return () => void running.delete(id);
    },
    running: () => running.size,
    fireAll: (): void => {
      for (const [id, callBack] of running) {
        running.delete(id);
        callBack();
      }
    },
  };
};
