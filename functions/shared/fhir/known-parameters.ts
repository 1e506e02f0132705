import type { GatewayError } from '../errors.ts';
import { anyType, isResourceType } from '../scopes/resource-types.ts';
import { nearestTo } from './nearest.ts';
import { notSupported } from './refusals.ts';
import { isSearchParameter, searchParametersOf, searchTargets } from './search-targets.ts';

/** Search parameters that a payer's profile adds: codes by resource type, or by `*` for all types. */
export type AddedParameters = Readonly<Record<string, readonly string[]>>;

/** The parameters that a kind of request takes. */
export interface Grammar {
  /** Parameters other than search parameters, spelled exactly. */
  readonly plain: ReadonlySet<string>;
  /** The resource types whose search parameters it takes; none if it is not a search. */
  readonly on: readonly string[];
  readonly added: AddedParameters;
}

const words = (text: string): string[] => text.split(' ');

/** What any request may specify about its answer: https://hl7.org/fhir/R4/http.html#parameters */
const ofAll = words('_format _pretty _summary _elements');
/** https://hl7.org/fhir/R4/http.html#history */
const ofHistory = words('_count _since _at _list');
/** https://hl7.org/fhir/R4/operation-patient-everything.html */
const ofEverything = words('start end _since _type _count');
/** https://hl7.org/fhir/R4/search.html#Summary; `_filter` and `_query` cannot be checked. */
const ofSearch = words('_sort _count _include _revinclude _total _contained _containedType _list');
/** `:recurse` is what earlier versions call `:iterate`. */
const includes = words('_include _revinclude').flatMap((name) => [`${name}:iterate`, `${name}:recurse`]);

const search = [...ofAll, ...ofSearch, ...includes];

/** The parameters other than search parameters, by kind of request. */
export const plainParameters = {
  read: new Set(ofAll),
  history: new Set([...ofAll, ...ofHistory]),
  everything: new Set([...ofAll, ...ofEverything]),
  search: new Set(search),
  /** https://hl7.org/fhir/R4/http.html#search: only if the path names no type. */
  searchSystem: new Set([...search, '_type']),
} as const;

/** https://hl7.org/fhir/R4/search.html#modifiers, without those that are resource types. */
const modifiers = new Set(words('missing exact contains text not above below in not-in of-type identifier'));

/** The longest chain. No known client needs more, and each step costs time. */
const maxSteps = 8;

const longestName = 64;
const unsafe = /[^A-Za-z0-9_.:*~-]/g;

/** A parameter's name as an answer may quote it: short, with safe characters only. */
export const quoteName = (name: string): string => {
  const safe = name.slice(0, longestName).replace(unsafe, '?');
  return `"${name.length > longestName ? `${safe}…` : safe}"`;
};

/** If a request has one of these, the client most likely built a page URL itself. */
const paging = /page|offset|cursor|skip|^_link$/i;

/** The names that a request takes as they are. */
const namesOf = ({ plain, on, added }: Grammar): ReadonlySet<string> =>
  new Set([...plain, ...on.flatMap(searchParametersOf), ...on.flatMap((type) => added[type] ?? [])]);

const unknown = (name: string, grammar: Grammar): GatewayError => {
  const { on } = grammar;
  const where = on.length === 0 ? 'this request' : on.includes(anyType) ? 'a search of all types' : on.join(', ');
  const [kind, hint] = paging.test(name)
    ? ['paging', ' To read further pages, follow the links of the Bundle as they are.']
    : /[.:]/.test(name)
      ? [
          'chain or modifier',
          ' In a chain every type it can lead to must have the parameter: name the type, as in subject:Patient.name.',
        ]
      : ['parameter', nearestTo(name, namesOf(grammar))];
  return notSupported(`${quoteName(name)} is not a parameter of ${where} here.${hint}`, {
    detail: `unknown ${kind} of ${where}`,
  });
};

/** Whether each of the types has the parameter. */
const isKnown = (on: readonly string[], code: string, added: AddedParameters): boolean =>
  on.every((type) =>
    [type, anyType].some(
      (key) => isSearchParameter(type, code) || (Object.hasOwn(added, key) && added[key]!.includes(code)),
    ),
  );

/** The types that a reference parameter points to, if each of the types has it, spelled exactly; else none. */
const leadsTo = (on: readonly string[], code: string): readonly string[] => {
  const targets = on.map((type) => (isSearchParameter(type, code) ? searchTargets(type, code) : undefined));
  if (!targets.every((found) => found !== undefined)) return [];
  const all = [...new Set(targets.flat())];
  return all.includes(anyType) ? [anyType] : all;
};

const leadsToType = (targets: readonly string[], type: string): boolean =>
  isResourceType(type) && (targets.includes(anyType) || targets.includes(type));

const isKnownModifier = (on: readonly string[], code: string, modifier: string): boolean => {
  // A payer may ignore a type that the reference cannot point to.
  return modifiers.has(modifier) || on.every((type) => leadsToType(leadsTo([type], code), modifier));
};

/** Whether a search parameter, with its chain and modifier, is known for every type that it may apply to. */
const isKnownSearch = (name: string, { on, added }: Grammar): boolean => {
  let types = on;
  let rest = name;
  for (let step = 0; step < maxSteps; step++) {
    const reverse = /^_has:([^:.]+):([^:.]+):([^]+)$/.exec(rest);
    if (reverse !== null) {
      const [, type, code, inner] = reverse as unknown as [string, string, string, string];
      const targets = isResourceType(type) ? leadsTo([type], code) : [];
      if (targets.length === 0 || !types.every((one) => one === anyType || leadsToType(targets, one))) return false;
      [types, rest] = [[type], inner];
      continue;
    }
    const chain = /^([^.:]+)(?::([^.:]+))?\.([^]+)$/.exec(rest);
    if (chain === null) {
      const [code = '', modifier, ...more] = rest.split(':');
      if (more.length > 0 || !isKnown(types, code, added)) return false;
      return modifier === undefined || isKnownModifier(types, code, modifier);
    }
    const [, code, named, inner] = chain as unknown as [string, string, string | undefined, string];
    const targets = leadsTo(types, code);
    if (targets.length === 0 || (named !== undefined && !leadsToType(targets, named))) return false;
    [types, rest] = [named === undefined ? targets : [named], inner];
  }
  return false;
};

/** Whether this kind of request takes a parameter of that name, spelled exactly. */
export const isKnownParameter = (name: string, grammar: Grammar): boolean =>
  grammar.plain.has(name) || (grammar.on.length > 0 && isKnownSearch(name, grammar));

/**
 * Refuses a parameter that is unknown for this kind of request. A server may ignore parameters that it does not know
 * and so return more than was asked for (https://hl7.org/fhir/R4/search.html#errors). Passing known ones only keeps the
 * answer within what was checked.
 * @throws GatewayError 400, naming the parameter
 */
export const checkKnown = (name: string, grammar: Grammar): void => {
  if (/(?:^|[.:])_(?:filter|query)(?::|$)/.test(name)) {
    throw notSupported(`The gateway cannot check ${quoteName(name)}; use search parameters.`, {
      detail: '_filter or _query',
    });
  }
  if (!isKnownParameter(name, grammar)) throw unknown(name, grammar);
};
