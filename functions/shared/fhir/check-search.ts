import { FhirRequestError } from './fhir-request-error.ts';
import type { Parameter, TypeNeed } from './fhir-request.ts';
import { parseSearchPath, targetsOf } from './search-path.ts';
import { ANY, resourceTypeOf } from './search-targets.ts';

// Includes letters, digits and what payers' paging parameters have; nothing that a server could take for an array or
// a second parameter.
const NAME = /^[A-Za-z0-9_.:~*-]{1,256}$/;
const JSON_FORMATS = new Set([
  '',
  'json',
  'text/json',
  'application/json',
  'application/fhir+json',
  'application/json+fhir',
]);

const need = (types: readonly string[], needs: TypeNeed['needs']): TypeNeed[] => types.map((type) => ({ type, needs }));

/** The gateway speaks JSON only: anything else could not be checked for links. A `+` may have become a space. */
function checkFormat(value: string): void {
  const format = value.split(';')[0]!.trim().toLowerCase().replace(' ', '+');
  if (!JSON_FORMATS.has(format))
    throw new FhirRequestError(406, 'not-supported', 'Only JSON can be asked for in _format.');
}

/** Types that `Type:parameter` or `Type:parameter:Target` includes. https://hl7.org/fhir/R4/search.html#include */
function included(value: string): readonly string[] {
  const [source, parameter, target] = value.split(':');
  const type = resourceTypeOf(source!);
  if (type === undefined || parameter === undefined) return [ANY];
  return target === undefined ? targetsOf([type], parameter) : [resourceTypeOf(target) ?? ANY];
}

const revIncluded = (value: string): readonly string[] => [resourceTypeOf(value.split(':')[0]!) ?? ANY];

/** Types that the value of a search result parameter lets the payer return or look into. */
function consultedByValue(code: string, value: string, searched: string): readonly TypeNeed[] {
  const items = value.split(',').map((item) => item.trim());
  switch (code) {
    case '_filter':
    case '_query':
      throw new FhirRequestError(400, 'not-supported', `The gateway cannot check ${code}; use search parameters.`);
    case '_include':
      return items.flatMap((item) => need(included(item), 'r'));
    case '_revinclude':
      return items.flatMap((item) => need(revIncluded(item), 's'));
    case '_list':
      return need(['List'], 's');
    case '_contained':
      // It can return resources that contain those of the path's type.
      return value === 'false' ? [] : need([ANY], 's');
    case '_sort':
      return items
        .filter((item) => item.includes('.'))
        .flatMap((item) => parseSearchPath(item.replace(/^-/, ''), [searched]).consulted)
        .flatMap((types) => need(types, 's'));
    default:
      return [];
  }
}

/**
 * Checks the parameters of a request, and finds what they let the payer return or look into.
 * @throws FhirRequestError 400, 406
 */
export function checkSearch(parameters: readonly Parameter[], searched: string, anyFormat: boolean): TypeNeed[] {
  return parameters.flatMap(([name, value]) => {
    if (!NAME.test(name) || !value.isWellFormed()) {
      throw new FhirRequestError(400, 'invalid', 'A parameter has characters that cannot be used here.');
    }
    if (/^_format(?::|$)/i.test(name)) {
      if (!anyFormat) checkFormat(value);
      return [];
    }
    const { consulted, code } = parseSearchPath(name, [searched]);
    return [...consulted.flatMap((types) => need(types, 's')), ...consultedByValue(code, value, searched)];
  });
}
