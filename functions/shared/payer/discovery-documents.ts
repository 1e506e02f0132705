import type { JsonObject } from '../json/json-object.ts';

/** What a payer publishes about itself. */
export interface DiscoveryDocument {
  /** What people call it. */
  readonly name: 'smart-configuration' | 'RFC 8414 metadata' | 'OpenID configuration';
  readonly url: string;
  readonly body: JsonObject;
}

/** A document that may be there. */
export type Place = Pick<DiscoveryDocument, 'name' | 'url'>;

/** Whom to look for documents of. */
export interface Places {
  readonly fhirBaseUrl?: string | undefined;
  /** Where `smart-configuration` is, if not below the FHIR base URL. */
  readonly smartConfigurationUrl?: string | undefined;
  readonly issuer?: string | undefined;
}

/**
 * RFC 8414 §3.1 puts the well-known part between host and path, and OpenID Connect Discovery §4 puts it after the path.
 */
export const issuerPlaces = (issuer: string): Place[] => {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    { name: 'RFC 8414 metadata', url: `${origin}/.well-known/oauth-authorization-server${path}` },
    { name: 'OpenID configuration', url: `${origin}${path}/.well-known/openid-configuration` },
  ];
};

export const smartPlace = (baseUrl: string): Place => ({
  name: 'smart-configuration',
  url: `${baseUrl}/.well-known/smart-configuration`,
});

/** Where a profile's `smart-configuration` is. */
const smartPlaceOf = ({ fhirBaseUrl, smartConfigurationUrl }: Places): Place[] => {
  if (smartConfigurationUrl !== undefined) return [{ name: 'smart-configuration', url: smartConfigurationUrl }];
  return fhirBaseUrl === undefined ? [] : [smartPlace(fhirBaseUrl)];
};

/** Where the standards put a payer's discovery documents. */
export const placesOf = ({ issuer, ...places }: Places): Place[] => [
  ...smartPlaceOf(places),
  ...(issuer === undefined ? [] : issuerPlaces(issuer)),
];

/** A member of a document, if it is a string. */
export const textOf = ({ body }: DiscoveryDocument, member: string): string | undefined => {
  const value = body[member];
  return typeof value === 'string' ? value : undefined;
};

/** The strings of a member of a document, if it is a list. */
export const listOf = ({ body }: DiscoveryDocument, member: string): string[] | undefined => {
  const value = body[member];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : undefined;
};
