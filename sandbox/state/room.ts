/** Texts by key that may outlive the process. */
export interface Room {
  /** What an earlier process left. */
  readonly entries: () => Iterable<readonly [key: string, text: string]>;
  /** The text is only written where the room keeps it. */
  readonly set: (key: string, text: () => string) => void;
  readonly delete: (key: string) => void;
}

/** Opens a room by its name. */
export type Rooms = (name: string) => Room;

/** Rooms that keep nothing beyond the process. */
export const noRooms: Rooms = () => ({ entries: () => [], set: () => {}, delete: () => {} });

/** A map in memory whose every change is also written into its room. */
export interface KeptMap<Value> {
  readonly get: (key: string) => Value | undefined;
  /** A value that was changed in place must be set again. */
  readonly set: (key: string, value: Value) => void;
  readonly delete: (key: string) => void;
  /** In the order in which the keys were first set. */
  readonly entries: () => IterableIterator<[string, Value]>;
}

/** Opens a map with what an earlier process left in the room. @param shape how values become JSON, and come back */
export const keptMap = <Value, Stored = Value>(
  room: Room,
  shape?: { readonly store: (value: Value) => Stored; readonly restore: (stored: Stored) => Value },
): KeptMap<Value> => {
  const restore = (text: string): Value => {
    const stored = JSON.parse(text) as Stored;
    return shape === undefined ? (stored as unknown as Value) : shape.restore(stored);
  };
  const values = new Map([...room.entries()].map(([key, text]) => [key, restore(text)]));
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value);
      room.set(key, () => JSON.stringify(shape === undefined ? value : shape.store(value)));
    },
    delete: (key) => {
      if (values.delete(key)) room.delete(key);
    },
    entries: () => values.entries(),
  };
};
