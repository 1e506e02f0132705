import { nearestTo } from '../fhir/nearest.ts';
import { resourceTypes } from '../scopes/resource-types.ts';
import { namesType, type Scopes } from '../scopes/scopes.ts';

const mostNamed = 5;
const longestName = 64;

/** One scope for an error text. Characters that no SMART scope has become `?`, so that it is safe to show anywhere. */
const quoteScope = (word: string): string =>
  word.slice(0, longestName).replaceAll(/[^\w/*.:?=|,+~-]/g, '?') + (word.length > longestName ? '...' : '');

/** Names scopes for an error text, whatever they contain (RFC 6749 §5.2: `error_description` is plain ASCII). */
export const nameScopes = (scopes: Scopes): string => {
  const more = scopes.length > mostNamed ? ` and ${scopes.length - mostNamed} more` : '';
  return (
    scopes
      .slice(0, mostNamed)
      .map(({ word }) => quoteScope(word))
      .join(', ') + more
  );
};

/** A sentence about a misspelled type and the nearest one, after a blank; empty if none of the first scopes has one. */
export const nearestTypeIn = (scopes: Scopes): string => {
  for (const scope of scopes.slice(0, mostNamed)) {
    const type = scope.kind === 'resource' && !namesType(scope) ? scope.type : '';
    const nearest = nearestTo(type, resourceTypes);
    if (nearest !== '') return ` FHIR R4 has no resource type ${quoteScope(type)}.${nearest}`;
  }
  return '';
};
