/**
 * How the tool knows the value of a field: it read it in a document, it guesses it from what it read, or only the payer
 * can say, so that the value is a placeholder or the usual one.
 */
export interface Line {
  readonly basis: 'read' | 'guess' | 'ask';
  /** Where it was read, why it is guessed, or what to ask. */
  readonly why: string;
}

/** A value, and how it is known. */
export interface Known<T> {
  readonly value: T;
  readonly line: Line;
}

export const read = <T>(value: T, why: string): Known<T> => ({ value, line: { basis: 'read', why } });

export const guess = <T>(value: T, why: string): Known<T> => ({ value, line: { basis: 'guess', why } });

export const ask = <T>(value: T, why: string): Known<T> => ({ value, line: { basis: 'ask', why } });

const labels: Readonly<Record<Line['basis'], string>> = { read: 'Read', guess: 'Guess', ask: 'Ask the payer' };

/** The comment above the field. */
export const commentOf = ({ basis, why }: Line): string => `${labels[basis]}: ${why}`;
