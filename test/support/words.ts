/** A list of words that white space separates. */
export const words = (list: string): string[] => list.trim().split(/\s+/);
