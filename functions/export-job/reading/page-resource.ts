import { isUtf8 } from 'node:buffer';
import { writtenId } from '../../shared/fhir/fhir-id.ts';
import type { EntryMode } from '../../shared/fhir/said.ts';
import { openObject } from '../../shared/json/bytes.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { readTokens } from '../../shared/json/tokens.ts';
import { countMembers } from './count-members.ts';
import { cutLongStrings, cutMark } from './cut-long-strings.ts';
import { eachText } from './each-text.ts';
import type { ValueKeeper } from './keep-value.ts';
import { surveyResource, type Survey } from './survey-resource.ts';

/** Why a resource on a page is skipped. */
export type SkipReason =
  | 'tooLarge'
  | 'tooDeep'
  /** It has more elements than are read. */
  | 'tooMany'
  /** For example, a line break inside a string, or bytes that are not UTF-8. */
  | 'notJson'
  /** An object has the same member twice. Parsers disagree on which one counts. */
  | 'repeatedKey'
  | 'notResource'
  /** The entry has only its status or its URL, or is not even an object. */
  | 'noResource';

/** A resource on a page. */
export interface PageResource extends Survey {
  readonly type: string;
  readonly id: string | undefined;
  /** `match` where the payer does not say. */
  readonly mode: EntryMode;
  /**
   * The payer's own bytes, without white space between tokens and without a line break. Valid until the next resource is read,
   * which overwrites this memory.
   */
  readonly line: Buffer;
  /** The entry's `fullUrl`, if that is a URN, by which other resources of the page refer to it. */
  readonly fullUrl?: string | undefined;
  /** The parsed resource. If it is large, its long strings are cut short. */
  readonly resource: JsonObject;
  readonly skipped?: undefined;
}

/** When a resource was changed, as it says: milliseconds, or NaN if it does not say. */
export const lastUpdated = ({ meta }: PageResource['resource']): number =>
  isObject(meta) && typeof meta['lastUpdated'] === 'string' ? Date.parse(meta['lastUpdated']) : Number.NaN;

/** A resource on a page that cannot be passed on. */
export interface SkippedResource extends ResourceHead {
  readonly skipped: SkipReason;
  readonly mode: EntryMode;
}

/** The most levels of nesting; no R4 resource needs this many. */
const mostLevels = 200;

/** The most names, values and brackets. The parser takes memory for each. */
const mostNodes = 500_000;

/** The long strings of a resource larger than this, in bytes, are cut before it is parsed. */
const largeBytes = 256 * 1024;

/** A resource with a longer id counts as one without an id: nothing can refer to it, and a report of it would be as long. */
const mostCharacters = 128;

/** @param members how many members its bytes have, repeated ones included */
const resourceOf = (
  line: Buffer,
  parsed: unknown,
  members: number,
): Omit<PageResource, 'mode'> | 'notResource' | 'repeatedKey' => {
  if (!isObject(parsed) || typeof parsed['resourceType'] !== 'string') return 'notResource';
  const survey = surveyResource(parsed);
  if (survey.members !== members) return 'repeatedKey';
  const { resourceType: type, id } = parsed as { readonly resourceType: string; readonly id?: unknown };
  const named = writtenId(id);
  const isShort = typeof named === 'string' && named.length <= mostCharacters && !named.endsWith(cutMark);
  return { type, id: isShort ? named : undefined, line, resource: parsed, ...survey };
};

/**
 * Parses and checks a resource that is written as most are: not large, and without white space between tokens. It takes half the
 * time of a reader of tokens.
 * @returns undefined for any other line, whatever is wrong with it
 */
export const readPlain = (line: Buffer, mostBytes: number): Omit<PageResource, 'mode'> | undefined => {
  if (line[0] !== openObject || line.length > Math.min(mostBytes, largeBytes) || !isUtf8(line)) return undefined;
  const text = line.toString('utf8');
  const members = countMembers(text, mostLevels);
  if (members === undefined) return undefined;
  try {
    const found = resourceOf(line, JSON.parse(text), members);
    return typeof found === 'string' ? undefined : found;
  } catch {
    return undefined;
  }
};

/** Parses and checks the bytes of a resource that the keeper kept. */
export const readKept = (keeper: ValueKeeper): Omit<PageResource, 'mode'> | Omit<SkippedResource, 'mode'> => {
  const kept = keeper.kept();
  const skip = (skipped: SkipReason): Omit<SkippedResource, 'mode'> => ({ skipped, ...headOfResource(kept) });
  if (keeper.isTooLarge()) return skip('tooLarge');
  if (keeper.depth() > mostLevels) return skip('tooDeep');
  if (keeper.nodes() > mostNodes) return skip('tooMany');
  if (!isUtf8(kept)) return skip('notJson');
  let parsed: unknown;
  try {
    parsed = JSON.parse((kept.length > largeBytes ? cutLongStrings(kept) : kept).toString('utf8'));
  } catch {
    return skip('notJson');
  }
  const found = resourceOf(kept, parsed, keeper.members());
  if (found === 'notResource') return skip(found);
  if (found !== 'repeatedKey') return found;
  const skipped = skip(found);
  const { resourceType: type, id } = parsed as { readonly resourceType: string; readonly id?: unknown };
  return skipped.type === type && skipped.id === id ? skipped : { skipped: found };
};

/** A resource's type and id, where known. */
export interface ResourceHead {
  readonly type?: string;
  readonly id?: string;
}

/** A name that may be reported: letters, digits and a few safe characters, none of them special in a URL. */
const reportable = new RegExp(`^[A-Za-z0-9._~-]{1,${mostCharacters}}$`);

const isReportable = (name: unknown): name is string => typeof name === 'string' && reportable.test(name);

/**
 * Finds the type and id of a resource that could not be parsed, from its top-level members `resourceType` and `id` in
 * the bytes that were kept.
 * @param json a JSON object, possibly cut off, without white space between tokens
 */
const headOfResource = (json: Buffer): ResourceHead => {
  const found: { type?: string; id?: string } = {};
  const tokens = readTokens();
  let key = '';
  eachText(tokens, json, (from, to) => {
    if (tokens.level !== 1) return;
    const text = to - from <= mostCharacters ? json.toString('latin1', from, to) : '';
    if (!tokens.isMember) key = text;
    else if (key === 'resourceType' && isReportable(text)) found.type ??= text;
    else if (key === 'id' && isReportable(text)) found.id ??= text;
  });
  return found;
};
