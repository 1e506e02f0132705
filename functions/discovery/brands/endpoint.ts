import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { facadeBase } from '../../shared/registry/urls.ts';

/**
 * A payer's facade as a User Access Endpoint (http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-endpoint,
 * 2.2). It is active even while an operator has paused the payer: apps keep a bundle for days, and a pause is short.
 * @param developers the website for app developers
 */
export const endpointOf = (origin: string, developers: string, { id, displayName }: DirectoryEntry) => ({
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
