import { compareTexts } from '../../shared/compare-texts.ts';
import type { Directory } from '../../shared/registry/directory.ts';
import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
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

/**
 * A payer's facade as a User Access Endpoint (http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-endpoint,
 * 2.2). It is active even while an operator has paused the payer: apps keep a bundle for days, and a pause is short.
 * @param developers the website for app developers
 */
const endpointOf = (origin: string, developers: string, { id, displayName }: DirectoryEntry) => ({
  resourceType: 'Endpoint',
  id,
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
  status: 'active',
  connectionType: {
    system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type',
    code: 'hl7-fhir-rest',
  },
  name: `${displayName}, FHIR R4`,
  contact: [{ system: 'url', value: developers }],
  payloadType: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] }],
  address: facadeBase(origin, id),
});

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
