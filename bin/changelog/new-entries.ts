import { sectionsOf, unreleased } from './sections.ts';

const linesIn = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

/**
 * The lines that a change adds where entries belong: under Unreleased, or under a version that the change itself
 * releases. Lines that were anywhere in the file before count as moved.
 */
export const newEntries = (before: string, after: string): readonly string[] => {
  const known = new Set(linesIn(before));
  const released = new Set(sectionsOf(before).sections.map(({ version }) => version));
  return sectionsOf(after)
    .sections.filter(({ version }) => version === unreleased || !released.has(version))
    .flatMap(({ text }) => linesIn(text))
    .filter((line) => !known.has(line));
};
