import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { fault, type Finding } from './finding.ts';
import { probe, type Answer } from './probe.ts';

/** What a payer publishes about itself. */
export interface DiscoveryDocument {
  /** What people call it. */
  readonly name: 'smart-configuration' | 'RFC 8414 metadata' | 'OpenID configuration';
  readonly url: string;
  readonly body: NonNullable<Answer['json']>;
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

const placesOf = ({ issuer, ...places }: Places): Place[] => [
  ...smartPlaceOf(places),
  ...(issuer === undefined ? [] : issuerPlaces(issuer)),
];

/** The documents that were found, and the servers that failed to answer properly. */
export interface Published {
  readonly documents: readonly DiscoveryDocument[];
  readonly findings: readonly Finding[];
}

/**
 * Some sites answer every path with a page, which is not a document. An answer typed as JSON, or starting like it, is.
 */
const isMeantAsJson = ({ contentType, text }: Answer): boolean =>
  /\bjson\b/i.test(contentType) || /^\s*[[{]/.test(text);

/** Reads discovery documents, all in parallel. A document that is missing or is a page counts as not published. */
export const readPlaces = async ({ http }: { http: PayerHttp }, places: readonly Place[]): Promise<Published> => {
  const asked = await Promise.all(
    places.map(async ({ name, url }) => ({
      name,
      url,
      answer: await probe(http, url, { accept: 'application/json' }),
    })),
  );
  const documents: DiscoveryDocument[] = [];
  const findings: Finding[] = [];
  for (const { name, url, answer } of asked) {
    if ('failure' in answer) {
      findings.push(fault('discovery', `${url} ${answer.failure}`, 'ask the payer whether it is up, and run again'));
    } else if (answer.status >= 500) {
      findings.push(
        fault('discovery', `${url} answers ${answer.status}`, 'ask the payer to look at its server, and run again'),
      );
    } else if (answer.status === 200 && answer.json !== undefined) {
      documents.push({ name, url, body: answer.json });
    } else if (answer.status === 200 && isMeantAsJson(answer)) {
      findings.push(
        fault(
          'discovery',
          `${url} is published but is not a JSON object`,
          'ask the payer to fix it: other clients cannot read it either',
        ),
      );
    }
  }
  return { documents, findings };
};

/** Reads a payer's discovery documents where the standards put them. */
export const readDocuments = (deps: { http: PayerHttp }, places: Places): Promise<Published> =>
  readPlaces(deps, placesOf(places));

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
