import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Pair } from './event.ts';
import { knownUrl, oauthErrors, type Mask } from './mask-url.ts';

const mediaTypes: ReadonlySet<string> = new Set(
  `application/json application/fhir+json application/fhir+ndjson application/ndjson application/jwk-set+json
  application/octet-stream application/pdf application/x-www-form-urlencoded application/xml text/html text/plain
  text/css text/javascript text/event-stream image/svg+xml image/png image/webp image/avif image/apng
  application/xhtml+xml image/* */*`.split(/\s+/),
);

type Shows = (value: string, mask: Mask) => string | undefined;

const unique = (values: readonly string[]): string => [...new Set(values)].join(', ');

/** Media types without their parameters. */
const types: Shows = (value) =>
  unique(
    value.split(',').map((part) => {
      const [type = ''] = part.trim().toLowerCase().split(';');
      return mediaTypes.has(type.trim()) ? type.trim() : 'another type';
    }),
  );
const digits: Shows = (value) => (/^\d{1,12}$/.test(value) ? value : undefined);
const marked: Shows = (value, { mark }) => mark(value);

/** Programs by a word of their `User-Agent`, the most telling first. */
const programs = {
  'p2p-gateway': 'p2p-gateway',
  'openid-client': 'openid-client',
  PostmanRuntime: 'Postman',
  Authlib: 'Authlib',
  python: 'Python',
  'curl/': 'curl',
  'Firefox/': 'Firefox',
  'Chrome/': 'Chromium',
  'Safari/': 'Safari',
  node: 'Node.js',
  undici: 'Node.js',
} as const;
const program: Shows = (value) =>
  Object.entries(programs).find(([word]) => value.includes(word))?.[1] ?? 'another program';

const bearerKinds = { p2pa_: 'access token', p2pr_: 'refresh token', p2pc_: 'code' } as const;

/** The scheme, whose credentials they are, and marks for the rest. */
const credentials: Shows = (value, { known, mark }) => {
  const [scheme = '', rest = ''] = value.split(/ +(.*)/s);
  switch (scheme.toLowerCase()) {
    case 'bearer': {
      const kind = Object.entries(bearerKinds).find(([prefix]) => rest.startsWith(prefix))?.[1];
      return `Bearer ${mark(rest)}${kind === undefined ? '' : ` (${kind})`}`;
    }
    case 'basic': {
      const [user = '', secret = ''] = Buffer.from(rest, 'base64').toString().split(/:(.*)/s);
      return `Basic ${known.clients.has(user) ? user : mark(user)}:${mark(secret)}`;
    }
    default:
      return `another scheme ${mark(rest)}`;
  }
};

const cookies: Shows = (value, { mark }) => {
  const values = value.split(';').map((cookie) => mark(cookie.trim()));
  return `${values.length}: ${values.join(' ')}`;
};

/** How many, and how long each is kept. */
const setCookies: Shows = (value, { mark }) => {
  const [pair = ''] = value.split(';');
  const age = /; *max-age=(\d{1,9})\b/i.exec(value)?.[1];
  return age === undefined ? mark(pair) : `${mark(pair)} for ${age} s`;
};

const words =
  (...shown: readonly string[]): Shows =>
  (value) =>
    unique(value.split(',').map((word) => (shown.includes(word.trim().toLowerCase()) ? word.trim() : '…')));

const challenge: Shows = (value, mask) => {
  const scheme = /^(Bearer|Basic)\b/.exec(value)?.[1] ?? 'another scheme';
  const error = oauthErrors(/\berror="([a-z_]+)"/.exec(value)?.[1] ?? '', mask);
  return error === undefined ? scheme : `${scheme} error="${error}"`;
};

const eventId: Shows = (value) => /^evt_[\w-]{32}$/.exec(value)?.[0];
const location: Shows = (value, mask) => {
  const path = value.startsWith('/') ? URL.parse(value, 'http://here') : null;
  if (path === null) return knownUrl(value, mask);
  const here: Mask = { ...mask, known: { ...mask.known, origins: new Set(['http://here']) } };
  return knownUrl(path.href, here)?.slice('http://here'.length);
};

const requestHeaders: Readonly<Record<string, Shows>> = {
  accept: types,
  'content-type': types,
  'content-length': digits,
  authorization: credentials,
  cookie: cookies,
  // `null` is what a page without a referrer sends.
  origin: (value, { known }) => (known.origins.has(value) || value === 'null' ? value : undefined),
  prefer: words('respond-async', 'handling=lenient', 'handling=strict'),
  'user-agent': program,
  'if-none-match': marked,
  'webhook-id': eventId,
  'webhook-timestamp': digits,
  'webhook-signature': marked,
};

const answerHeaders: Readonly<Record<string, Shows>> = {
  'content-type': types,
  'content-length': digits,
  location,
  'content-location': location,
  'retry-after': digits,
  'www-authenticate': challenge,
  'cache-control': words('no-store', 'no-cache', 'private', 'public', 'must-revalidate'),
  'set-cookie': setCookies,
  etag: marked,
  allow: words('get', 'head', 'post', 'delete', 'options'),
  'access-control-allow-origin': (value, { known }) => (value === '*' || known.origins.has(value) ? value : undefined),
};

type Headers = IncomingHttpHeaders | OutgoingHttpHeaders;

const masked = (headers: Headers, shown: Readonly<Record<string, Shows>>, mask: Mask): Pair[] =>
  Object.entries(shown).flatMap(([name, shows]) =>
    [headers[name] ?? []].flat().map((value): Pair => {
      const text = String(value);
      return [name, shows(text, mask) ?? mask.mark(text)];
    }),
  );

/** The headers of a request that help, each with what may be shown of it. Other headers are not mentioned. */
export const maskRequestHeaders = (headers: Headers, mask: Mask): Pair[] => masked(headers, requestHeaders, mask);

/** The same for an answer. @param headers by names in lower case */
export const maskAnswerHeaders = (headers: Headers, mask: Mask): Pair[] => masked(headers, answerHeaders, mask);
