import type { Mistake } from '../../shared/errors.ts';
import { isObject } from '../../shared/json/json-object.ts';
import { objectOf, unless } from './mistakes.ts';

/** In bytes of JSON. A member has some 5 KB; an attachment of the consent may be 65 KB. */
const longestBundle = 262_144;

/** One of each name. */
const mostParts = 4;
const mostContained = 10;

/** The most items of a list, and the most elements of an object: no resource type of R4 has more. */
const mostItems = 100;

/** Whether every list and every object in a JSON value is short. */
const isShort = (value: unknown): boolean => {
  if (!Array.isArray(value) && !isObject(value)) return true;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return items.length <= mostItems && items.every(isShort);
};

/**
 * Checks how much a MemberBundle has, before anything is looked for in it. What passes costs no more than a little, whatever it says.
 * @param at FHIRPath of the bundle
 */
export const checkBounds = (bundle: unknown, at: string): readonly Mistake[] => {
  const { part } = objectOf(bundle);
  const parts: readonly unknown[] = Array.isArray(part) ? part : [];
  if (parts.length > mostParts) {
    return unless(false, 'structure', at, `A MemberBundle has ${mostParts} parts at most, one of each name.`);
  }
  if (Buffer.byteLength(JSON.stringify(bundle)) > longestBundle) {
    return unless(false, 'too-long', at, `A MemberBundle can have ${longestBundle} bytes.`);
  }
  const tooMany = parts.flatMap((one, index) => {
    const { contained } = objectOf(objectOf(one)['resource']);
    const isFew = !Array.isArray(contained) || contained.length <= mostContained;
    const place = `${at}.part[${index}].resource.contained`;
    return unless(isFew, 'too-long', place, `A resource can contain ${mostContained} others.`);
  });
  if (tooMany.length > 0) return tooMany;
  const message = `A list can have ${mostItems} items, and an object ${mostItems} elements.`;
  return unless(isShort(bundle), 'too-long', at, message);
};
