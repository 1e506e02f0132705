import type { RouteSpec } from './template-functions.ts';

/** A route and the decoded values of its path parameters. */
export interface Match {
  readonly route: RouteSpec;
  readonly pathParameters: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly segments: readonly string[];
  readonly routes: readonly RouteSpec[];
}

const isGreedy = (segment: string): boolean => segment.endsWith('+}');
const isParameter = (segment: string): boolean => segment.startsWith('{');

/** Exact before `{parameter}` before `{greedy+}`, from the left. */
const rank = (segment: string | undefined): number => {
  if (segment === undefined || isGreedy(segment)) return 2;
  return isParameter(segment) ? 1 : 0;
};

const moreSpecific = (a: Pattern, b: Pattern): number => {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let index = 0; index < length; index += 1) {
    const difference = rank(a.segments[index]) - rank(b.segments[index]);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** The values of the parameters, still encoded; `undefined` if the path does not match the pattern. */
const parametersOf = (pattern: readonly string[], path: readonly string[]): Record<string, string> | undefined => {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    if (isGreedy(segment)) {
      const rest = path.slice(index).join('/');
      return rest === '' ? undefined : { ...parameters, [segment.slice(1, -2)]: rest };
    }
    const value = path[index];
    // Only the root has an empty segment.
    if (value === undefined || (value === '' && segment !== '')) return undefined;
    if (isParameter(segment)) parameters[segment.slice(1, -1)] = value;
    else if (segment !== value) return undefined;
  }
  return pattern.length === path.length ? parameters : undefined;
};

const decodeAll = (parameters: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]));

/**
 * Finds a request's route as API Gateway does: first the most specific path, then its method. One trailing slash is
 * ignored.
 * @param path as sent, without the query
 * @throws URIError if a parameter is not properly percent-encoded
 */
export type Router = (method: string, path: string) => Match | undefined;

/** Creates the router for an API's routes. */
export const routerOf = (routes: readonly RouteSpec[]): Router => {
  const patterns = [...Map.groupBy(routes, ({ path }) => path)]
    .map(([path, onPath]): Pattern => ({ segments: path.split('/').slice(1), routes: onPath }))
    .sort(moreSpecific);
  return (method, path) => {
    const segments = path
      .replace(/(?<=.)\/$/, '')
      .split('/')
      .slice(1);
    for (const pattern of patterns) {
      const parameters = parametersOf(pattern.segments, segments);
      if (parameters !== undefined) {
        const route =
          pattern.routes.find((candidate) => candidate.method === method) ??
          pattern.routes.find((candidate) => candidate.method === 'ANY');
        return route === undefined ? undefined : { route, pathParameters: decodeAll(parameters) };
      }
    }
    return undefined;
  };
};
