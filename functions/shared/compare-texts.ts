/** Orders texts by their UTF-16 code units, as `toSorted()` does. */
export const compareTexts = (one: string, other: string): number => Number(one > other) - Number(one < other);
