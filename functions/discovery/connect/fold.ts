/** Most names are plain, and what folds the others takes five times as long. */
const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Words as they are compared: without case, accents, apostrophes and punctuation. */
export const wordsOf = (text: string): string[] => {
  const plain = isPlain(text) ? text : text.normalize('NFKD').replaceAll(/[\p{M}’]/gu, '');
  return (
    plain
      .toLowerCase()
      .replaceAll("'", '')
      .replaceAll('&', ' and ')
      .match(isPlain(plain) ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? []
  );
};
