import { eachText } from '../../shared/json/each-text.ts';
import { readTokens } from '../../shared/json/tokens.ts';

/** A resource's type and id, where known. */
export interface ResourceHead {
  readonly type?: string;
  readonly id?: string;
}

/** Longer names are not reported. */
const mostCharacters = 128;

/** A name that may be reported: letters, digits and a few safe characters, none of them special in a URL. */
const reportable = new RegExp(`^[A-Za-z0-9._~-]{1,${mostCharacters}}$`);

const isReportable = (name: unknown): name is string => typeof name === 'string' && reportable.test(name);

/**
 * Finds the type and id of a resource that could not be parsed, from its top-level members `resourceType` and `id` in
 * the bytes that were kept.
 * @param json a JSON object, possibly cut off, without white space between tokens
 */
export const headOfResource = (json: Buffer): ResourceHead => {
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
