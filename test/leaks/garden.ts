import { createHash } from 'node:crypto';
import { mayBe, type Kind, type Place } from './places.ts';
import { leaksOf, spellingsOf } from './spellings.ts';

/** A value that is searched for everywhere. */
interface Canary {
  readonly kind: Kind;
  readonly value: string | Uint8Array;
  /** Whether it starts with the stem, so that a text without the stem cannot contain it. */
  readonly hasStem: boolean;
}

/** Not a word of any language: one search for it finds every canary that starts with it, in whole or in part. */
const stem = 'kanarek';
const stemSpellings = spellingsOf(stem);

const canaryPattern = new RegExp(`${stem}[0-9a-f]{20}`, 'gi');

/** A text, and the same in lower case, since host names and header names may be lowered. */
const searchable = (text: string): string => `${text}\n${text.toLowerCase()}`;

const holds = (searched: string, spellings: readonly string[]): boolean =>
  spellings.some((spelling) => searched.includes(spelling));

/** The text around a leak, for whoever has to find it. */
const around = (searched: string, spelling: string): string => {
  const at = searched.indexOf(spelling);
  return `…${searched.slice(Math.max(0, at - 80), at + 40)}…`;
};

/** What was said where, and everything that may not be there. */
export interface Garden {
  /** A new canary, of letters and digits. */
  readonly canary: (kind: Kind) => string;
  /** A value that was made elsewhere, such as one of our tokens. */
  readonly note: (kind: Kind, value: string | Uint8Array) => void;
  readonly see: (place: Place, ...texts: readonly string[]) => void;
  readonly seen: (place: Place) => readonly string[];
  /** Each leak as `place: kind, spelling`. */
  readonly leaks: () => readonly string[];
  readonly counts: () => { readonly canaries: number; readonly places: number; readonly texts: number };
}

/** Makes an empty garden. @param seed of its canaries, so that a failure can be reproduced */
export const plantGarden = (seed: string): Garden => {
  const canaries = new Map<string, Canary>();
  const places = new Map<Place, Set<string>>();
  const keep = (kind: Kind, value: string | Uint8Array, hasStem: boolean): void => {
    if (value.length < 8) throw new Error(`too short to look for: ${kind}`);
    canaries.set(typeof value === 'string' ? value : Buffer.from(value).toString('hex'), { kind, value, hasStem });
  };

  /** The text without the values that are allowed there. */
  const withoutAllowed = (text: string, allowed: readonly Canary[]): string => {
    const values = new Set(allowed.map(({ value }) => value));
    const rest = text.replaceAll(canaryPattern, (one) => (values.has(one.toLowerCase()) ? '' : one));
    if (!holds(searchable(rest), stemSpellings)) return rest;
    // Another spelling of an allowed value, such as Basic's.
    return allowed
      .filter(({ hasStem }) => hasStem)
      .flatMap(({ value }) => spellingsOf(value))
      .reduce((left, spelling) => left.replaceAll(spelling, ''), rest);
  };

  const leaksIn = (place: Place, texts: readonly string[]): string[] => {
    const all = [...canaries.values()];
    const may = (canary: Canary): boolean => mayBe[place].includes(canary.kind);
    const rest = searchable(withoutAllowed(texts.join('\n'), all.filter(may)));
    const part = stemSpellings.find((spelling) => rest.includes(spelling));
    const found = all
      .filter((canary) => !may(canary) && (part !== undefined || !canary.hasStem))
      .flatMap(({ kind, value }) => {
        const spelling = leaksOf(value).find((one) => rest.includes(one));
        return spelling === undefined ? [] : [`${place}: ${kind}, ${around(rest, spelling)}`];
      });
    return found.length === 0 && part !== undefined ? [`${place}: a part of a canary, ${around(rest, part)}`] : found;
  };

  return {
    canary: (kind) => {
      const value = `${stem}${createHash('sha256').update(`${seed}.${canaries.size}`).digest('hex').slice(0, 20)}`;
      keep(kind, value, true);
      return value;
    },
    note: (kind, value) => keep(kind, value, false),
    see: (place, ...texts) => {
      const known = places.get(place) ?? new Set<string>();
      places.set(place, known);
      for (const text of texts) known.add(text);
    },
    seen: (place) => [...(places.get(place) ?? [])],
    leaks: () => [...places].flatMap(([place, texts]) => leaksIn(place, [...texts])),
    counts: () => ({
      canaries: canaries.size,
      places: places.size,
      texts: [...places.values()].reduce((sum, texts) => sum + texts.size, 0),
    }),
  };
};
