import { GatewayError } from '../errors.ts';
import { anyType, isResourceType, resourceTypeOf } from '../scopes/resource-types.ts';
import { decodedOnce } from './check-patient.ts';
import { consultedByValue } from './check-search.ts';
import { mergeNeeds, type FhirRequest, type Parameter, type TypeNeed } from './fhir-request.ts';
import { isKnownParameter, plainParameters, type AddedParameters } from './known-parameters.ts';
import type { Page } from './page-link.ts';
import { parseSearchPath } from './search-path.ts';

const plain = new Set([...plainParameters.searchSystem, ...plainParameters.everything]);

/** No server decodes more than twice. */
const mostDecodings = 3;

/** Segments without path parameters (RFC 3986 §3.3), which many servers strip, and with dot segments resolved; above the base `..` stays. */
const resolved = (path: string): string[] => {
  const kept: string[] = [];
  for (const written of path.split(/[/\\]+/)) {
    const segment = written.replace(/;[^]*/, '');
    if (segment === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return kept;
};

/**
 * A path's segments as the most lenient server sees them: everything decoded, slashes included, and each time resolved as in
 * every URL that is sent (https://url.spec.whatwg.org/#path-state).
 */
const lenientSegmentsOf = (path: string): string[] => {
  let segments = resolved(path);
  for (let round = 0; round < mostDecodings; round++) {
    segments = resolved(decodedOnce(segments.join('/')));
  }
  return segments;
};

const need = (type: string, needs: TypeNeed['needs'] = 's'): TypeNeed[] => [{ type, needs }];

/** The types that a page's path lets the payer return; unknown if it names no type. */
const needsOfPath = ([type = '', id, third]: readonly string[]): TypeNeed[] => {
  // It leads above the base, so to whatever is there.
  if (type === '..') return need(anyType, 'rs');
  if (!isResourceType(type)) return [];
  if ([id, third].some((segment) => segment?.startsWith('$'))) return need(anyType, 'rs');
  if (id === undefined || id.startsWith('_')) return need(type);
  if (third === undefined || third.startsWith('_')) return need(type, 'r');
  return need(isResourceType(third) ? third : anyType);
};

/** The types that a known parameter lets the payer return or search. */
const needsOfParameter = ([name, value]: Parameter, searched: readonly string[]): TypeNeed[] => {
  try {
    const { consulted, code } = parseSearchPath(name, searched);
    const onTheWay = consulted.flatMap((types) => types.flatMap((type) => need(type)));
    return [...onTheWay, ...consultedByValue(code, value, searched)];
  } catch (error) {
    if (error instanceof GatewayError) return need(anyType);
    throw error;
  }
};

/** Whom a parameter names by id alone, where no type says what it means. */
const patientsIn = (name: string, value: string): string[] =>
  /^(?:patient|subject)(?::|$)/i.test(name)
    ? value.split(',').flatMap((id) => (id.includes('/') || id.trim() === '' ? [] : [`Patient/${id.trim()}`]))
    : [];

/** A parameter's name as a lenient server binds it: `%20PATIENT.identifier`, `patient[]`, `subject:patient._id`. */
const boundName = (name: string): string =>
  decodedOnce(decodedOnce(name))
    .replaceAll(/\[[^\]]*\]?|[^\w.:-]/g, '')
    .toLowerCase()
    .replaceAll(/(?<=_has:)[a-z]+|(?<=:)[a-z]+(?=\.|$)/g, (word) => resourceTypeOf(word) ?? word);

/** Parameters as a lenient server binds them; some servers end a parameter at a semicolon. */
const boundParameters = (query: string): Parameter[] =>
  [...new URLSearchParams(query.replaceAll(/;|%3b/gi, '&'))].map(([name, value]) => [boundName(name), value]);

/**
 * Makes the request that follows a page's link. The link came from the payer for this grant, so it is followed as it
 * is. What can be read in it still counts: a page whose path or parameters name a type or a patient is a request for
 * those.
 */
export const pageRequest = ({ base, rest, types }: Page, added: AddedParameters): FhirRequest => {
  const [path = '', query = ''] = rest.split(/\?([^]*)/);
  const segments = lenientSegmentsOf(path);
  const ofPath = needsOfPath(segments);
  const bound = boundParameters(query);
  const ofBase = bound.flatMap(([name, value]) =>
    name === '_type' ? value.split(',').flatMap((type) => need(resourceTypeOf(type.trim()) ?? anyType)) : [],
  );
  const asked = types.filter(({ needs }) => needs.includes('s'));
  const searched = [ofPath, ofBase, asked].find((found) => found.length > 0)?.map(({ type }) => type) ?? [];
  const parameters: Parameter[] = [...new URLSearchParams(query)];
  const isKnown = ([name]: Parameter) => isKnownParameter(name, { plain, on: searched, added });
  const known = parameters.filter(isKnown);
  const unknown = parameters.filter((parameter) => !isKnown(parameter));
  const isKnownOfOne = ([name]: Parameter) =>
    searched.some((type) => isKnownParameter(name, { plain, on: [type], added }));
  const judged = [...known, ...bound.filter(isKnownOfOne)];
  const patients = segments.flatMap((segment, at) => {
    const id = segments[at + 1] ?? '';
    return segment.toLowerCase() === 'patient' && !/^(?:$|[_$])/.test(id) ? [`Patient/${id}`] : [];
  });
  return {
    interaction: 'page',
    method: 'GET',
    searched,
    types: mergeNeeds([...types, ...ofPath, ...judged.flatMap((parameter) => needsOfParameter(parameter, searched))]),
    segments: [],
    query: judged,
    page: {
      ...(base === undefined ? {} : { base }),
      rest,
      unknown: [
        ...patients,
        ...(segments[0] === '..' ? ['Patient/..'] : []),
        ...unknown.map(([, value]) => value),
        ...bound.filter((parameter) => !isKnownOfOne(parameter)).flatMap(([name, value]) => patientsIn(name, value)),
      ],
    },
  };
};
