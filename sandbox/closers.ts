type Closer = () => Promise<unknown>;

/** Collects what was started, to close all of it together. */
export const closersOf = (): {
  readonly opened: <T extends { readonly close: Closer }>(thing: T) => T;
  readonly closeAll: () => Promise<void>;
} => {
  const closers: Closer[] = [];
  return {
    opened: (thing) => {
      closers.push(() => thing.close());
      return thing;
    },
    closeAll: async () => {
      await Promise.allSettled(closers.splice(0).map((close) => close()));
    },
  };
};

/**
 * Like `Promise.all`, but rejects only after all have settled, since something that is still starting could not be
 * closed.
 */
export const settled = async <T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(promises);
  return Promise.all(promises);
};
