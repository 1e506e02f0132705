import { fhirBase } from '../data/record.ts';

export interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly meta: { readonly versionId: string; readonly lastUpdated: string };
  readonly [element: string]: unknown;
}

export interface StoredResource {
  /** `Type/id` */
  readonly reference: string;
  /** What is served: the source text with the base URL filled in, never parsed and serialized. */
  readonly text: string;
  /** What is searched: parsed, with references below the base made relative. */
  readonly body: Resource;
}

export const storeResource = (source: string, baseUrl: string): StoredResource => {
  const body = JSON.parse(source.replaceAll(`${fhirBase}/`, '')) as Resource;
  return { reference: `${body.resourceType}/${body.id}`, text: source.replaceAll(fhirBase, baseUrl), body };
};
