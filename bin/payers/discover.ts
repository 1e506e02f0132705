import { secretHeader, webUrl } from '../../config/checks/rules.ts';
import { namesPrivateAddress } from '../../functions/shared/http/private-address.ts';
import { isAboutOurKey, isGiven } from '../../functions/shared/payer/answers.ts';
import {
  issuerPlaces,
  smartPlace,
  textOf,
  type DiscoveryDocument,
} from '../../functions/shared/payer/discovery-documents.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import { Refusal, UsageError } from '../shared/errors.ts';
import { readPlaces } from './documents.ts';
import { judgeMetadata } from './endpoints.ts';
import type { Finding } from './finding.ts';
import { probe, type Probed } from './probe.ts';
import { readStatement, type Statement } from './statement.ts';

/** What a payer publishes at a URL. */
export interface Discovered {
  /** The URL that was given, as a base: without a document's path and a slash. */
  readonly given: string;
  /** Absent if the URL is an issuer. */
  readonly fhirBaseUrl: string | undefined;
  readonly smartConfiguration: DiscoveryDocument | undefined;
  /** RFC 8414 metadata or OpenID configuration. */
  readonly serverMetadata: DiscoveryDocument | undefined;
  /** All documents that were read, these two among them. */
  readonly documents: readonly DiscoveryDocument[];
  readonly statement: Statement | undefined;
  /** The media type of FHIR that the server wants or sends, if it is not FHIR's own. */
  readonly fhirMediaType: string | undefined;
  /** The header that an API gateway in front of the FHIR API asks for, if it names one. */
  readonly keyHeader: string | undefined;
  /** The URLs that were read. */
  readonly sources: readonly string[];
  /** Places that failed to answer properly, where something may be published. */
  readonly unread: readonly Finding[];
}

/** Turns the URL of a document into the base URL that it is about. */
export const baseOf = (url: string): string =>
  url.replace(/\/(metadata|\.well-known\/(smart-configuration|openid-configuration))?\/*$/, '').replace(/\/+$/, '');

/** The most places above a URL that are looked at: real paths are shorter. */
const mostPlaces = 8;

/** A URL, and those above it up to its origin, nearest first. */
const upwards = (url: string): string[] => {
  const { origin, pathname } = new URL(url);
  const parts = pathname.split('/').filter((part) => part !== '');
  const paths = parts.map((_, dropped) => `${origin}/${parts.slice(0, parts.length - dropped).join('/')}`);
  return [...paths.slice(0, mostPlaces - 1), origin];
};

/** An issuer counts only in a document that is where that issuer's has to be (RFC 8414 §3.3). */
const isInItsPlace = (document: DiscoveryDocument): boolean => {
  const issuer = textOf(document, 'issuer');
  return (
    issuer !== undefined &&
    webUrl(issuer) === undefined &&
    textOf(document, 'token_endpoint') !== undefined &&
    issuerPlaces(issuer.replace(/\/$/, '')).some(({ url }) => url === document.url)
  );
};

/** Some servers answer every path with a JSON of theirs. */
const isSmartConfiguration = (document: DiscoveryDocument): boolean =>
  document.name === 'smart-configuration' &&
  ['authorization_endpoint', 'token_endpoint'].some((member) => textOf(document, member) !== undefined);

/** Whether a URL that a payer publishes may be asked: none on this machine or in its network, unless the payer is. */
export const mayAsk = (url: string, given: string): boolean =>
  url.length <= 2048 && webUrl(url) === undefined && (!namesPrivateAddress(url) || namesPrivateAddress(given));

/** The issuers that documents name, and that their token endpoints may belong to. */
const issuersIn = (
  documents: readonly DiscoveryDocument[],
  statement: Statement | undefined,
  given: string,
): string[] => {
  const named = documents.flatMap((document) => textOf(document, 'issuer') ?? []);
  const tokens = [
    ...documents.flatMap((document) => textOf(document, 'token_endpoint') ?? []),
    statement?.oauthUris.get('token'),
  ];
  const above = tokens.flatMap((url) => (url !== undefined && mayAsk(url, given) ? upwards(url).slice(1) : []));
  const all = [...named, ...above].filter((url) => mayAsk(url, given)).map((url) => url.replace(/\/$/, ''));
  return [...new Set(all)].slice(0, mostPlaces);
};

const fhirJson = 'application/fhir+json';

interface Metadata {
  readonly answer: Probed;
  readonly accept: string;
}

/** Asks for `metadata` in FHIR's media type, and in older ones if the server refuses that. */
const readMetadata = async (http: PayerHttp, base: string): Promise<Metadata> => {
  const ask = async (accept: string): Promise<Metadata> => ({
    accept,
    answer: await probe(http, `${base}/metadata`, { accept }),
  });
  const first = await ask(fhirJson);
  if ('failure' in first.answer || ![406, 415].includes(first.answer.status)) return first;
  const older = await ask('application/json+fhir');
  return 'failure' in older.answer || !isGiven(older.answer) ? first : older;
};

/** The media type that the gateway has to ask for, or expect, in place of FHIR's own. */
const mediaTypeOf = ({ answer, accept }: Metadata): string | undefined => {
  if ('failure' in answer) return undefined;
  if (accept !== fhirJson) return accept;
  const type = answer.contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json+fhir' ? type : undefined;
};

/** The header that a challenge for a key names, as that of Azure API Management does. */
const keyHeaderIn = (answer: Probed): string | undefined => {
  if ('failure' in answer || answer.status !== 401 || !isAboutOurKey(answer.challenge, answer.text)) return undefined;
  const name = /\bname="([^"]*)"/i.exec(answer.challenge ?? '')?.[1];
  return name === undefined || secretHeader(name) !== undefined ? undefined : name;
};

const refuse = (base: string, lines: readonly string[]): Refusal =>
  new Refusal(
    [
      `No payer publishes anything at ${base}`,
      ...lines.map((line) => `  ${line}`),
      '  Ask the payer for its FHIR base URL and endpoints, and write the entry by hand (docs/payers.md)',
    ].join('\n'),
  );

const isStatement = (answer: Probed): boolean =>
  'json' in answer && ['CapabilityStatement', 'Conformance'].includes(String(answer.json?.['resourceType']));

const isClosed = (answer: Probed): boolean => 'status' in answer && (answer.status === 401 || answer.status === 403);

/**
 * Reads everything that the payer at a FHIR base URL or an issuer publishes about itself: `metadata`, and discovery
 * documents at the URL, above it, and where its token endpoint is. It never follows a redirect.
 * @throws UsageError if it is not such a URL, Refusal if nothing usable is published there
 */
export const discover = async (http: PayerHttp, given: string): Promise<Discovered> => {
  const problem = webUrl(given);
  if (problem !== undefined) throw new UsageError(`${given} ${problem}`);
  const base = baseOf(given);
  const places = upwards(base);
  const [near, metadata] = await Promise.all([
    readPlaces({ http }, [...places.map(smartPlace), ...places.flatMap(issuerPlaces)]),
    readMetadata(http, base),
  ]);
  const judged = judgeMetadata(`${base}/metadata`, metadata.answer);
  if (isStatement(metadata.answer) && judged.todo !== undefined) {
    throw new Refusal(`${judged.text}; ${judged.todo}`);
  }
  const statement = 'failure' in metadata.answer ? undefined : readStatement(metadata.answer, base);
  const smartConfiguration = near.documents.find(isSmartConfiguration);
  const far = near.documents.some(isInItsPlace)
    ? []
    : (await readPlaces({ http }, issuersIn(near.documents, statement, base).flatMap(issuerPlaces))).documents;
  const serverMetadata = [...near.documents, ...far].find(
    (document) => document.name !== 'smart-configuration' && isInItsPlace(document),
  );
  const isFhirBase =
    statement !== undefined ||
    smartConfiguration?.url === smartPlace(base).url ||
    (smartConfiguration !== undefined && isClosed(metadata.answer));
  const isIssuer = serverMetadata !== undefined && textOf(serverMetadata, 'issuer')?.replace(/\/$/, '') === base;
  if (!isFhirBase && !isIssuer) {
    const elsewhere = near.documents.map(
      ({ name, url }) => `${url} is published, but says nothing about ${base} (${name})`,
    );
    throw refuse(base, [
      judged.todo === undefined ? judged.text : `${judged.text}; ${judged.todo}`,
      ...elsewhere,
      ...near.findings.map(({ text }) => text),
    ]);
  }
  return {
    given: base,
    fhirBaseUrl: isFhirBase ? base : undefined,
    smartConfiguration,
    serverMetadata,
    documents: [...near.documents, ...far],
    statement,
    fhirMediaType: statement === undefined ? undefined : mediaTypeOf(metadata),
    keyHeader: keyHeaderIn(metadata.answer),
    sources: [
      ...[smartConfiguration, serverMetadata].flatMap((document) => (document === undefined ? [] : [document.url])),
      ...(statement === undefined ? [] : [`${base}/metadata`]),
    ],
    unread: [...near.findings, ...(statement === undefined && judged.todo !== undefined ? [judged] : [])],
  };
};
