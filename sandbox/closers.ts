type Closer = () => Promise<unknown>;

/** Keeps what was started, to close all of it in one go. */
export const closersOf = (): {
  readonly opened: <T extends { readonly close: Closer }>(thing: T) => T;
  readonly closeAll: Closer;
} => {
  const closers: Closer[] = [];
  return {
    opened: (thing) => {
      closers.push(() => thing.close());
      return thing;
    },
    closeAll: () => Promise.allSettled(closers.splice(0).map((close) => close())),
  };
};

/**
 * As `Promise.all`, but an error comes only once every one has come to an end: what is still starting could not be
 * closed.
 */
export const settled: typeof Promise.all = async (promises: Iterable<unknown>) => {
  const all = [...promises];
  await Promise.allSettled(all);
  return Promise.all(all) as never;
};
