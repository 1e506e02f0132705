import { nowSeconds } from '../shared/clock.ts';
import { unavailable } from '../shared/errors.ts';
import { linkParameter, type PageLinks } from '../shared/fhir/decide-links.ts';
import { readsOne, type FhirRequest } from '../shared/fhir/fhir-request.ts';
import { linkResolver, sealPage, type LinkKey } from '../shared/fhir/page-link.ts';
import { baseUrlFor, payerUrl } from '../shared/fhir/to-payer-url.ts';
import { answerBases } from '../shared/registry/fhir-bases.ts';
import { sealIvBytes } from '../shared/store/crypto.ts';
import type { Grant } from '../shared/store/grant-item.ts';
import { addLinkKey, getGrant } from '../shared/store/grants.ts';
import type { FetchDeps } from './deps.ts';
import type { PayerAnswer } from './payer-answer.ts';

const keyBytes = 32;

/**
 * Returns the key that seals a grant's page links. A grant of version 0.1 gets one here, once: of several concurrent
 * reads one writes it and the others read it.
 * @throws GatewayError `temporarily_unavailable`, even if the grant has ended in the meantime: the next read says so
 */
export const ensureLinkKey = async (deps: FetchDeps, { grantId, linkKey }: Grant): Promise<LinkKey> => {
  if (linkKey !== undefined) return { grantId, linkKey };
  const made = deps.randomBytes(keyBytes);
  if (await addLinkKey(deps.grants, grantId, { linkKey: made, now: nowSeconds(deps.clock) })) {
    return { grantId, linkKey: made };
  }
  const written = (await getGrant(deps.grants, grantId))?.linkKey;
  if (written === undefined) throw unavailable('no link key');
  return { grantId, linkKey: written };
};

/** Whether an answer can have pages. A resource that is read has none, even if it is a Bundle with links. */
export const hasPages = (request: FhirRequest): boolean => !readsOne(request);

/** Turns the payer's links to pages into ones below our base that only this grant can follow. Undefined if the answer has no pages. */
export const pageLinks = (
  { randomBytes }: Pick<FetchDeps, 'randomBytes'>,
  { payer, request, base, linkKey }: Pick<PayerAnswer, 'payer' | 'request' | 'base' | 'linkKey'>,
): PageLinks | undefined => {
  if (linkKey === undefined) return undefined;
  const { searchMethod } = payer.quirks;
  const { url: requestUrl } = payerUrl(payer, request, { gatewayBase: base, searchMethod });
  const home = answerBases(payer, baseUrlFor(payer, request));
  // Those of the first base are sealed as ever.
  const further = home.only === undefined ? undefined : home.bases[0];
  return {
    restOf: linkResolver(requestUrl, home.bases),
    seal: (rest) => {
      const sealed = sealPage({ base: further, rest, types: request.types }, linkKey, randomBytes(sealIvBytes));
      return sealed === null ? null : `${base}?${linkParameter}=${sealed}`;
    },
  };
};
