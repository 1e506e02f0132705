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
export const notAllowed = (message: string, allowed: string): GatewayError =>
  new GatewayError('method_not_allowed', message, { headers: { Allow: allowed } });

/** The methods of a path that can be read, or could be if the payer supported it. */
export const reading = 'GET, OPTIONS';

/**
 * The methods of a path, as far as it tells them: which operations a payer has is known once the payer is (RFC 9110 §10.2.1).
 * @param hasExchanges whether the stage has exchanges, whose operations take POST
 */
const methodsAt = (segments: readonly string[], hasExchanges: boolean): string => {
  const [type = '', second = '', third = '', ...more] = segments;
  if (more.length > 0) return reading;
  if (second === '_search' && third === '') return 'POST, OPTIONS';
  if (type === 'Patient' && second === '$export' && third === '') return fhirMethods;
  if (hasExchanges && type === 'Group') {
    if (second === '$bulk-member-match' && third === '') return 'POST, OPTIONS';
    if (third === '$davinci-data-export') return fhirMethods;
  }
  const isOfNone = type.startsWith('$') || second.startsWith('$') || (type !== 'Patient' && third.startsWith('$'));
  return isOfNone ? 'OPTIONS' : reading;
};

/** Makes the error for anything but a read. https://hl7.org/fhir/R4/http.html#search */
export const readOnly = (segments: readonly string[], hasExchanges = false): GatewayError =>
  notAllowed(
    'This server is read-only: GET, or POST to {type}/_search and Patient/$export.',
    methodsAt(segments, hasExchanges),
  );
