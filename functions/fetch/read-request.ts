import type { Payer } from '../../config/stage.ts';
import { GatewayError } from '../shared/errors.ts';
import { type FhirRequest, parseFhirRequest } from '../shared/fhir/fhir-request.ts';
import { type ApiEvent, formPairs, header, queryPairs } from '../shared/http/api.ts';
import type { RequestRecord } from '../shared/request-record.ts';

const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];

const readOnly = (): GatewayError =>
  new GatewayError('method_not_allowed', 'This server is read-only: GET, or POST to {type}/_search.', {
    status: 405,
    headers: { Allow: 'GET, POST, OPTIONS' },
  });

/** Refuses writes, and headers that would make the payer take a read for one. @throws GatewayError 405 */
export const checkReadOnly = (event: ApiEvent): void => {
  if (!['GET', 'POST'].includes(event.httpMethod)) throw readOnly();
  if (overrides.some((name) => header(event, name) !== undefined)) throw readOnly();
};

/** Path segments below the payer's base, decoded; a doubled or a last slash counts for nothing. */
const segmentsOf = (event: ApiEvent): string[] =>
  (event.pathParameters?.['proxy'] ?? '')
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        throw new GatewayError('invalid_request', 'The path is not well-formed.');
      }
    });

const jsonTypes = new Set(['application/fhir+json', 'application/json', 'text/json', 'application/*', '*/*']);

/** The gateway speaks FHIR JSON; a Binary may be anything. @throws GatewayError 406 */
const checkAccept = (event: ApiEvent, { resourceType }: FhirRequest): void => {
  const accept = header(event, 'accept');
  if (resourceType === 'Binary' || accept === undefined || accept.trim() === '') return;
  const types = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase() ?? '');
  if (!types.some((type) => jsonTypes.has(type))) {
    throw new GatewayError('invalid_request', 'Only application/fhir+json can be given.', { status: 406 });
  }
};

/**
 * Reads what is asked of the payer into a checked request.
 * @throws FhirRequestError, GatewayError
 */
export const readFhirRequest = (event: ApiEvent, payer: Payer, record: RequestRecord): FhirRequest => {
  const request = parseFhirRequest({
    method: event.httpMethod,
    segments: segmentsOf(event),
    query: queryPairs(event),
    ...(event.httpMethod === 'POST' ? { form: formPairs(event) } : {}),
    everything: payer.everything,
  });
  record.interaction = [request.interaction, request.resourceType].filter((part) => part !== undefined).join(' ');
  checkAccept(event, request);
  return request;
};
