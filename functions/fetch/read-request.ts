import { GatewayError } from '../shared/errors.ts';
import { checkFormat } from '../shared/fhir/check-search.ts';
import { linkParameter, lostPage } from '../shared/fhir/decide-links.ts';
import { isDocument, type FhirRequest, type Parameter } from '../shared/fhir/fhir-request.ts';
import { quoteName } from '../shared/fhir/known-parameters.ts';
import { unsealPage } from '../shared/fhir/page-link.ts';
import { pageRequest } from '../shared/fhir/page-request.ts';
import { parseFhirRequest } from '../shared/fhir/parse-fhir-request.ts';
import { malformed, notSupported, readOnly } from '../shared/fhir/refusals.ts';
import { header, queryPairs, type ApiEvent } from '../shared/http/api.ts';
import { readFormPairs } from '../shared/http/form.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { Grant } from '../shared/store/grant-item.ts';
import { decodedSegmentsOf, segmentsOf } from './redirect-to-discovery.ts';

const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];
/** The same as a parameter, as in web frameworks. */
const isOverride = ([name]: readonly [string, string]): boolean => name.toLowerCase() === '_method';

/** Refuses writes, and headers that would make the payer treat a read as a write. @throws GatewayError 405 */
export const checkReadOnly = (event: ApiEvent, hasExchanges: boolean): void => {
  const isRead =
    ['GET', 'POST'].includes(event.httpMethod) &&
    overrides.every((name) => header(event, name) === undefined) &&
    !queryPairs(event).some(isOverride);
  if (!isRead) throw readOnly(decodedSegmentsOf(event), hasExchanges);
};

const decodeSegment = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new GatewayError('invalid_request', 'The path is not well-formed.');
  }
};

/** The form of a `_search`. One without a body has its parameters in the query. Other POSTs are refused unread. */
const readForm = (event: ApiEvent, segments: readonly string[]): { form?: [string, string][] } => {
  if (event.httpMethod !== 'POST' || segments.at(-1) !== '_search') return {};
  const form = event.body === null || event.body === '' ? [] : readFormPairs(event);
  if (form.some(isOverride)) throw readOnly(segments);
  if (form.some(([name]) => name.toLowerCase() === 'access_token')) {
    // RFC 6750 §2 allows one way at a time. The payer would see it as a search parameter.
    throw new GatewayError('invalid_request', 'Send the access token in the Authorization header only.');
  }
  return { form };
};

const jsonTypes = new Set(['application/fhir+json', 'application/json', 'text/json', 'application/*', '*/*']);

/** The gateway serves FHIR JSON; a Binary may be anything. @throws GatewayError 406 */
const checkAccept = (event: ApiEvent, request: FhirRequest): void => {
  const accept = header(event, 'accept');
  if (isDocument(request) || accept === undefined || accept.trim() === '') return;
  const types = accept.split(',').map((range) => range.replace(/;[^]*/, '').trim().toLowerCase());
  if (!types.some((type) => jsonTypes.has(type))) {
    throw new GatewayError('invalid_request', 'This server returns application/fhir+json only.', { status: 406 });
  }
};

/** The most types that a log line names. */
const mostTypes = 20;

/** Such as `read Patient`, `search-compartment Patient Observation`, `page Observation`. */
const interactionOf = ({ interaction, resourceType, searched, types, page }: FhirRequest): string => {
  const named = page === undefined ? searched : types.map(({ type }) => type).slice(0, mostTypes);
  return [...new Set([interaction, resourceType, ...named])]
    .filter((part) => part !== undefined && part !== '*')
    .join(' ');
};

/** Parameters that clients add to any URL. The payer's own URL has those that it needs. */
const besideLink = new Set(['_format', '_pretty']);

/**
 * Reads the page that a sealed link names.
 * @throws GatewayError 400, 406
 */
const readPage = (query: readonly Parameter[], payer: Payer, { grantId, linkKey }: Grant): FhirRequest => {
  const [sealed = '', second] = query.filter(([name]) => name === linkParameter).map(([, value]) => value);
  const other = query.find(([name]) => name !== linkParameter && !besideLink.has(name))?.[0];
  if (other !== undefined || second !== undefined) {
    throw notSupported(
      `${quoteName(other ?? linkParameter)} cannot stand beside ${linkParameter}. Follow a page link as it is.`,
      { detail: 'a parameter beside a page link' },
    );
  }
  if (sealed === lostPage) {
    throw malformed(
      'The health plan may have more pages here, and its link to them cannot be passed on: it is too long, leads to another server, or cannot be read. What you have may not be all.',
    );
  }
  for (const [name, value] of query) if (name === '_format') checkFormat(value);
  const furtherBases = payer.furtherBases?.map(({ fhirBaseUrl }) => fhirBaseUrl);
  return pageRequest(unsealPage(sealed, { grantId, linkKey }, furtherBases), payer.searchParameters ?? {});
};

/**
 * Reads an event into a checked FHIR request.
 * @throws GatewayError
 */
export const readFhirRequest = (event: ApiEvent, payer: Payer, grant: Grant, record: RequestRecord): FhirRequest => {
  const segments = segmentsOf(event).map(decodeSegment);
  const query = queryPairs(event);
  const isPage = event.httpMethod === 'GET' && segments.length === 0 && query.some(([name]) => name === linkParameter);
  const request = isPage
    ? readPage(query, payer, grant)
    : parseFhirRequest({
        method: event.httpMethod,
        segments,
        query,
        ...readForm(event, segments),
        everything: payer.everything,
        operations: payer.operations,
        searchParameters: payer.searchParameters,
        pagingParameters: payer.pagingParameters,
        furtherBases: payer.furtherBases,
      });
  record.interaction = interactionOf(request);
  checkAccept(event, request);
  return request;
};
