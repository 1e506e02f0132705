import { compareTexts } from '../../shared/compare-texts.ts';
import type { Directory } from '../../shared/registry/directory.ts';
import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { endpointOf } from './endpoint.ts';
import { organizationOf } from './organization.ts';

/** What the bundle says about the gateway itself. */
export interface Publisher {
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  /** The website for app developers. */
  readonly developers: string;
}

const brandsPath = '/brands';

/** Where the gateway publishes its brands. */
export const brandsUrl = (origin: string): string => `${origin}${brandsPath}`;

const byName = (one: DirectoryEntry, other: DirectoryEntry): number =>
  compareTexts(one.displayName, other.displayName) || compareTexts(one.id, other.id);

/** A SMART User Access Brands Bundle (http://hl7.org/fhir/smart-app-launch/brands.html, 2.2) of these payers. */
export const brandsBundle = ({ origin, developers }: Publisher, { entries, changedAt }: Directory) => {
  const changed = new Date(changedAt * 1000).toISOString();
  const entryOf = <Resource extends { readonly resourceType: string; readonly id: string }>(resource: Resource) => ({
    fullUrl: `${brandsUrl(origin)}/${resource.resourceType}/${resource.id}`,
    resource,
  });
  return {
    resourceType: 'Bundle',
    meta: { lastUpdated: changed },
    type: 'collection',
    timestamp: changed,
    entry: entries
      .toSorted(byName)
      .flatMap((payer) => [entryOf(organizationOf(origin, payer)), entryOf(endpointOf(origin, developers, payer))]),
  };
};
