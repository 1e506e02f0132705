import type { ResourceWithMeta } from '../../profiles/validate.ts';

interface Extension {
  readonly url: string;
  readonly extension?: readonly Extension[];
  readonly valueCode?: string;
  readonly valueReference?: { readonly reference: string };
}
interface Concept {
  readonly coding: readonly { readonly code: string }[];
}
interface Contact {
  readonly system: string;
  readonly value?: string;
  readonly _value?: { readonly extension: readonly Extension[] };
}

/** An Organization or an Endpoint. */
export interface Resource extends ResourceWithMeta {
  readonly id: string;
  readonly extension?: readonly Extension[];
  readonly identifier?: readonly { readonly system?: string; readonly value: string }[];
  readonly name?: string;
  readonly type?: readonly Concept[];
  readonly telecom?: readonly Contact[];
  readonly endpoint?: readonly { readonly reference: string }[];
  readonly connectionType?: { readonly system: string; readonly code: string };
  readonly payloadType?: readonly Concept[];
  readonly status?: string;
  readonly address?: string;
  readonly contact?: readonly Contact[];
}

/** A bundle of brands. */
export interface Bundle {
  readonly resourceType: string;
  readonly type: string;
  readonly timestamp: string;
  readonly meta: { readonly lastUpdated: string };
  readonly entry: readonly { readonly fullUrl: string; readonly resource: Resource }[];
}

export const bundleOf = ({ body }: { readonly body?: unknown }): Bundle => JSON.parse(String(body)) as Bundle;

export const resourcesOf = (bundle: Bundle, type: string): readonly Resource[] =>
  bundle.entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === type);

/** What SMART App Launch 2.2 requires of a User Access Brands Bundle, by rule; each gives the resources that break it. */
export const extensionsOf = (resource: Resource, name: string): readonly Extension[] =>
  (resource.extension ?? []).filter(({ url }) => url === `http://hl7.org/fhir/StructureDefinition/${name}`);
const referencesOf = (organization: Resource): string[] =>
  (organization.endpoint ?? []).map(({ reference }) => reference);
const portalReferencesOf = (organization: Resource): string[] =>
  extensionsOf(organization, 'organization-portal')
    .flatMap(({ extension = [] }) => extension)
    .filter(({ url }) => url === 'portalEndpoint')
    .map(({ valueReference }) => valueReference?.reference ?? '');

export const rules: readonly (readonly [string, (bundle: Bundle) => boolean])[] = [
  ['is a collection', (bundle) => bundle.resourceType === 'Bundle' && bundle.type === 'collection'],
  ['has a timestamp', ({ timestamp }) => !Number.isNaN(Date.parse(timestamp))],
  ['has meta.lastUpdated', ({ meta }) => !Number.isNaN(Date.parse(meta.lastUpdated))],
  ['has full URLs that differ', ({ entry }) => new Set(entry.map(({ fullUrl }) => fullUrl)).size === entry.length],
  [
    'has a brand that refers to each endpoint',
    (bundle) => {
      const referred = new Set(resourcesOf(bundle, 'Organization').flatMap(referencesOf));
      return resourcesOf(bundle, 'Endpoint').every(({ id }) => referred.has(`Endpoint/${id}`));
    },
  ],
  [
    'has each endpoint that a brand refers to, at the same base as the brand',
    (bundle) =>
      bundle.entry
        .filter(({ resource }) => resource.resourceType === 'Organization')
        .every(({ fullUrl, resource }) => {
          const base = fullUrl.slice(0, fullUrl.indexOf('/Organization/'));
          return referencesOf(resource).every((one) =>
            bundle.entry.some((other) => other.fullUrl === `${base}/${one}`),
          );
        }),
  ],
  [
    'has a name and exactly one telecom, a website or the reason why there is none, in each brand',
    (bundle) =>
      resourcesOf(bundle, 'Organization').every(
        ({ name, telecom }) =>
          typeof name === 'string' &&
          telecom?.length === 1 &&
          telecom[0]?.system === 'url' &&
          (/^https?:/.test(telecom[0].value ?? '') ||
            ['asked-declined', 'asked-unknown'].includes(telecom[0]._value?.extension[0]?.valueCode ?? '')),
      ),
  ],
  [
    'has portal endpoints in Organization.endpoint too (uab-1)',
    (bundle) =>
      resourcesOf(bundle, 'Organization').every((one) =>
        portalReferencesOf(one).every((reference) => referencesOf(one).includes(reference)),
      ),
  ],
  [
    'has a category of the guide in each brand',
    (bundle) => resourcesOf(bundle, 'Organization').every(({ type }) => type?.[0]?.coding[0]?.code === 'ins'),
  ],
  [
    'has a FHIR version in each endpoint',
    (bundle) =>
      resourcesOf(bundle, 'Endpoint').every(
        (one) => extensionsOf(one, 'endpoint-fhir-version')[0]?.valueCode === '4.0.1',
      ),
  ],
  [
    'has connection type, payload type, status and address in each endpoint',
    (bundle) =>
      resourcesOf(bundle, 'Endpoint').every(
        ({ connectionType, payloadType, status, address }) =>
          connectionType?.code === 'hl7-fhir-rest' &&
          connectionType.system === 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type' &&
          payloadType?.length === 1 &&
          payloadType[0]?.coding[0]?.code === 'none' &&
          status === 'active' &&
          address?.includes('/r4/') === true,
      ),
  ],
  [
    'has a website for developers in each endpoint',
    (bundle) =>
      resourcesOf(bundle, 'Endpoint').every(({ contact }) =>
        contact?.some(({ system, value }) => system === 'url' && /^https?:/.test(value ?? '')),
      ),
  ],
];
