/** The replacements in a chunk, in byte order. */
export interface ChunkEdits {
  readonly isEmpty: () => boolean;
  readonly clear: () => void;
  /** Replaces the bytes from `from` up to `to` with the usual bytes, unless others are given. */
  readonly replace: (from: number, to: number, by?: Uint8Array) => void;
  /** Joins `before` and the chunk's bytes from `start` up to `end`, with every replacement made. */
  readonly apply: (before: Uint8Array, chunk: Buffer, start: number, end: number) => Uint8Array;
}

/** Collects the replacements in a chunk. @param usual the replacement where none is given */
export const createChunkEdits = (usual: Uint8Array): ChunkEdits => {
  /** Start and end of each replacement. */
  let places: number[] = [];
  /** Replacements other than `usual`, by their index in `places`. */
  let others: Map<number, Uint8Array> | undefined;

  const replacement = (place: number): Uint8Array => others?.get(place) ?? usual;

  return {
    isEmpty: () => places.length === 0,
    clear() {
      places = [];
      others = undefined;
    },
    replace(from, to, by = usual) {
      if (by !== usual) (others ??= new Map()).set(places.length, by);
      places.push(from, to);
    },
    apply(before, chunk, start, end) {
      let size = before.length + end - start;
      for (let e = 0; e < places.length; e += 2) size += replacement(e).length - (places[e + 1]! - places[e]!);
      const result = Buffer.allocUnsafe(size);
      result.set(before);
      let to = before.length;
      let from = start;
      for (let e = 0; e < places.length; e += 2) {
        to += chunk.copy(result, to, from, places[e]);
        const by = replacement(e);
        result.set(by, to);
        to += by.length;
        from = places[e + 1]!;
      }
      chunk.copy(result, to, from, end);
      return result;
    },
  };
};
