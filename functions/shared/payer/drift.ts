import { plainCauseOf } from '../errors.ts';
import { objectsIn, parseObject, type JsonObject } from '../json/json-object.ts';
import { fhirBases, type FhirBase } from '../registry/fhir-bases.ts';
import { asFormerPlan } from '../registry/former-plan.ts';
import { fhirMediaType } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';
import { isGiven } from './answers.ts';
import { compareDiscovery } from './compare-discovery.ts';
import { compareExchangeDocument, compareExchangeStatement } from './compare-exchange.ts';
import { compareStatement } from './compare-statement.ts';
import type { Connection } from './connect.ts';
import type { Difference } from './difference.ts';
import { placesOf, type Place } from './discovery-documents.ts';
import type { PayerHttp } from './http.ts';
import { readText } from './read-text.ts';

/** What looking for drift needs. No request carries a credential, and only URLs of the profile are asked. */
export interface DriftDeps {
  readonly http: PayerHttp;
  /** Connects to an origin, up to the TLS handshake, within its own time limit. */
  readonly connect: (url: URL) => Promise<Connection>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How a payer differs from its profile. */
export interface Drift {
  readonly differences: readonly Difference[];
  /** What did not answer, so that it could not be compared: a sentence for each. */
  readonly unread: readonly string[];
}

/** The most that the gateway reads of a payer's CapabilityStatement. */
const limitBytes = 5 * 1024 * 1024;
const timeoutMs = 8000;
const dayMs = 86_400_000;
/** Certificates are renewed about a month before their end; one that is not is worth a question. */
const fewDays = 30;

const silent = (unread: string): Drift => ({ differences: [], unread: [unread] });
const found = (differences: readonly Difference[]): Drift => ({ differences, unread: [] });

/** Reads a JSON object; what is not published is `undefined`. @throws Error if the server does not answer properly */
const readJson = async (http: PayerHttp, url: string, accept: string): Promise<JsonObject | undefined> => {
  const response = await http(url, {
    headers: { Accept: accept },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await readText(response, limitBytes);
  if (response.status >= 500 || text === undefined) throw new Error(`answers ${response.status}`);
  return isGiven(response) ? parseObject(text) : undefined;
};

/** Compares a document, if there is one. @param otherwise the drift if it is not published */
const readAndCompare = async (
  { http }: DriftDeps,
  [url, accept]: readonly [url: string, accept: string],
  compare: (document: JsonObject) => readonly Difference[],
  otherwise: readonly Difference[] = [],
): Promise<Drift> => {
  try {
    const document = await readJson(http, url, accept);
    return found(document === undefined ? otherwise : compare(document));
  } catch (error) {
    return silent(`${url} was not read (${plainCauseOf(error)})`);
  }
};

const json = 'application/json';

const ofDocument = (deps: DriftDeps, payer: Payer, { name, url }: Place): Promise<Drift> =>
  readAndCompare(deps, [url, json], (body) => compareDiscovery({ name, url, body }, payer));

/** A token that no key verifies ends every login. */
const ofKeys = (deps: DriftDeps, url: string): Promise<Drift> => {
  const none: Difference = {
    field: 'jwksUri',
    ours: 'keys that sign',
    theirs: 'none',
    text: `${url} has no key that signs`,
    todo: 'ask the payer for its jwks_uri; every login ends until then',
  };
  const signs = ({ kty, use }: JsonObject): boolean => (kty === 'RSA' || kty === 'EC') && use !== 'enc';
  return readAndCompare(deps, [url, json], ({ keys }) => (objectsIn(keys).some(signs) ? [] : [none]), [none]);
};

const ofStatement = (deps: DriftDeps, payer: Payer, base: FhirBase): Promise<Drift> =>
  readAndCompare(deps, [`${base.bases[0]!}/metadata`, fhirMediaType(payer)], (statement) =>
    statement['resourceType'] === 'CapabilityStatement' ? compareStatement(statement, payer, base) : [],
  );

/** Reads what a former plan publishes where it is asked, and compares it with the profile's `exchange`. */
const ofExchange = (deps: DriftDeps, payer: Payer): Promise<Drift>[] => {
  const plan = asFormerPlan(payer);
  if (plan === undefined) return [];
  const { fhirBaseUrl, exchange } = plan;
  const smartConfigurationUrl = exchange.fhirBaseUrl === undefined ? payer.smartConfigurationUrl : undefined;
  return [
    ...placesOf({ fhirBaseUrl, smartConfigurationUrl }).map(({ name, url }) =>
      readAndCompare(deps, [url, json], (body) => compareExchangeDocument({ name, url, body }, plan)),
    ),
    readAndCompare(deps, [`${fhirBaseUrl}/metadata`, fhirMediaType(payer)], (statement) =>
      statement['resourceType'] === 'CapabilityStatement' ? compareExchangeStatement(statement, plan) : [],
    ),
  ];
};

/** The origins that the gateway or a browser asks. An issuer is only a name, and need not be a server. */
export const serversOf = (payer: Payer): URL[] => {
  const { authorizationEndpoint, tokenEndpoint, revocationEndpoint, fhirBaseUrl } = payer;
  const { userinfoEndpoint, jwksUri, smartConfigurationUrl } = payer;
  const ofLogin = [authorizationEndpoint, tokenEndpoint, revocationEndpoint, userinfoEndpoint, jwksUri];
  const further = (payer.furtherBases ?? []).map((base) => base.fhirBaseUrl);
  const { exchange } = payer;
  const ofExchanges = [exchange?.tokenEndpoint, exchange?.fhirBaseUrl];
  const urls = [...ofLogin, fhirBaseUrl, smartConfigurationUrl, ...further, ...ofExchanges];
  const origins = new Set(urls.flatMap((url) => (url === undefined ? [] : [new URL(url).origin])));
  return [...origins].map((origin) => new URL(origin));
};

const ofCertificate = async ({ connect, now }: DriftDeps, server: URL): Promise<Drift> => {
  try {
    const { tls } = await connect(server);
    if (tls === undefined || (tls.verdict === undefined && tls.validUntilMs - now() > fewDays * dayMs))
      return found([]);
    const field = `certificate of ${server.host}`;
    const theirs =
      tls.verdict === undefined
        ? `ends ${new Date(tls.validUntilMs).toISOString().slice(0, 10)}`
        : `is not trusted (${tls.verdict})`;
    const todo = 'ask the payer to renew it';
    return found([{ field, ours: `${fewDays} more days`, theirs, text: `the ${field} ${theirs}`, todo }]);
  } catch (error) {
    return silent(`${server.origin} was not connected to (${plainCauseOf(error)})`);
  }
};

/** Reads what a payer publishes, and compares it with its profile. Never throws. */
export const driftOf = async (deps: DriftDeps, payer: Payer): Promise<Drift> => {
  const all = await Promise.all([
    ...placesOf(payer).map((place) => ofDocument(deps, payer, place)),
    ...(payer.jwksUri === undefined ? [] : [ofKeys(deps, payer.jwksUri)]),
    ...fhirBases(payer).map((base) => ofStatement(deps, payer, base)),
    ...ofExchange(deps, payer),
    ...serversOf(payer).map((server) => ofCertificate(deps, server)),
  ]);
  // Two documents may say the same.
  const byLine = new Map(all.flatMap(({ differences }) => differences.map((one) => [driftLine(one), one] as const)));
  return { differences: [...byLine.values()], unread: [...new Set(all.flatMap(({ unread }) => unread))] };
};

/** A difference in one line: the field, what the profile has, and what the payer has now. */
export const driftLine = ({ field, ours, theirs }: Difference): string => `${field}: ${ours} → ${theirs}`;
