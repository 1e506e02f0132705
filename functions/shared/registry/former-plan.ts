import type { Payer, PayerExchange } from './types.ts';

/** A payer as the gateway asks it for members' records: with the base and the client that it has for that. */
export type FormerPlan = Payer & { readonly exchange: PayerExchange };

/** A payer as a former plan; undefined if it is none. */
export const asFormerPlan = (payer: Payer): FormerPlan | undefined => {
  const { exchange, secretOf: _secretOf, furtherBases, ...own } = payer;
  if (exchange === undefined) return undefined;
  const { fhirBaseUrl } = exchange;
  if (fhirBaseUrl === undefined || fhirBaseUrl === payer.fhirBaseUrl)
    return { ...own, exchange, ...(furtherBases && { furtherBases }) };
  // A record may link to the other base as well.
  return { ...own, exchange, fhirBaseUrl, fhirBaseUrlAliases: [...payer.fhirBaseUrlAliases, payer.fhirBaseUrl] };
};
