/** `a, b and c`. */
export const inWords = (list: readonly string[], word = 'and'): string =>
  list.length < 2 ? list.join() : `${list.slice(0, -1).join(', ')} ${word} ${list.at(-1)}`;
