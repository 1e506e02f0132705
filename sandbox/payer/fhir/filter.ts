import { searchParametersOf } from './definitions.ts';
import type { SearchParameter } from './definitions.ts';
import { matcher } from './match.ts';
import { badRequest, unsupported } from './outcome.ts';
import type { MemberView } from './records.ts';
import type { StoredResource } from './resource.ts';
import { referencesOf, valuesOf } from './values.ts';

/** Whether a resource matches one search parameter. */
export type Filter = (resource: StoredResource) => boolean;

/** What a filter may read. */
export interface SearchScope {
  readonly view: MemberView;
  readonly baseUrl: string;
}

/**
 * Parses `name=value` of a search into a filter: a parameter with an optional modifier, a chain
 * (`subject:Patient.family=…`) or a reverse chain (`_has:Observation:patient:code=…`).
 */
export const filter = (scope: SearchScope, resourceType: string, name: string, value: string): Filter => {
  if (name.startsWith('_has:')) return hasFilter(scope, name, value);
  const dot = name.indexOf('.');
  if (dot !== -1) return chainFilter(scope, resourceType, name.slice(0, dot), name.slice(dot + 1), value);
  const [code = '', modifier] = name.split(':');
  const parameter = parameterOf(resourceType, code);
  if (modifier === 'missing') return missingFilter(parameter, value);
  const anyOf = splitValues(value).map((asked) => matcher(parameter, modifier, asked, scope.baseUrl));
  const matches: Filter = (resource) => valuesOf(resource, parameter).some((found) => anyOf.some((one) => one(found)));
  return modifier === 'not' ? (resource) => !matches(resource) : matches;
};

/** The definition of a parameter. An unknown one is refused, since ignoring it would return too much. */
export const parameterOf = (resourceType: string, code: string): SearchParameter => {
  const parameter = searchParametersOf(resourceType).get(code);
  if (!parameter) throw unsupported(`${resourceType} has no search parameter "${code}" here`);
  return parameter;
};

/** Commas separate alternatives; `\,` is a comma in a value. */
export const splitValues = (value: string): string[] => {
  const parts = value.match(/(?:\\.|[^,\\])+/gs) ?? [];
  return parts.map((part) => part.replaceAll(/\\([\\,$|])/g, '$1'));
};

const missingFilter = (parameter: SearchParameter, value: string): Filter => {
  if (value !== 'true' && value !== 'false') throw badRequest(`${parameter.code}:missing is true or false`);
  return (resource) => (valuesOf(resource, parameter).length === 0) === (value === 'true');
};

const chainFilter = (scope: SearchScope, resourceType: string, link: string, rest: string, value: string): Filter => {
  const [code = '', targetType] = link.split(':');
  const parameter = parameterOf(resourceType, code);
  if (parameter.type !== 'reference') throw badRequest(`${code} is not a reference, so it cannot be chained`);
  const filters = new Map<string, Filter>();
  const filterFor = (type: string): Filter => {
    const known = filters.get(type) ?? filter(scope, type, rest, value);
    filters.set(type, known);
    return known;
  };
  if (targetType) filterFor(targetType);
  return (resource) =>
    referencesOf(resource, parameter).some((reference) => {
      const target = scope.view.resources.get(reference);
      if (!target || (targetType && target.body.resourceType !== targetType)) return false;
      // Without a type, a chain continues only if the target's type has the parameter.
      if (!targetType && !searchParametersOf(target.body.resourceType).has(rest.split(/[:.]/)[0] ?? '')) return false;
      return filterFor(target.body.resourceType)(target);
    });
};

const hasFilter = (scope: SearchScope, name: string, value: string): Filter => {
  const [, type, link, ...rest] = name.split(':');
  if (!type || !link || rest.length === 0) throw badRequest(`"${name}" is not _has:Type:reference:parameter`);
  const parameter = parameterOf(type, link);
  const wanted = filter(scope, type, rest.join(':'), value);
  const pointedAt = new Set(
    Array.from(scope.view.resources.values())
      .filter((resource) => resource.body.resourceType === type && wanted(resource))
      .flatMap((resource) => referencesOf(resource, parameter)),
  );
  return (resource) => pointedAt.has(resource.reference);
};
