import { isUtf8 } from 'node:buffer';
import { isObject, type JsonObject } from '../../shared/json-object.ts';
import { cutLongStrings } from './cut-long-strings.ts';
import { headOfResource, type ResourceHead } from './head-of-resource.ts';
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

/** Why an entry is in a search's answer: https://hl7.org/fhir/R4/valueset-search-entry-mode.html */
export type EntryMode = 'match' | 'include' | 'outcome';

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
  /** The parsed resource. If it is large, its long strings are cut short. */
  readonly resource: JsonObject;
  readonly skipped?: undefined;
}

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

/** Parses and checks the bytes of a resource that the keeper kept. */
export const readKept = (keeper: ValueKeeper): Omit<PageResource, 'mode'> | Omit<SkippedResource, 'mode'> => {
  const kept = keeper.kept();
  const skip = (skipped: SkipReason): Omit<SkippedResource, 'mode'> => ({ skipped, ...headOfResource(kept) });
  if (keeper.isTooLarge()) return skip('tooLarge');
  if (keeper.depth() > mostLevels) return skip('tooDeep');
  if (keeper.nodes() > mostNodes) return skip('tooMany');
  if (!isUtf8(kept)) return skip('notJson');
  let resource: unknown;
  try {
    resource = JSON.parse((kept.length > largeBytes ? cutLongStrings(kept) : kept).toString('utf8'));
  } catch {
    return skip('notJson');
  }
  if (!isObject(resource) || typeof resource['resourceType'] !== 'string') return skip('notResource');
  const survey = surveyResource(resource);
  const { resourceType: type, id } = resource as { readonly resourceType: string; readonly id?: unknown };
  if (survey.members !== keeper.members()) {
    const skipped = skip('repeatedKey');
    return skipped.type === type && skipped.id === id ? skipped : { skipped: 'repeatedKey' };
  }
  return { type, id: typeof id === 'string' ? id : undefined, line: kept, resource, ...survey };
};
