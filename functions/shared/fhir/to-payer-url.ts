import { baseUrlOf } from '../registry/fhir-bases.ts';
import type { Payer } from '../registry/types.ts';
import { afterBase } from './base-url-prefix.ts';
import type { FhirRequest, Parameter } from './fhir-request.ts';

/** The request to the payer. */
export interface PayerUrl {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** `application/x-www-form-urlencoded`; present with POST. */
  readonly body?: string;
}

/** Percent-encodes for a query; characters that FHIR uses and RFC 3986 §3.4 allows stay readable. */
const encode = (text: string) => encodeURIComponent(text).replace(/%(?:3A|2F|2C|24|40)/g, decodeURIComponent);

/** Characters that no URL may contain, encoded as clients do: https://url.spec.whatwg.org/#concept-basic-url-parser */
const sendable = (url: string) =>
  url.replace(/[\t\n\r]/g, '').replace(/[^\x21-\x7e]+/g, (text) => encodeURIComponent(text.toWellFormed()));

/** The interactions that `_search` stands for (https://hl7.org/fhir/R4/http.html#search). */
const searches: ReadonlySet<FhirRequest['interaction']> = new Set([
  'search-type',
  'search-compartment',
  'search-system',
]);

type Bases = Pick<Payer, 'fhirBaseUrl' | 'furtherBases'>;

/** The payer's base that a request goes to, without trailing slashes: a page's own, or that of the type that it asks for. */
export const baseUrlFor = (payer: Bases, { page, searched, resourceType }: FhirRequest): string => {
  const base = page === undefined ? baseUrlOf(payer, searched[0] ?? resourceType) : (page.base ?? payer.fhirBaseUrl);
  return base.replace(/\/+$/, '');
};

/** The type in what follows a base. */
const typeAfter = (rest: string): string | undefined => /^\/([A-Za-z]+)/.exec(rest)?.[1];

/**
 * Builds the payer's URL (and form) from a checked request's segments and parameters, in order, never by resolving a
 * string. A page's URL is the payer's own, and is a GET. In a value or list item that starts with the gateway's base, the payer's
 * base replaces it: the one that has its type, or, for the member's Patient, the one that is asked.
 * @param searchMethod how the payer takes searches; with POST all parameters of one are in its form. @default as asked
 */
export const payerUrl = (
  payer: Bases,
  request: FhirRequest,
  { gatewayBase, searchMethod }: { gatewayBase: string; searchMethod?: 'POST' | undefined },
): PayerUrl => {
  const base = baseUrlFor(payer, request);
  if (request.page !== undefined) return { method: 'GET', url: base + sendable(request.page.rest) };
  const toPayer = (item: string) => {
    const rest = afterBase(item, gatewayBase);
    if (rest === undefined) return item;
    const type = typeAfter(rest);
    const isHere = type === undefined || type === 'Patient' || payer.furtherBases === undefined;
    return (isHere ? base : baseUrlOf(payer, type)) + rest;
  };
  const encoded = (parameters: readonly Parameter[]) =>
    parameters.map(([name, value]) => `${encode(name)}=${encode(value.split(',').map(toPayer).join(','))}`).join('&');
  const path = [base, ...request.segments].join('/');
  if (searchMethod === 'POST' && searches.has(request.interaction)) {
    const url = request.segments.at(-1) === '_search' ? path : `${path}/_search`;
    return { method: 'POST', url, body: encoded([...request.query, ...(request.form ?? [])]) };
  }
  const query = encoded(request.query);
  const url = query === '' ? path : `${path}?${query}`;
  const { method, form } = request;
  return form === undefined ? { method, url } : { method, url, body: encoded(form) };
};
