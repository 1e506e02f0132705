import { isDeepStrictEqual } from 'node:util';
import { nearestName, shownName } from '../../config/checks/names.ts';
import * as rules from '../../config/checks/rules.ts';
import { isNpiSystem } from '../../functions/shared/fhir/npi.ts';
import { isR4 } from '../../functions/shared/fhir/release.ts';
import { isObject, objectsIn, type JsonObject } from '../../functions/shared/json/json-object.ts';
import type { Brand } from '../../functions/shared/registry/types.ts';
import { withoutUndefined } from '../shared/objects.ts';
import { baseOf } from './discover.ts';
import { sameBase } from './draft.ts';

/** A payer as a bundle has it, merged from all entries that share an endpoint or a number. */
export interface ImportedPayer {
  readonly displayName: string;
  /** FHIR base URLs, without a trailing slash, in the bundle's order. */
  readonly addresses: readonly string[];
  /** Absent if the bundle names no website, which a brand needs. */
  readonly brand: Brand | undefined;
  /** How many of the bundle's organizations it is merged from. */
  readonly organizations: number;
  /** Names that pages may not show, and what is written in their place. */
  readonly renamed: readonly Renamed[];
}

/** A name of a bundle that pages may not show, and the name in its place, if there is one. */
export interface Renamed {
  readonly name: string;
  readonly instead: string | undefined;
}

/** What a bundle holds. */
export interface ReadBundle {
  readonly payers: readonly ImportedPayer[];
  /** Each counts once: as one of a payer, or under one of the three below. */
  readonly organizations: number;
  /** Organizations that the bundle calls inactive. */
  readonly inactive: number;
  /** Organizations without an endpoint of their own or their parent's. */
  readonly withoutEndpoint: number;
  /** Organizations with endpoints that are no FHIR R4 API, or that the bundle calls inactive, only. */
  readonly unusable: number;
}

type Numbers = { -readonly [Kind in keyof NonNullable<Brand['identifiers']>]: string[] };

interface Organization {
  /** Undefined if it has no name that pages may show. */
  readonly name: string | undefined;
  readonly otherNames: readonly string[];
  readonly renamed: readonly Renamed[];
  readonly website: string | undefined;
  readonly logo: string | undefined;
  readonly numbers: Numbers;
  readonly addresses: readonly string[];
  /** Whether the bundle has an endpoint of it, usable or not. */
  readonly hasEndpoint: boolean;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.trim() : undefined);

/** A text that passes a rule of the profile. */
const valid = (rule: rules.Rule, value: unknown): string | undefined => {
  const given = text(value);
  return given !== undefined && given !== '' && rule(given) === undefined ? given : undefined;
};

/** A name with single spaces in place of white space; undefined if it is empty. */
const nameIn = (value: unknown): string | undefined => text(value)?.replaceAll(/\s+/g, ' ') || undefined;

/**
 * The names of an Organization, as pages may show them. In place of a name that they may not show is an alias, or else the nearest name
 * that they may show.
 */
const namesOf = ({ name, alias }: JsonObject): Pick<Organization, 'name' | 'otherNames' | 'renamed'> => {
  const given = nameIn(name);
  const isShown = (one: string): boolean => shownName(one) === undefined;
  const aliases = (Array.isArray(alias) ? alias : [])
    .flatMap((one) => nameIn(one) ?? [])
    .map((one) => ({ name: one, instead: isShown(one) ? one : nearestName(one) }));
  const otherNames = aliases.flatMap(({ instead }) => instead ?? []);
  const renamed = aliases.filter((one) => one.instead !== one.name);
  if (given === undefined || isShown(given)) return { name: given, otherNames, renamed };
  const instead = aliases.find((one) => one.instead === one.name)?.name ?? nearestName(given);
  return { name: instead, otherNames, renamed: [{ name: given, instead }, ...renamed] };
};

const codesOf = ({ type }: JsonObject): unknown[] => [
  ...objectsIn(isObject(type) ? type['coding'] : undefined).map(({ code }) => code),
  ...(isObject(type) ? [type['text']] : []),
];

/** The numbers of an Organization, by the types and systems with which the gateway's own bundle writes them. */
const numbersOf = ({ identifier }: JsonObject): Numbers => {
  const numbers: Numbers = {};
  for (const each of objectsIn(identifier)) {
    const [codes, system] = [codesOf(each), each['system']];
    const add = (kind: keyof Numbers, rule: rules.Rule): void => {
      const value = valid(rule, each['value']);
      if (value !== undefined) numbers[kind] = [...(numbers[kind] ?? []), value];
    };
    if (codes.includes('payerid')) add('payerId', rules.payerNumber);
    else if (codes.includes('naiccode') || system === 'urn:oid:2.16.840.1.113883.6.300') add('naic', rules.digits(5));
    else if (codes.includes('NPI') || isNpiSystem(system)) add('npi', rules.npi);
    else if (codes.includes('HIOS issuer ID')) add('hios', rules.digits(5));
  }
  return numbers;
};

const extensionsIn = ({ extension }: JsonObject, name: string): JsonObject[] =>
  objectsIn(extension).filter(({ url }) => text(url)?.split('/').at(-1) === name);

const referencesIn = (resource: JsonObject): string[] =>
  [
    ...objectsIn(resource['endpoint']),
    ...extensionsIn(resource, 'organization-portal')
      .flatMap((portal) => extensionsIn(portal, 'portalEndpoint'))
      .flatMap(({ valueReference }) => (isObject(valueReference) ? [valueReference] : [])),
  ].flatMap(({ reference }) => text(reference) ?? []);

/** The address of an Endpoint that may be a FHIR R4 API. */
const addressOf = (endpoint: JsonObject): string | undefined => {
  const { status, connectionType } = endpoint;
  const isRest = !isObject(connectionType) || connectionType['code'] === 'hl7-fhir-rest';
  const versions = extensionsIn(endpoint, 'endpoint-fhir-version').map(({ valueCode }) => text(valueCode) ?? '');
  const isOfR4 = versions.length === 0 || versions.some(isR4);
  if (!isRest || !isOfR4 || (status !== undefined && status !== 'active')) return undefined;
  const address = text(endpoint['address']);
  // Some directories give the URL of the CapabilityStatement in place of the base URL.
  return valid(rules.fhirBaseUrl, address === undefined ? undefined : baseOf(address));
};

/** The type and id in a reference or in a full URL, such as `Endpoint/7`, whatever version it names; a URN as it is. */
const keyOf = (reference: string): string =>
  reference
    .replace(/\/_history\/[^/]*$/, '')
    .split('/')
    .slice(-2)
    .join('/');

const all = <T>(lists: readonly (readonly T[])[]): T[] => [...new Set(lists.flat())];

/** An entry's resource, by the names that references may have for it. */
interface Entry {
  readonly resource: JsonObject;
  readonly keys: readonly string[];
}

/** The resources of a bundle's entries. What pages of a search repeat, such as an included parent, counts once. */
const resourcesIn = (entries: readonly JsonObject[]): Entry[] => {
  const seen = new Map<string, JsonObject>();
  return entries.flatMap(({ resource, fullUrl }) => {
    if (!isObject(resource)) return [];
    const id = `${String(resource['resourceType'])}/${String(resource['id'])}`;
    const url = text(fullUrl) ?? id;
    const name = `${url} ${id}`;
    if (isDeepStrictEqual(seen.get(name), resource)) return [];
    seen.set(name, resource);
    return [{ resource, keys: [id, keyOf(url), url] }];
  });
};

const isInactive = ({ active }: JsonObject): boolean => active === false || active === 'false';

const organizationsIn = (entries: readonly JsonObject[]) => {
  const resources = resourcesIn(entries);
  const byKey = new Map(resources.flatMap(({ resource, keys }) => keys.map((key) => [key, resource] as const)));
  /** @param holder the entry's resource in which the reference is: it has what `#` refers to */
  const find = (reference: string, holder: JsonObject): JsonObject | undefined =>
    reference.startsWith('#')
      ? objectsIn(holder['contained']).find(({ id }) => id === reference.slice(1))
      : (byKey.get(reference) ?? byKey.get(keyOf(reference)));
  /** Its own endpoints, or its parent's if it has none that is usable. */
  const endpointsOf = (
    resource: JsonObject,
    holder = resource,
    depth = 0,
  ): Pick<Organization, 'addresses' | 'hasEndpoint'> => {
    const own = referencesIn(resource)
      .map((reference) => find(reference, holder))
      .filter((one) => one?.['resourceType'] === 'Endpoint')
      .filter((one) => one !== undefined);
    const addresses = all([own.flatMap((endpoint) => addressOf(endpoint) ?? [])]);
    if (addresses.length > 0 || depth === 8) return { addresses, hasEndpoint: own.length > 0 };
    const { partOf } = resource;
    const reference = isObject(partOf) ? (text(partOf['reference']) ?? '') : '';
    const parent = find(reference, holder);
    const theirs = parent && endpointsOf(parent, reference.startsWith('#') ? holder : parent, depth + 1);
    return { addresses: theirs?.addresses ?? [], hasEndpoint: own.length > 0 || theirs?.hasEndpoint === true };
  };
  const given = resources.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'Organization');
  const active = given.filter((resource) => !isInactive(resource));
  const organizations = active.map((resource): Organization => {
    const { name, otherNames, renamed } = namesOf(resource);
    return {
      name,
      otherNames,
      renamed,
      website: objectsIn(resource['telecom'])
        .filter(({ system }) => system === 'url')
        .flatMap(({ value }) => valid(rules.webUrl, value) ?? [])[0],
      logo: extensionsIn(resource, 'organization-brand')
        .flatMap((brand) => extensionsIn(brand, 'brandLogo'))
        .flatMap(({ valueUrl }) => valid(rules.webUrl, valueUrl) ?? [])[0],
      numbers: numbersOf(resource),
      ...endpointsOf(resource),
    };
  });
  return { organizations, inactive: given.length - active.length };
};

/** Groups what shares any key. */
const grouped = <T>(things: readonly T[], keysOf: (thing: T) => readonly string[]): T[][] => {
  const parents = things.map((_, at) => at);
  const rootOf = (at: number): number => {
    let root = at;
    while (parents[root] !== root) root = parents[root] = parents[parents[root]!]!;
    return root;
  };
  const owners = new Map<string, number>();
  for (const [at, thing] of things.entries()) {
    for (const key of keysOf(thing)) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, at);
      else parents[Math.max(rootOf(at), rootOf(owner))] = Math.min(rootOf(at), rootOf(owner));
    }
  }
  return [...Map.groupBy(things.entries(), ([at]) => rootOf(at)).values()].map((group) => group.map(([, one]) => one));
};

const keysOf = ({ addresses, numbers }: Organization): string[] => [
  ...addresses.map(sameBase),
  ...Object.entries(numbers).flatMap(([kind, values]) => values.map((value) => `${kind} ${value}`)),
];

const merged = (group: readonly Organization[]): ImportedPayer => {
  const displayName = group.find(({ name }) => name !== undefined)?.name ?? 'A payer without a name';
  const website = group.find((one) => one.website !== undefined)?.website;
  const names = all(group.map(({ name, otherNames }) => (name === undefined ? otherNames : [name, ...otherNames])));
  const otherNames = names.filter((name) => name !== displayName);
  const kinds = ['payerId', 'naic', 'hios', 'npi'] as const;
  const identifiers = kinds.flatMap((kind) => {
    const values = all(group.map(({ numbers }) => numbers[kind] ?? []));
    return values.length === 0 ? [] : [[kind, values] as const];
  });
  const brand = withoutUndefined({
    website,
    logo: group.find(({ logo }) => logo !== undefined)?.logo,
    otherNames: otherNames.length === 0 ? undefined : otherNames,
    identifiers: identifiers.length === 0 ? undefined : Object.fromEntries(identifiers),
  });
  const addresses = new Map(group.flatMap((one) => one.addresses).map((url) => [sameBase(url), url]));
  return {
    displayName,
    addresses: [...addresses.values()],
    brand: website === undefined ? undefined : (brand as Brand),
    organizations: group.length,
    renamed: group.flatMap(({ renamed }) => renamed),
  };
};

/**
 * Reads the entries of a SMART User-access Brands Bundle (http://hl7.org/fhir/smart-app-launch/brands.html, 2.2): organizations that share
 * an endpoint or a number are one payer.
 */
export const readBrands = (entries: readonly JsonObject[]): ReadBundle => {
  const { organizations, inactive } = organizationsIn(entries);
  const reachable = organizations.filter(({ addresses }) => addresses.length > 0);
  const unusable = organizations.filter(({ addresses, hasEndpoint }) => addresses.length === 0 && hasEndpoint).length;
  return {
    payers: grouped(reachable, keysOf).map(merged),
    organizations: organizations.length + inactive,
    inactive,
    withoutEndpoint: organizations.length - reachable.length - unusable,
    unusable,
  };
};
