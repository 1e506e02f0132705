import { GatewayError } from '../errors.ts';

/** What the FHIR route answers to. */
export const fhirMethods = 'GET, POST, OPTIONS';

/** A request that is not FHIR. */
export const malformed = (message: string): GatewayError => new GatewayError('invalid_request', message);

/**
 * A request that FHIR allows and this server does not take.
 * @param options `detail` where the message quotes the caller: a caller may have put anything there, so no log repeats it
 */
export const notSupported = (
  message: string,
  options: { readonly status?: 404 | 406; readonly detail?: string } = {},
): GatewayError => new GatewayError('invalid_request', message, { issueType: 'not-supported', ...options });

/** A method or an operation that this server does not have. */
export const notAllowed = (message: string): GatewayError =>
  new GatewayError('method_not_allowed', message, { headers: { Allow: fhirMethods } });

/** Anything but reading. https://hl7.org/fhir/R4/http.html#search */
export const readOnly = (): GatewayError => notAllowed('This server is read-only: GET, or POST to {type}/_search.');
