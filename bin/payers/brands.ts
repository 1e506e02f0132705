import { nearestName, shownName } from '../../config/checks/names.ts';
import * as rules from '../../config/checks/rules.ts';
import { isObject, objectsIn, type JsonObject } from '../../functions/shared/json/json-object.ts';
import type { Brand } from '../../functions/shared/registry/types.ts';
import { withoutUndefined } from '../shared/objects.ts';
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
  readonly organizations: number;
  /** Endpoints that are no FHIR R4 API or that the bundle calls inactive. */
  readonly unusable: number;
  /** Organizations without an endpoint of their own or their parent's. */
  readonly unreachable: number;
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
    else if (codes.includes('NPI') || system === 'http://hl7.org/fhir/sid/us-npi') add('npi', rules.digits(10));
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
  const isR4 = versions.length === 0 || versions.some((version) => /^4\.0(\.|$)/.test(version));
  if (!isRest || !isR4 || (status !== undefined && status !== 'active')) return undefined;
  return valid(rules.fhirBaseUrl, text(endpoint['address'])?.replace(/\/+$/, ''));
};

/** The last two parts of a reference or of a full URL, such as `Endpoint/7`; a URN as it is. */
const keyOf = (reference: string): string => reference.split('/').slice(-2).join('/');

const all = <T>(lists: readonly (readonly T[])[]): T[] => [...new Set(lists.flat())];

const organizationsIn = (entries: readonly JsonObject[]) => {
  const resources = entries.flatMap((entry) => {
    const { resource, fullUrl } = entry;
    if (!isObject(resource)) return [];
    const id = `${String(resource['resourceType'])}/${String(resource['id'])}`;
    return [{ resource, keys: [id, keyOf(text(fullUrl) ?? id), text(fullUrl) ?? id] }];
  });
  const of = (type: string) => resources.filter(({ resource }) => resource['resourceType'] === type);
  const byKey = new Map(resources.flatMap(({ resource, keys }) => keys.map((key) => [key, resource] as const)));
  const find = (reference: string): JsonObject | undefined => byKey.get(reference) ?? byKey.get(keyOf(reference));
  const endpoints = of('Endpoint').map(({ resource }) => resource);
  const addresses = new Map(endpoints.map((endpoint) => [endpoint, addressOf(endpoint)]));
  /** Its own endpoints, or its parent's. */
  const addressesOf = (resource: JsonObject, depth = 0): string[] => {
    const own = referencesIn(resource).flatMap((reference) => {
      const endpoint = find(reference);
      return (endpoint === undefined ? undefined : addresses.get(endpoint)) ?? [];
    });
    if (own.length > 0 || depth === 8) return [...new Set(own)];
    const { partOf } = resource;
    const parent = isObject(partOf) ? find(text(partOf['reference']) ?? '') : undefined;
    return parent === undefined ? [] : addressesOf(parent, depth + 1);
  };
  const organizations = of('Organization').map(({ resource }): Organization => {
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
      addresses: addressesOf(resource),
    };
  });
  return { organizations, unusable: [...addresses.values()].filter((address) => address === undefined).length };
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
 * Reads a SMART User-access Brands Bundle (http://hl7.org/fhir/smart-app-launch/brands.html, 2.2): organizations that share
 * an endpoint or a number are one payer.
 * @returns undefined if it is no bundle
 */
export const readBrands = (bundle: unknown): ReadBundle | undefined => {
  if (!isObject(bundle) || bundle['resourceType'] !== 'Bundle') return undefined;
  const { organizations, unusable } = organizationsIn(objectsIn(bundle['entry']));
  const reachable = organizations.filter(({ addresses }) => addresses.length > 0);
  return {
    payers: grouped(reachable, keysOf).map(merged),
    organizations: organizations.length,
    unusable,
    unreachable: organizations.length - reachable.length,
  };
};
