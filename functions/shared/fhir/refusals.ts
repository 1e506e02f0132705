import { GatewayError } from '../errors.ts';

/** The methods that the FHIR route accepts, each at some path. */
export const fhirMethods = 'GET, POST, OPTIONS';

/** Makes the error for a request that is not FHIR. */
export const malformed = (message: string): GatewayError => new GatewayError('invalid_request', message);

/**
 * Makes the error for a request that FHIR allows and this server does not support.
 * @param options give a `detail` if the message quotes the caller: it may contain anything, so it must not be logged
 */
export const notSupported = (
  message: string,
  options: { readonly status?: 404 | 406; readonly detail?: string } = {},
): GatewayError => new GatewayError('invalid_request', message, { issueType: 'not-supported', ...options });

/** Makes the error for a method or operation that this server does not have. @param allowed the methods of the path */
export const notAllowed = (message: string, allowed = fhirMethods): GatewayError =>
  new GatewayError('method_not_allowed', message, { headers: { Allow: allowed } });

/** What takes POST: searches, and the operations that begin an export or a match. */
const posted: ReadonlySet<string | undefined> = new Set([
  '_search',
  '$export',
  '$bulk-member-match',
  '$davinci-data-export',
]);

/**
 * Makes the error for anything but a read. https://hl7.org/fhir/R4/http.html#search
 * @param segments the path: `Allow` has POST only where it is taken (RFC 9110 §10.2.1)
 */
export const readOnly = (segments: readonly string[]): GatewayError =>
  notAllowed(
    'This server is read-only: GET, or POST to {type}/_search and Patient/$export.',
    posted.has(segments.at(-1)) ? fhirMethods : 'GET, OPTIONS',
  );
