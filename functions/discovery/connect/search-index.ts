import { compareTexts } from '../../shared/compare-texts.ts';
import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { nearWords } from './near-words.ts';
import { sortedTexts } from './sorted-texts.ts';

/** Most names are plain; folding takes five times as long. */
const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Words as they are compared: without case, accents, apostrophes and punctuation. */
const wordsOf = (text: string): string[] => {
  const plain = isPlain(text) ? text : text.normalize('NFKD').replaceAll(/[\p{M}’]/gu, '');
  return (
    plain
      .toLowerCase()
      .replaceAll("'", '')
      .replaceAll('&', ' and ')
      .match(isPlain(plain) ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? []
  );
};

type Kind = 'name' | 'number' | 'other' | 'plan';

/** What a typed word counts that is a word of the payer, and that begins one. */
const weights: Readonly<Record<Kind, readonly [whole: number, beginning: number]>> = {
  name: [8, 6],
  number: [8, 3],
  other: [5, 4],
  plan: [2, 1],
};

/** A name that is what was typed, or begins with it, goes before all that only contains the words. */
const wholeName = 1000;
const beginningOfName = 100;
/** Members write `Blue Cross` and `BlueCross`, `ABC-12` and `ABC12`. */
const oneWord = 5;

/** A payer that has a word, by its place in the index, and where it has it. */
interface Place {
  readonly payer: number;
  readonly kind: Kind;
}

/** Payers by their place in the index, each with what it counts. */
type Scores = ReadonlyMap<number, number>;

/** Finds payers by what a member types, best first. */
export type Search = (typed: string, isAllowed: (id: string) => boolean) => readonly DirectoryEntry[];

const joined = (text: string): string => wordsOf(text).join('');

const namesOf = ({ displayName, brand }: DirectoryEntry): readonly string[] => [
  displayName,
  ...(brand?.otherNames ?? []),
];

const numbersOf = ({ id, brand }: DirectoryEntry): readonly string[] => {
  const { payerId = [], naic = [], hios = [], npi = [] } = brand?.identifiers ?? {};
  return [...id.split('-'), ...[id, ...payerId, ...naic, ...hios, ...npi].map(joined)];
};

/** The words of a payer, and where it has each. */
const placesOf = (entry: DirectoryEntry): readonly (readonly [Kind, readonly string[]])[] => {
  const [name = [], ...others] = namesOf(entry).map(wordsOf);
  return [
    ['name', name],
    ['other', others.flat()],
    ['plan', (entry.linesOfBusiness ?? []).flatMap(wordsOf)],
    ['number', numbersOf(entry)],
  ];
};

/** The payers that are in all, with the sum of what they count. */
const inAll = ([first = new Map(), ...rest]: readonly Scores[]): Scores =>
  new Map(
    [...first].flatMap(([payer, score]) => {
      const more = rest.map((scores) => scores.get(payer));
      return more.includes(undefined) ? [] : [[payer, more.reduce<number>((sum, one) => sum + one!, score)]];
    }),
  );

/** Makes the index of a directory; a search then touches only what begins with the words. */
export const searchIndex = (entries: readonly DirectoryEntry[]): Search => {
  const payers = entries
    .map((entry) => ({ entry, name: wordsOf(entry.displayName).join(' ') }))
    .toSorted((one, other) => compareTexts(one.name, other.name));
  const places = new Map<string, Place[]>();
  for (const [payer, { entry }] of payers.entries()) {
    for (const [kind, words] of placesOf(entry)) {
      for (const word of words) {
        const known = places.get(word);
        if (known === undefined) places.set(word, [{ payer, kind }]);
        else known.push({ payer, kind });
      }
    }
  }
  const byWord = sortedTexts(places);
  const byWhole = sortedTexts(
    payers.flatMap(({ entry }, payer) =>
      [...namesOf(entry).map(joined), ...numbersOf(entry)].map((whole) => [whole, payer] as const),
    ),
  );

  const asTyped = (word: string): Scores => {
    const scores = new Map<number, number>();
    for (const [found, isWhole] of byWord.beginningWith(word)) {
      for (const { payer, kind } of found) {
        scores.set(payer, Math.max(scores.get(payer) ?? 0, weights[kind][isWhole ? 0 : 1]));
      }
    }
    return scores;
  };

  const withMistakes = (word: string): Scores => {
    const scores = new Map<number, number>();
    for (const near of nearWords(places.keys(), word)) {
      for (const { payer, kind } of places.get(near) ?? []) {
        scores.set(payer, Math.max(scores.get(payer) ?? 0, weights[kind][1]));
      }
    }
    return scores;
  };

  const exactly = (words: readonly string[]): Scores => {
    const scores = new Map(inAll(words.map(asTyped)));
    for (const [payer] of byWhole.beginningWith(words.join(''))) {
      if (!scores.has(payer)) scores.set(payer, oneWord);
    }
    return scores;
  };

  return (typed, isAllowed) => {
    const words = wordsOf(typed);
    const whole = words.join(' ');
    const bonus = (name: string): number => (name === whole ? wholeName : name.startsWith(whole) ? beginningOfName : 0);
    const ranked = (scores: Scores): readonly DirectoryEntry[] =>
      [...scores]
        .map(([place, score]) => {
          const { entry, name } = payers[place]!;
          return { place, entry, score: score + bonus(name) };
        })
        .filter(({ entry }) => isAllowed(entry.id))
        .toSorted((one, other) => other.score - one.score || one.place - other.place)
        .map(({ entry }) => entry);
    if (words.length === 0) return [];
    const found = ranked(exactly(words));
    return found.length > 0 ? found : ranked(inAll(words.map(withMistakes)));
  };
};
