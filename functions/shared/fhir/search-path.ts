import { anyType, resourceTypeOf } from '../scopes/resource-types.ts';
import { malformed } from './refusals.ts';
import { searchTargets } from './search-targets.ts';

/**
 * A parsed search parameter name: `subject:Patient.name:exact`, `_has:Observation:patient:code`.
 * https://hl7.org/fhir/R4/search.html
 */
export interface SearchPath {
  /**
   * For each step of a chain or `_has`: the types that the payer searches on the way. `anyType` if R4 leaves it open.
   */
  readonly consulted: readonly (readonly string[])[];
  /** The types that the last step's parameter belongs to. */
  readonly on: readonly string[];
  /** The last step's parameter, in lower case: some servers ignore case. */
  readonly code: string;
  /** In lower case; several modifiers count as one. */
  readonly modifier: string | undefined;
}

/** The longest chain. No known client needs more, and each step costs time. */
const maxSteps = 8;

const malformedName = () => malformed('A search parameter is not well-formed.');

/** All types that a reference parameter of these types may point to; `anyType` if R4 has no such parameter. */
export const targetsOf = (on: readonly string[], code: string): readonly string[] => {
  const found = on.flatMap((type) => searchTargets(type, code) ?? []);
  return found.length === 0 || found.includes(anyType) ? [anyType] : [...new Set(found)];
};

/**
 * Parses a search parameter's name, as a parameter of one of the types `on`.
 * @throws GatewayError 400
 */
export const parseSearchPath = (name: string, on: readonly string[]): SearchPath => {
  const consulted: (readonly string[])[] = [];
  let types = on;
  let rest = name;
  for (let step = 0; step < maxSteps; step++) {
    const reverse = /^_has:([^:.]+):([^:.]+):(.+)$/i.exec(rest);
    if (reverse !== null) {
      types = [resourceTypeOf(reverse[1]!) ?? anyType];
      rest = reverse[3]!;
      consulted.push(types);
      continue;
    }
    const chain = /^([^.:]+)(?::([^.:]*))?\.(.+)$/.exec(rest);
    if (chain === null) {
      const [code, ...modifiers] = rest.toLowerCase().split(':');
      if (!code || code === '_has' || rest.includes('.')) throw malformedName();
      return { consulted, on: types, code, modifier: modifiers.length === 0 ? undefined : modifiers.join(':') };
    }
    const named = chain[2] === undefined ? undefined : [resourceTypeOf(chain[2]) ?? anyType];
    types = named ?? targetsOf(types, chain[1]!);
    rest = chain[3]!;
    consulted.push(types);
  }
  throw malformedName();
};
