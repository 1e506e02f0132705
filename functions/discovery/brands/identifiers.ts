import { npiSystem } from '../../shared/fhir/npi.ts';
import type { DirectoryEntry } from '../../shared/registry/entry-items.ts';
import { facadeBase } from '../../shared/registry/urls.ts';

/** FHIR R4 Identifier, as far as brands have it. */
interface Identifier {
  readonly type?: {
    readonly coding?: readonly { readonly system: string; readonly code: string }[];
    readonly text?: string;
  };
  readonly system?: string;
  readonly value: string;
}

const uri = 'urn:ietf:rfc:3986';
const carin = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType';
const typed = (system: string, code: string): Identifier['type'] => ({ coding: [{ system, code }] });

/**
 * The identifier by which a facade's smart-configuration names its brand. It is the facade's own, since several brands
 * may have one website, and exactly one Organization must match (SMART App Launch 2.2, "Brand Bundle Profile").
 */
export const brandIdentifier = (origin: string, payerId: string) => ({
  system: uri,
  value: facadeBase(origin, payerId),
});

/** The website as SMART recommends it for an identifier: without a leading `www.` and without a path. */
const websiteIdentifier = (website: string): Identifier => {
  const { protocol, host } = new URL(website);
  return { system: uri, value: `${protocol}//${host.replace(/^www\./, '')}` };
};

/**
 * The identifiers of an Organization. Types and systems are those of CARIN Blue Button's Organization; a payer id and a
 * HIOS id have no system that anybody publishes.
 */
export const identifiersOf = (origin: string, { id, brand }: DirectoryEntry): readonly Identifier[] => {
  const { payerId = [], naic = [], hios = [], npi = [] } = brand?.identifiers ?? {};
  return [
    brandIdentifier(origin, id),
    ...(brand === undefined ? [] : [websiteIdentifier(brand.website)]),
    ...payerId.map((value) => ({ type: typed(carin, 'payerid'), value })),
    ...naic.map((value) => ({ type: typed(carin, 'naiccode'), system: 'urn:oid:2.16.840.1.113883.6.300', value })),
    ...hios.map((value) => ({ type: { text: 'HIOS issuer ID' }, value })),
    ...npi.map((value) => ({
      type: typed('http://terminology.hl7.org/CodeSystem/v2-0203', 'NPI'),
      system: npiSystem,
      value,
    })),
  ];
};
