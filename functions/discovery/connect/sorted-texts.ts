import { compareTexts } from '../../shared/compare-texts.ts';

/** Texts in order, each with a value, so that those with a common beginning stand together. */
export interface SortedTexts<Value> {
  /** The values of the texts that begin so, and whether the text ends there. */
  readonly beginningWith: (beginning: string) => Iterable<readonly [value: Value, isWhole: boolean]>;
}

/** Sorts them once. */
export const sortedTexts = <Value>(pairs: Iterable<readonly [string, Value]>): SortedTexts<Value> => {
  const sorted = [...pairs].toSorted(([one], [other]) => compareTexts(one, other));

  /** The place of the first text that is not before this one. */
  const placeOf = (text: string): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]![0] < text) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    beginningWith: function* (beginning) {
      for (let place = placeOf(beginning); place < sorted.length; place += 1) {
        const [text, value] = sorted[place]!;
        if (!text.startsWith(beginning)) return;
        yield [value, text.length === beginning.length];
      }
    },
  };
};
