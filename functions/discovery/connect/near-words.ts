/** How many mistakes a word may have: none in a short one, since almost anything is near it. */
const mistakesIn = (word: string): number => (word.length < 4 ? 0 : word.length < 8 ? 1 : 2);

/**
 * Whether some beginning of `word` is at most `most` edits from `typed` (optimal string alignment: a letter more, less
 * or other, or two that changed places).
 */
const beginsNear = (word: string, typed: string, most: number): boolean => {
  const width = Math.min(word.length, typed.length + most);
  let before: number[] = [];
  let above = Array.from({ length: width + 1 }, (_, column) => column);
  for (let row = 1; row <= typed.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= width; column += 1) {
      const same = typed[row - 1] === word[column - 1];
      let edits = Math.min(above[column]! + 1, current[column - 1]! + 1, above[column - 1]! + (same ? 0 : 1));
      const swapped = typed[row - 1] === word[column - 2] && typed[row - 2] === word[column - 1];
      if (row > 1 && column > 1 && swapped) edits = Math.min(edits, before[column - 2]! + 1);
      current.push(edits);
    }
    if (Math.min(...current) > most) return false;
    before = above;
    above = current;
  }
  return Math.min(...above) <= most;
};

/** The words that begin with almost what was typed. Numbers must match exactly. */
export const nearWords = (words: Iterable<string>, typed: string): readonly string[] => {
  const most = mistakesIn(typed);
  return [...words].filter(
    (word) =>
      word.startsWith(typed) ||
      (most > 0 && word.length >= typed.length - most && !/\d/.test(word) && beginsNear(word, typed, most)),
  );
};
