import { compareDiscovery } from '../../functions/shared/payer/compare-discovery.ts';
import type { DiscoveryDocument, Places } from '../../functions/shared/payer/discovery-documents.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { readDocuments } from './documents.ts';
import { fault, pass, type Finding } from './finding.ts';

const compare = (document: DiscoveryDocument, payer: Payer): Finding[] => {
  const differences = compareDiscovery(document, payer);
  return differences.length === 0
    ? [pass('discovery', `${document.name} agrees with the profile (${document.url})`)]
    : differences.map(({ text, todo }) => fault('discovery', `${document.name}: ${text}`, todo));
};

/**
 * Compares the profile with what the payer publishes: SMART's smart-configuration and, given an issuer, RFC 8414
 * metadata and OpenID configuration. A payer need not publish any.
 * @param places where to look: the places that can be reached
 */
export const checkDiscovery = async (
  { http }: { http: PayerHttp },
  payer: Payer,
  places: Places,
): Promise<readonly Finding[]> => {
  if (places.fhirBaseUrl === undefined && places.issuer === undefined) return [];
  const { documents, findings } = await readDocuments({ http }, places);
  const all = [...findings, ...documents.flatMap((document) => compare(document, payer))];
  return all.length > 0 ? all : [pass('discovery', 'none published; nothing to compare')];
};
