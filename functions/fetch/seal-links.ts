import type { LinkReplacements } from '../shared/fhir/decide-links.ts';
import { readsOne, type FhirRequest } from '../shared/fhir/fhir-request.ts';
import { linkParameter, linkResolver, sealPage } from '../shared/fhir/page-link.ts';
import { payerUrl } from '../shared/fhir/to-payer-url.ts';
import { payerBases } from '../shared/registry/urls.ts';
import { sealIvBytes } from '../shared/store/crypto.ts';
import type { FetchDeps } from './deps.ts';
import type { PayerAnswer } from './payer-answer.ts';

/** Whether an answer can have pages. A resource that is read has none, even if it is a Bundle with links. */
export const hasPages = (request: FhirRequest): boolean => !readsOne(request);

/** Turns the payer's link to a page into one below our base that only this grant can follow. */
export const linkSealer = (
  { randomBytes }: Pick<FetchDeps, 'randomBytes'>,
  { payer, request, base, linkKey }: Pick<PayerAnswer, 'payer' | 'request' | 'base' | 'linkKey'>,
): LinkReplacements['seal'] => {
  if (linkKey === undefined) return undefined;
  const { url: requestUrl } = payerUrl(payer.fhirBaseUrl, request, { gatewayBase: base });
  const restOf = linkResolver(requestUrl, payerBases(payer));
  return (url) => {
    const rest = restOf(url);
    if (rest === undefined) return undefined;
    const sealed = sealPage({ rest, types: request.types }, linkKey, randomBytes(sealIvBytes));
    return sealed === null ? null : `${base}?${linkParameter}=${sealed}`;
  };
};
