import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { identityCapability } from '../identity-capability.ts';
import { identifiersOf } from './identifiers.ts';

const extensions = 'http://hl7.org/fhir/StructureDefinition/';

/** The profile requires a website; this says why there is none. */
const unknownWebsite = { extension: [{ url: `${extensions}data-absent-reason`, valueCode: 'asked-unknown' }] };

const logoOf = ({ brand }: DirectoryEntry) =>
  brand?.logo === undefined
    ? []
    : [{ url: `${extensions}organization-brand`, extension: [{ url: 'brandLogo', valueUrl: brand.logo }] }];

/** Where members sign in. SMART has no list of plans, and its portal's description says who is eligible to connect. */
const portalOf = ({ id, displayName, linesOfBusiness }: DirectoryEntry) => ({
  url: `${extensions}organization-portal`,
  extension: [
    { url: 'portalName', valueString: displayName },
    ...(linesOfBusiness === undefined
      ? []
      : [{ url: 'portalDescription', valueMarkdown: `For members of: ${linesOfBusiness.join(', ')}.` }]),
    { url: 'portalEndpoint', valueReference: { reference: `Endpoint/${id}` } },
  ],
});

/** SMART has no extension for it, so it has the URI of the facade's capability. */
const identityOf = (origin: string, { identity }: DirectoryEntry) =>
  identity === undefined ? [] : [{ url: identityCapability(origin), valueBoolean: true }];

/** A payer as a User Access Brand (http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-brand, 2.2). */
export const organizationOf = (origin: string, entry: DirectoryEntry) => ({
  resourceType: 'Organization',
  id: entry.id,
  extension: [...logoOf(entry), portalOf(entry), ...identityOf(origin, entry)],
  identifier: identifiersOf(origin, entry),
  active: true,
  type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code: 'ins' }] }],
  name: entry.displayName,
  ...(entry.brand?.otherNames === undefined ? {} : { alias: entry.brand.otherNames }),
  telecom: [
    entry.brand === undefined
      ? { system: 'url', _value: unknownWebsite }
      : { system: 'url', value: entry.brand.website },
  ],
  endpoint: [{ reference: `Endpoint/${entry.id}` }],
});
