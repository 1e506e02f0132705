import { GatewayError } from '../errors.ts';
import { isPlainText } from '../plain-text.ts';
import { anyType, isResourceType, resourceTypeOf, resourceTypes } from '../scopes/resource-types.ts';
import type { Parameter, TypeNeed } from './fhir-request.ts';
import { checkKnown, quoteName, type Grammar } from './known-parameters.ts';
import { nearestTo } from './nearest.ts';
import { notSupported } from './refusals.ts';
import { parseSearchPath, targetsOf } from './search-path.ts';

const jsonFormats = new Set([
  '',
  'json',
  'text/json',
  'application/json',
  'application/fhir+json',
  'application/json+fhir',
]);

const need = (types: readonly string[], needs: TypeNeed['needs']): TypeNeed[] => types.map((type) => ({ type, needs }));

/** The gateway serves JSON only, since it could not rewrite links in anything else. A `+` may have become a space. */
export const checkFormat = (value: string): void => {
  const format = value.split(';')[0]!.trim().toLowerCase().replace(' ', '+');
  if (!jsonFormats.has(format)) throw notSupported('Only JSON can be asked for in _format.', { status: 406 });
};

/** Types that `Type:parameter` or `Type:parameter:Target` includes. https://hl7.org/fhir/R4/search.html#include */
const included = (value: string): readonly string[] => {
  const [source, parameter, target] = value.split(':');
  const type = resourceTypeOf(source!);
  if (type === undefined || parameter === undefined) return [anyType];
  return target === undefined ? targetsOf([type], parameter) : [resourceTypeOf(target) ?? anyType];
};

const revIncluded = (value: string): readonly string[] => [resourceTypeOf(value.split(':')[0]!) ?? anyType];

/** Types that the value of a search result parameter lets the payer return or search. */
export const consultedByValue = (code: string, value: string, searched: readonly string[]): readonly TypeNeed[] => {
  const items = value.split(',').map((item) => item.trim());
  switch (code) {
    case '_type':
      return need(items.map(requireType), 's');
    case '_include':
      return items.flatMap((item) => need(included(item), 'r'));
    case '_revinclude':
      return items.flatMap((item) => need(revIncluded(item), 's'));
    case '_list':
      return need(['List'], 's');
    case '_contained':
      // It can return resources that contain resources of the path's type.
      return value === 'false' ? [] : need([anyType], 's');
    case '_sort':
      return items
        .filter((item) => item.includes('.'))
        .flatMap((item) => parseSearchPath(item.replace(/^-/, ''), searched).consulted)
        .flatMap((types) => need(types, 's'));
    default:
      return [];
  }
};

/** Makes the error for a type that R4 does not have. It is repeated if it is a type misspelled; else it may be a secret. */
export const unknownType = (type: string, status: 400 | 404): GatewayError => {
  const nearest = nearestTo(type, resourceTypes);
  return new GatewayError(
    'invalid_request',
    nearest === ''
      ? 'FHIR R4 has no such resource type.'
      : `FHIR R4 has no resource type ${quoteName(type)}.${nearest}`,
    { status, detail: 'unknown type of R4', ...(status === 404 ? { issueType: 'not-supported' } : {}) },
  );
};

/** A type that `_type` names. @throws GatewayError 400 for a type that R4 does not have, since a payer may ignore it */
export const requireType = (type: string): string => {
  if (isResourceType(type)) return type;
  throw unknownType(type, 400);
};

/**
 * Checks the parameters of a request, and finds which types they let the payer return or search.
 * @param searched the types whose search parameters the request uses
 * @throws GatewayError 400, 406
 */
export const checkSearch = (
  parameters: readonly Parameter[],
  searched: readonly string[],
  grammar: Grammar,
  anyFormat: boolean,
): TypeNeed[] => {
  return parameters.flatMap(([name, value]) => {
    checkKnown(name, grammar);
    if (!isPlainText(name) || !isPlainText(value)) {
      throw notSupported(`${quoteName(name)} has characters that cannot be used here.`, {
        detail: 'a control character, or half of a character',
      });
    }
    if (name === '_format') {
      if (!anyFormat) checkFormat(value);
      return [];
    }
    const { consulted, code } = parseSearchPath(name, searched);
    return [...consulted.flatMap((types) => need(types, 's')), ...consultedByValue(code, value, searched)];
  });
};
