interface Bounds<Value> {
  /** The most entries. */
  readonly most: number;
  /** The most weight, and what an entry weighs. The entry that was set last stays, whatever it weighs. */
  readonly mostWeight: number;
  readonly weigh: (value: Value) => number;
}

/** A map that forgets what was set longest ago when it has too much. */
export interface BoundedMap<Value> {
  readonly get: (key: string) => Value | undefined;
  readonly set: (key: string, value: Value) => void;
  readonly delete: (key: string) => void;
  readonly size: () => number;
}

/** Makes an empty one. */
export const boundedMap = <Value>({ most, mostWeight, weigh }: Bounds<Value>): BoundedMap<Value> => {
  const values = new Map<string, Value>();
  let weight = 0;
  const remove = (key: string): void => {
    const value = values.get(key);
    if (value !== undefined) weight -= weigh(value);
    values.delete(key);
  };
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      // Removed first, so that the keys stay in order of age.
      remove(key);
      values.set(key, value);
      weight += weigh(value);
      for (const oldest of values.keys()) {
        if (oldest === key || (values.size <= most && weight <= mostWeight)) return;
        remove(oldest);
      }
    },
    delete: remove,
    size: () => values.size,
  };
};
