import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPage, writePage } from '../fhir/query.ts';
import { sendJson } from '../http.ts';
import type { Asked, Fault } from './fault.ts';

/** The host in the links of `internal-links`. */
export const internalBase = 'http://fhir.internal:8080/r4';

/** An `id_token` that nobody signed. */
const unsignedToken = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"1"}').toString('base64url')}.`;

const isFhir = ({ endpoint }: Asked): boolean => endpoint === 'fhir';
const isToken = ({ endpoint }: Asked): boolean => endpoint === 'token';
const isRefresh = ({ grantType }: Asked): boolean => grantType === 'refresh_token';
const isLaterPage = ({ url }: Asked): boolean => url.searchParams.has('_page');
const isEverything = ({ endpoint, url }: Asked): boolean =>
  endpoint === 'fhir' && decodeURIComponent(url.pathname).endsWith('/$everything');

const outcome = (code: string, diagnostics: string): object => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics }],
});

const refuseFhir = (
  res: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): true => {
  const body = outcome(code, 'A switch of this sandbox refused the request.');
  sendJson(res, status, body, { 'content-type': 'application/fhir+json', ...headers });
  return true;
};

const refuseToken = (res: ServerResponse): true => {
  res.writeHead(401, {
    'content-type': 'application/fhir+json',
    'www-authenticate': 'Bearer error="invalid_token"',
  });
  res.end(JSON.stringify(outcome('login', 'The access token is unknown, expired or revoked.')));
  return true;
};

const refuseRefresh = (res: ServerResponse): true => {
  sendJson(res, 400, { error: 'invalid_grant', error_description: 'grant request is invalid' });
  return true;
};

const editTokens =
  (edit: (answer: Record<string, unknown>) => void) =>
  (text: string): string => {
    const answer = JSON.parse(text) as Record<string, unknown>;
    if (answer['access_token'] !== undefined) edit(answer);
    return JSON.stringify(answer);
  };

const linkOf = (text: string, relation: string): string | undefined =>
  new RegExp(`"relation":"${relation}","url":"([^"]+)"`).exec(text)?.[1];

/** Replaces a Bundle's link to the next page. */
const editNext =
  (edit: (next: string, self: string) => string) =>
  (text: string): string => {
    const next = linkOf(text, 'next');
    const self = linkOf(text, 'self');
    return next === undefined || self === undefined
      ? text
      : text.replace(`"relation":"next","url":"${next}"`, `"relation":"next","url":"${edit(next, self)}"`);
  };

const skipPage = (next: string, self: string): string => {
  const offsetOf = (url: string): number => readPage(new URL(url).searchParams.get('_page') ?? undefined);
  const later = new URL(next);
  later.searchParams.set('_page', writePage(2 * offsetOf(next) - offsetOf(self)));
  return later.href;
};

const htmlPage = '<!doctype html><html><head><title>Maintenance</title></head><body>Back at 6 a.m.</body></html>';

/** Faults that real payers are known to have, one per switch. */
export const faults: readonly Fault[] = [
  {
    name: 'slow',
    does: 'The FHIR API waits five seconds before it answers.',
    partnerSees: 'The record, five seconds later. The gateway waits for up to 60 seconds, then answers 504.',
    when: isFhir,
    before: async (_asked, res, { pauseMs }) => {
      await sleep(pauseMs.slow);
      // The caller may have left in the meantime.
      return res.destroyed;
    },
  },
  {
    name: 'drip',
    does: 'FHIR answers come in pieces of 1 KB with pauses of 0.2 seconds.',
    partnerSees:
      'The whole record, in pieces: the gateway passes each on as it comes. Do not limit the time of a whole answer.',
    when: isFhir,
    pieceBytes: 1024,
  },
  {
    name: '429',
    does: 'Every second FHIR request is 429 with `Retry-After: 2`.',
    partnerSees: '429 (`throttled`) with `Retry-After: 2`. The grant is intact: wait, and ask again.',
    when: isFhir,
    before: (_asked, res, payer) => {
      payer.requests += 1;
      return payer.requests % 2 === 0 && refuseFhir(res, 429, 'throttled', { 'retry-after': '2' });
    },
  },
  {
    name: '503',
    does: 'The token endpoint and the FHIR API are 503 without `Retry-After`, as in maintenance.',
    partnerSees:
      'A sign-in comes back with `temporarily_unavailable`. A read is 503 (`transient`) with `Retry-After: 30`. The grant is intact.',
    when: (asked) => isToken(asked) || isFhir(asked),
    before: (_asked, res) => refuseFhir(res, 503, 'transient'),
  },
  {
    name: 'html',
    does: 'The FHIR API answers 200 with an HTML page.',
    partnerSees: '502 (`exception`). The page does not reach you.',
    when: isFhir,
    before: (_asked, res) => {
      res.writeHead(200, { 'content-type': 'text/html' }).end(htmlPage);
      return true;
    },
  },
  {
    name: 'login-redirect',
    does: 'The FHIR API redirects to a login page.',
    partnerSees: '502 (`exception`). The gateway does not follow it.',
    when: isFhir,
    before: (_asked, res, { origin }) => {
      res.writeHead(302, { location: `${origin}/login` }).end();
      return true;
    },
  },
  {
    name: 'internal-links',
    does: 'The links in FHIR answers begin with an internal host, `http://fhir.internal:8080/r4`.',
    partnerSees:
      'Those links, unchanged. Do not follow a link that is not below your FHIR base: tell the operators, who add the host to the payer’s profile (`fhirBaseUrlAliases`).',
    when: isFhir,
    edit: (text, { origin }) => text.replaceAll(`${origin}/r4`, internalBase),
  },
  {
    name: 'pages-repeat',
    does: 'The link to the next page leads to the same page.',
    partnerSees: 'The same page again and again. Stop where a page brings nothing new.',
    when: isFhir,
    edit: editNext((_next, self) => self),
  },
  {
    name: 'pages-skip',
    does: 'The link to the next page leaves one page out.',
    partnerSees: 'Fewer resources than `total` says. Compare the two.',
    when: isFhir,
    edit: editNext(skipPage),
  },
  {
    name: '401-mid-paging',
    does: 'An access token that has read a first page is 401 on the pages after it.',
    partnerSees: 'Nothing: the gateway refreshes its token at the payer and asks again.',
    when: isFhir,
    before: (asked, res, { firstPageTokens }) => {
      if (isLaterPage(asked)) return firstPageTokens.has(asked.token) && refuseToken(res);
      firstPageTokens.add(asked.token);
      return false;
    },
  },
  {
    name: 'everything-never',
    does: '`$everything` never answers.',
    partnerSees: '504 (`timeout`) after 60 seconds. Read the types one by one.',
    when: isEverything,
    before: () => true,
  },
  {
    name: 'no-token-type',
    does: 'Token answers have no `token_type`.',
    partnerSees: 'Nothing: your own token answer has `Bearer`.',
    when: isToken,
    edit: editTokens((answer) => delete answer['token_type']),
  },
  {
    name: 'odd-expires-in',
    does: 'Token answers have `"expires_in": "0"`: a string, and no time at all.',
    partnerSees: 'Nothing: your own `expires_in` is a number, and reads go on.',
    when: isToken,
    edit: editTokens((answer) => (answer['expires_in'] = '0')),
  },
  {
    name: 'id-token',
    does: 'Token answers have an `id_token` that nobody asked for and nobody signed.',
    partnerSees: 'Nothing: it is not passed on.',
    when: isToken,
    edit: editTokens((answer) => (answer['id_token'] = unsignedToken)),
  },
  {
    name: 'consent-withdrawn',
    does: 'Access tokens are 401 and refreshes `invalid_grant`, as after a member took the consent back. Switch it on after the sign-in.',
    partnerSees:
      '401 (`login`) on a read. The grant has ended, so a refresh is `invalid_grant`: send the member through authorize again.',
    when: (asked) => isFhir(asked) || isRefresh(asked),
    before: (asked, res) => (isRefresh(asked) ? refuseRefresh(res) : refuseToken(res)),
  },
  {
    name: 'refresh-lost',
    does: 'Refreshes are `invalid_grant`: the payer has lost its refresh tokens.',
    partnerSees:
      'Nothing until the payer’s access token ends, or is 401 (try it with `401-mid-paging`). Then as with `consent-withdrawn`.',
    when: isRefresh,
    before: (_asked, res) => refuseRefresh(res),
  },
  {
    name: 'member-refused',
    does: 'After sign-in and consent the payer sends the member back with `access_denied`.',
    partnerSees: 'The redirect has `error=access_denied`, `state` and `iss`, as if the member had declined.',
    when: ({ endpoint }) => endpoint === 'return',
    // The body of the redirect also contains the code.
    edit: () => '',
    redirect: ({ searchParams }) => {
      searchParams.delete('code');
      searchParams.set('error', 'access_denied');
    },
  },
];

export const faultNames: readonly string[] = faults.map(({ name }) => name);
