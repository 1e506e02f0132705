import { webUrl } from '../../config/rules.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { Refusal, UsageError } from '../shared/command-line.ts';
import { readDocuments, textOf, type DiscoveryDocument } from './documents.ts';
import { probe } from './probe.ts';
import { readStatement, type Statement } from './statement.ts';

/** What a payer publishes at a URL. */
export interface Discovered {
  /** Absent if the URL is an issuer. */
  readonly fhirBaseUrl: string | undefined;
  readonly smartConfiguration: DiscoveryDocument | undefined;
  /** RFC 8414 metadata or OpenID configuration. */
  readonly serverMetadata: DiscoveryDocument | undefined;
  readonly statement: Statement | undefined;
  /** The URLs that were read. */
  readonly sources: readonly string[];
}

const metadataOf = (documents: readonly DiscoveryDocument[]): DiscoveryDocument | undefined =>
  documents.find(
    (document) => document.name !== 'smart-configuration' && textOf(document, 'token_endpoint') !== undefined,
  );

/** Turns the URL of a document into the base URL that it is about. */
const baseOf = (url: string): string =>
  url.replace(/\/(metadata|\.well-known\/(smart-configuration|openid-configuration))?\/*$/, '').replace(/\/+$/, '');

/** Reads a server's metadata, which counts only if it names the issuer where it was found (RFC 8414 §3.3). */
const metadataAt = async (http: PayerHttp, issuer: string): Promise<DiscoveryDocument | undefined> => {
  const { documents } = await readDocuments({ http }, { issuer });
  const document = metadataOf(documents);
  return document && textOf(document, 'issuer')?.replace(/\/$/, '') === issuer.replace(/\/$/, '')
    ? document
    : undefined;
};

/** SMART's document often names no issuer. It is usually the token endpoint's origin. */
const findMetadata = async (http: PayerHttp, smart: DiscoveryDocument): Promise<DiscoveryDocument | undefined> => {
  const token = textOf(smart, 'token_endpoint');
  const issuer = textOf(smart, 'issuer') ?? (token === undefined ? undefined : URL.parse(token)?.origin);
  return issuer === undefined || webUrl(issuer) !== undefined ? undefined : metadataAt(http, issuer);
};

/**
 * Reads everything that the payer at a FHIR base URL or an issuer publishes about itself.
 * @throws UsageError if it is not such a URL, Refusal if nothing is published there
 */
export const discover = async (http: PayerHttp, given: string): Promise<Discovered> => {
  const problem = webUrl(given);
  if (problem !== undefined) throw new UsageError(`${given} ${problem}`);
  const base = baseOf(given);
  const [{ documents, findings }, metadata] = await Promise.all([
    readDocuments({ http }, { fhirBaseUrl: base, issuer: base }),
    probe(http, `${base}/metadata`, { accept: 'application/fhir+json' }),
  ]);
  const smartConfiguration = documents.find(({ name }) => name === 'smart-configuration');
  const statement = 'failure' in metadata ? undefined : readStatement(metadata, base);
  const serverMetadata =
    metadataOf(documents) ?? (smartConfiguration && (await findMetadata(http, smartConfiguration)));
  const isFhirBase = smartConfiguration !== undefined || statement !== undefined;
  if (!isFhirBase && serverMetadata === undefined) {
    throw new Refusal(
      [
        `No payer publishes anything at ${base}`,
        ...findings.map(({ text }) => `  ${text}`),
        '  Ask the payer for its FHIR base URL and endpoints, and write the entry by hand (docs/payers.md)',
      ].join('\n'),
    );
  }
  return {
    fhirBaseUrl: isFhirBase ? base : undefined,
    smartConfiguration,
    serverMetadata,
    statement,
    sources: [
      ...[smartConfiguration, serverMetadata].flatMap((document) => (document === undefined ? [] : [document.url])),
      ...(statement === undefined ? [] : [`${base}/metadata`]),
    ],
  };
};
