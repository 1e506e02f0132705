import type { Payer } from '../registry/types.ts';
import { anyType } from '../scopes/resource-types.ts';
import { consultedByValue } from './check-search.ts';
import type { Parameter } from './fhir-request.ts';
import { notAllowed, reading } from './refusals.ts';
import { parseSearchPath } from './search-path.ts';

/** For each step of a parameter's name, and each item of its value: the types that the payer has to have for it. */
const stepsOf = ([name, value]: Parameter, searched: readonly string[]): readonly (readonly string[])[] => {
  const { consulted, code } = parseSearchPath(name, searched);
  const ofItems = value.split(',').map((item) => consultedByValue(code, item, searched).map(({ type }) => type));
  return [...consulted, ...ofItems];
};

/**
 * Checks that one base of the payer's can answer a search. One that needs a type of another base would find nothing, and look as if
 * there were nothing.
 * @param searched the types whose search parameters the request uses
 * @throws GatewayError 405
 */
export const checkBases = (
  parameters: readonly Parameter[],
  searched: readonly string[],
  furtherBases: NonNullable<Payer['furtherBases']>,
): void => {
  const baseOf = (type: string) => furtherBases.find(({ types }) => types.includes(type));
  const isHere = (type: string): boolean =>
    type === anyType || type === 'Patient' || searched.some((one) => baseOf(one) === baseOf(type));
  const isLost = (types: readonly string[]): boolean => types.length > 0 && !types.some(isHere);
  if (searched.includes(anyType) || parameters.flatMap((one) => stepsOf(one, searched)).some(isLost)) {
    throw notAllowed('This payer has its record on several servers. Search each resource type by itself.', reading);
  }
};
