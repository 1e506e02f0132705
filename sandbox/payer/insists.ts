import type { IncomingMessage, ServerResponse } from 'node:http';
import { rewriteBody, sendJson } from './http.ts';

/**
 * What a payer requires beyond its preset. Real payers have each of these quirks; `docs/payers.md` has the profile's
 * field for each.
 */
export interface Insists {
  /** The only `aud` that it takes; `none` refuses any. Default: the preset's. */
  readonly aud?: string;
  /** The only place where it names the patient, and the member's name there. Default: `patient` of the token answer. */
  readonly patient?: {
    readonly in: 'token' | 'userinfo' | 'id_token';
    readonly member: string;
    /** How it writes the patient there. Default: by the id, and in `fhirUser` as a URL. */
    readonly as?: 'urn' | 'url';
  };
  /** The only encoding of token and revocation requests that it reads. Default: a form. */
  readonly tokenRequest?: 'json';
  /** What it writes as `scope` of its token answers. Default: what it granted. */
  readonly grantedScope?: string;
  /** How it writes token answers. Default: as JSON. */
  readonly tokenAnswer?: 'form';
  /** The status of a search that finds nothing. Default: 200, with a Bundle. */
  readonly emptySearchStatus?: 204;
  /** A header that each request of the gateway's needs, as at an API gateway in front of the payer, and its value. */
  readonly header?: readonly [name: string, value: string];
  /** Parameters that its endpoints require. */
  readonly parameters?: Partial<
    Readonly<Record<'authorize' | 'authorization_code' | 'refresh_token', Readonly<Record<string, string>>>>
  >;
  /** The only FHIR media type that it accepts in `Accept`, and the type of its answers. */
  readonly fhirMediaType?: string;
  /** It has no `$everything`. */
  readonly withoutEverything?: boolean;
  /** The search parameter that each search of a type requires. */
  readonly searchParameters?: Readonly<Record<string, string>>;
  /** The only method by which it takes searches. Default: both. */
  readonly searchMethod?: 'POST';
  /** FHIR requests per second, by its own clock. */
  readonly requestsPerSecond?: number;
  /** The status by which it throttles. Default: 429. */
  readonly throttlesWith?: 403;
  /** Milliseconds before a FHIR answer's headers are sent. */
  readonly firstByteMs?: number;
  /** How long a member's consent lasts, in seconds. */
  readonly consentSeconds?: number;
  /** Paths of more FHIR bases, for other brands at the same authorization server. */
  readonly furtherBases?: readonly string[];
  /** More paths of FHIR bases, each with the types that are there and not at `/r4`. The Patient is at each. */
  readonly basesOfTypes?: Readonly<Record<string, readonly string[]>>;
  /** Where `smart-configuration` is, if not below the FHIR base. */
  readonly smartConfigurationPath?: string;
  /** Documents that it answers with, by their paths. What is put here while it runs counts from then on. Default: its own. */
  readonly publishes?: Readonly<Record<string, object>>;
  /** Patients whose plan does not share records. They are refused after they have signed in. */
  readonly refusesPatients?: readonly string[];
}

/** The parameters of a URL or a form. */
interface Values {
  readonly get: (name: string) => string | null;
  readonly has: (name: string) => boolean;
}

/** Returns the first required parameter that is missing or has the wrong value. */
export const missingParameter = (wanted: Readonly<Record<string, string>> = {}, values: Values): string | undefined =>
  Object.keys(wanted).find((name) => values.get(name) !== wanted[name]);

/** The refusal of a FHIR request: its status and message. */
export interface FhirRefusal {
  readonly status: number;
  readonly says: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns a check of FHIR requests against what the payer requires. */
export const fhirChecker = (
  insists: Insists,
  now: () => number,
): ((req: IncomingMessage, path: string, query: Values) => FhirRefusal | undefined) => {
  const { requestsPerSecond = Infinity, throttlesWith = 429 } = insists;
  let recentMs: number[] = [];
  return (req, path, query) => {
    if (insists.fhirMediaType !== undefined && req.headers.accept !== insists.fhirMediaType) {
      return { status: 406, says: `Only ${insists.fhirMediaType} can be asked for here.` };
    }
    if (insists.withoutEverything === true && path.endsWith('/$everything')) {
      return { status: 404, says: 'There is no $everything here.' };
    }
    const isSearch = /^\/(?:Patient\/[^/]+\/)?[A-Z][A-Za-z]+$/.test(path) && !query.has('_page');
    if (insists.searchMethod === 'POST' && isSearch)
      return { status: 405, says: 'Searches are posted to _search here.' };
    const needed = insists.searchParameters?.[path.slice(1)];
    if (needed !== undefined && query.get(needed) === null) {
      return { status: 400, says: `A search of ${path.slice(1)} needs ${needed}.` };
    }
    recentMs = recentMs.filter((at) => at > now() - 1000);
    if (recentMs.length >= requestsPerSecond) {
      return { status: throttlesWith, says: 'Too many requests in a second.', headers: { 'retry-after': '1' } };
    }
    recentMs.push(now());
    return undefined;
  };
};

/**
 * Refuses a request that lacks the header, with the answer that Azure API Management gives if its key is missing
 * (https://learn.microsoft.com/azure/api-management/api-management-subscriptions). Returns whether it refused.
 */
export const refusedWithoutHeader = ({ header }: Insists, req: IncomingMessage, res: ServerResponse): boolean => {
  const [name, value] = header ?? [];
  if (name === undefined || req.headers[name.toLowerCase()] === value) return false;
  const says = 'Access denied due to missing subscription key. Make sure to include it when making requests to an API.';
  sendJson(
    res,
    401,
    { statusCode: 401, message: says },
    { 'www-authenticate': `AzureApiManagementKey name="${name}"` },
  );
  return true;
};

/** Puts a JSON token request in the form that the library reads. Returns whether it was JSON. */
export const acceptJson = async (req: IncomingMessage): Promise<boolean> => {
  if (req.headers['content-type']?.split(';')[0] !== 'application/json') return false;
  await rewriteBody(req, (text) =>
    new URLSearchParams(JSON.parse(text === '' ? '{}' : text) as Record<string, string>).toString(),
  );
  req.headers['content-type'] = 'application/x-www-form-urlencoded';
  return true;
};

const fhirJson = 'application/fhir+json';

/** Changes the media type of a FHIR answer. */
export const renameFhirJson = (res: ServerResponse, type: string): void => {
  const writeHead = res.writeHead.bind(res) as (status: number, headers?: Record<string, unknown>) => ServerResponse;
  res.writeHead = ((status: number, headers: Record<string, unknown> = {}) => {
    const given = headers['content-type'];
    const renamed = typeof given === 'string' ? { 'content-type': given.replace(fhirJson, type) } : {};
    return writeHead(status, { ...headers, ...renamed });
  }) as typeof res.writeHead;
};
