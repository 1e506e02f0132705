import { grantTypes } from '../../functions/shared/registry/token-endpoint.ts';
import type { Pair } from './event.ts';
import type { Fingerprint } from './fingerprint.ts';
import { typeNames, type Known } from './known.ts';

/** What masking needs. */
export interface Mask {
  readonly known: Known;
  readonly mark: Fingerprint;
}

type Shows = (value: string, mask: Mask) => string | undefined;

const oneOf =
  (...values: readonly string[]): Shows =>
  (value) =>
    values.includes(value) ? value : undefined;
const number: Shows = (value) => (/^\d{1,6}$/.test(value) ? value : undefined);
const isClient: Shows = (value, { known }) => (known.clients.has(value) ? value : undefined);
/** A list, of which each part may be shown. */
const listOf =
  (separator: string, isPart: (part: string) => boolean): Shows =>
  (value) =>
    value.split(separator).every(isPart) ? value : undefined;

const plainScopes = new Set(['launch', 'launch/patient', 'openid', 'fhirUser', 'offline_access', 'online_access']);
const isScope = (scope: string): boolean => {
  if (plainScopes.has(scope)) return true;
  const [, type = ''] = /^(?:patient|user|system)\/(\*|[A-Za-z]+)\.(?:\*|read|write|c?r?u?d?s?)$/.exec(scope) ?? [];
  return type === '*' || typeNames.has(type);
};
const isType = (name: string): boolean => typeNames.has(name);

export const scopes: Shows = listOf(' ', isScope);

/** Errors of OAuth (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1) and OpenID Connect. */
export const oauthErrors: Shows = oneOf(
  'access_denied',
  'insufficient_scope',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_token',
  'login_required',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
);

/** An address of the configuration, or one of a known origin part by part. */
export const knownUrl: Shows = (value, mask) => {
  if (mask.known.urls.has(value)) return value;
  const url = URL.parse(value);
  if (url === null || !mask.known.origins.has(url.origin)) return undefined;
  const query = maskQuery(url.searchParams, mask).map(([name, shown]) => `${name}=${shown}`);
  return url.origin + maskPath(url.pathname, mask) + (query.length === 0 ? '' : `?${query.join('&')}`);
};

const matches =
  (pattern: RegExp): Shows =>
  (value) =>
    pattern.test(value) ? value : undefined;
const formats = matches(/^(?:application\/)?(?:fhir\+|x-)?(?:nd)?json$/);

/** Parameters whose values may be shown, if they have the form that they must have. */
const shownValues: Readonly<Record<string, Shows>> = {
  response_type: oneOf('code'),
  response_mode: oneOf('query', 'form_post', 'fragment'),
  grant_type: oneOf(...grantTypes, 'client_credentials'),
  code_challenge_method: oneOf('S256', 'plain'),
  token_type_hint: oneOf('access_token', 'refresh_token'),
  token_type: oneOf('Bearer', 'bearer'),
  client_assertion_type: oneOf('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
  prompt: oneOf('consent', 'login', 'none'),
  ui_locales: matches(/^[a-z]{2}(?:-[A-Z]{2})?(?: [a-z]{2}(?:-[A-Z]{2})?){0,4}$/),
  client_id: isClient,
  scope: scopes,
  redirect_uri: knownUrl,
  aud: knownUrl,
  iss: knownUrl,
  error: oauthErrors,
  expires_in: number,
  grant_id: (value) => /^[\w-]{22}$/.exec(value)?.[0],
  active: oneOf('true', 'false'),
  _count: number,
  _offset: number,
  _type: listOf(',', isType),
  _format: formats,
  _outputFormat: formats,
  _summary: oneOf('true', 'false', 'count', 'data', 'text'),
  _total: oneOf('none', 'estimate', 'accurate'),
};

/** Parameters whose names are public. Their values are marks. */
const shownNames: ReadonlySet<string> = new Set(
  `state nonce code code_challenge code_verifier client_secret client_assertion refresh_token access_token token id_token
  launch error_description patient member fault q _id _since _lastUpdated _sort _include _revinclude _elements _link
  _page subject identifier category date status type class encounter clinical-status intent created service-date
  name given family birthdate gender sub exp iat username`.split(/\s+/),
);

/** Names and values of parameters. Names that are not public are only counted. */
export const maskQuery = (query: Iterable<readonly [string, string]>, mask: Mask): Pair[] => {
  const pairs: Pair[] = [];
  let others = 0;
  for (const [name, value] of query) {
    const shows = Object.hasOwn(shownValues, name) ? shownValues[name] : undefined;
    if (shows !== undefined) pairs.push([name, shows(value, mask) ?? mask.mark(value)]);
    else if (shownNames.has(name)) pairs.push([name, mask.mark(value)]);
    else others += 1;
  }
  return others === 0 ? pairs : [...pairs, ['(others)', String(others)]];
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** A path: its public words, and a mark for each other segment, such as the id of a resource. */
export const maskPath = (path: string, { known, mark }: Mask): string =>
  path
    .split('/')
    .map((segment) => (segment === '' || known.words.has(segment) ? segment : mark(decoded(segment))))
    .join('/');
