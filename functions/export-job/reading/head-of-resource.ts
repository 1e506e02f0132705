import {
  closeArray,
  closeObject,
  colonByte,
  endOfString,
  openArray,
  openObject,
  quoteByte,
} from '../../shared/fhir/json-bytes.ts';

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
  let depth = 0;
  let key = '';
  for (let i = 0; i < json.length && !(found.type !== undefined && found.id !== undefined); i++) {
    const byte = json[i];
    if (byte === openObject || byte === openArray) depth++;
    else if (byte === closeObject || byte === closeArray) depth--;
    else if (byte === quoteByte) {
      const end = endOfString(json, i + 1);
      if (depth === 1 && end - i <= mostCharacters + 1) {
        const text = json.toString('latin1', i + 1, end);
        if (json[end + 1] === colonByte) key = text;
        else if (key === 'resourceType' && isReportable(text)) found.type ??= text;
        else if (key === 'id' && isReportable(text)) found.id ??= text;
      }
      i = end;
    }
  }
  return found;
};
