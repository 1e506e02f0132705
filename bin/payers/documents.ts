import { isGiven } from '../../functions/shared/payer/answers.ts';
import {
  placesOf,
  type DiscoveryDocument,
  type Place,
  type Places,
} from '../../functions/shared/payer/discovery-documents.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { fault, type Finding } from './finding.ts';
import { probe, type Answer } from './probe.ts';

/** The documents that were found, and the servers that failed to answer properly. */
export interface Published {
  readonly documents: readonly DiscoveryDocument[];
  readonly findings: readonly Finding[];
}

/**
 * Some sites answer every path with a page, which is not a document. An answer typed as JSON, or starting like it, is.
 */
const isMeantAsJson = ({ contentType, text }: Answer): boolean =>
  /\bjson\b/i.test(contentType) || /^\s*[[{]/.test(text);

/** Reads discovery documents, all in parallel. A document that is missing or is a page counts as not published. */
export const readPlaces = async ({ http }: { http: PayerHttp }, places: readonly Place[]): Promise<Published> => {
  const asked = await Promise.all(
    places.map(async ({ name, url }) => ({
      name,
      url,
      answer: await probe(http, url, { accept: 'application/json' }),
    })),
  );
  const documents: DiscoveryDocument[] = [];
  const findings: Finding[] = [];
  for (const { name, url, answer } of asked) {
    if ('failure' in answer) {
      findings.push(fault('discovery', `${url} ${answer.failure}`, 'ask the payer whether it is up, and run again'));
    } else if (answer.status >= 500) {
      findings.push(
        fault('discovery', `${url} answers ${answer.status}`, 'ask the payer to look at its server, and run again'),
      );
    } else if (isGiven(answer) && answer.json !== undefined) {
      documents.push({ name, url, body: answer.json });
    } else if (isGiven(answer) && isMeantAsJson(answer)) {
      findings.push(
        fault(
          'discovery',
          `${url} is published but is not a JSON object`,
          'ask the payer to fix it: other clients cannot read it either',
        ),
      );
    }
  }
  return { documents, findings };
};

/** Reads a payer's discovery documents where the standards put them. */
export const readDocuments = (deps: { http: PayerHttp }, places: Places): Promise<Published> =>
  readPlaces(deps, placesOf(places));
