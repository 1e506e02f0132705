import { setTimeout as sleep } from 'node:timers/promises';
import { bulkFaults } from './bulk.ts';
import {
  answerHtml,
  editNext,
  editTokens,
  isEverything,
  isFhir,
  isLaterPage,
  isRefresh,
  isToken,
  offsetOf,
  pageAt,
  refuseFhir,
  refuseRefresh,
  refuseToken,
} from './change-answers.ts';
import { exchangeFaults } from './exchange.ts';
import type { Fault } from './fault.ts';
import { identityFaults } from './identity.ts';

/** The host in the links of `internal-links`. */
export const internalBase = 'http://fhir.internal:8080/r4';

/** An `id_token` that nobody signed. */
const unsignedToken = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"1"}').toString('base64url')}.`;

/** Faults that real payers are known to have, one per switch. */
export const faults: readonly Fault[] = [
  {
    name: 'slow',
    does: 'The FHIR API waits five seconds before it answers.',
    partnerSees: 'The record, five seconds later. The gateway waits for up to 60 seconds, then answers 504.',
    exportGives: 'The whole record, later.',
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
    exportGives: 'The whole record.',
    when: isFhir,
    pieceBytes: 1024,
  },
  {
    name: '429',
    does: 'Every second FHIR request is 429 with `Retry-After: 2`.',
    partnerSees: '429 (`throttled`) with `Retry-After: 2`. The grant is intact: wait, and ask again.',
    exportGives: 'The whole record: it waits as long as the payer asks.',
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
    exportGives: 'Waits for the payer, two days at most.',
    when: (asked) => isToken(asked) || isFhir(asked),
    before: (_asked, res) => refuseFhir(res, 503, 'transient'),
  },
  {
    name: 'html',
    does: 'The FHIR API answers 200 with an HTML page.',
    partnerSees: '502 (`exception`). The page does not reach you.',
    exportGives: 'Nothing of the record: each type is `incomplete`, since the answers are not JSON.',
    when: isFhir,
    before: (_asked, res) => answerHtml(res),
  },
  {
    name: 'login-redirect',
    does: 'The FHIR API redirects to a login page.',
    partnerSees: '502 (`exception`). The gateway does not follow it.',
    exportGives: 'Nothing of the record: each type is `incomplete`.',
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
    exportGives: 'The first page, and `incomplete`: the next one is on another server.',
    when: isFhir,
    edit: (text, { origin }) => text.replaceAll(`${origin}/r4`, internalBase),
  },
  {
    name: 'pages-repeat',
    does: 'The link to the next page leads to the same page.',
    partnerSees: 'The same page again and again. Stop where a page brings nothing new.',
    exportGives: 'That page once, and `incomplete`.',
    when: isFhir,
    edit: editNext((_next, self) => self),
  },
  {
    name: 'pages-skip',
    does: 'The link to the next page leaves one page out.',
    partnerSees: 'Fewer resources than `total` says. Compare the two.',
    exportGives: 'What came, and `incomplete`: the payer named more.',
    when: isFhir,
    edit: editNext((next, self) => pageAt(next, 2 * offsetOf(next) - offsetOf(self))),
  },
  {
    name: '401-mid-paging',
    does: 'An access token that has read a first page is 401 on the pages after it.',
    partnerSees: 'Nothing: the gateway refreshes its token at the payer and asks again.',
    exportGives: 'The whole record: your next status request brings a fresh token.',
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
    exportGives: 'The whole record: after five tries it searches each type.',
    when: isEverything,
    before: () => true,
  },
  {
    name: 'no-token-type',
    does: 'Token answers have no `token_type`.',
    partnerSees: 'Nothing: your own token answer has `Bearer`.',
    exportGives: 'The whole record.',
    when: isToken,
    edit: editTokens((answer) => delete answer['token_type']),
  },
  {
    name: 'odd-expires-in',
    does: 'Token answers have `"expires_in": "0"`: a string, and no time at all.',
    partnerSees: 'Nothing: your own `expires_in` is a number, and reads go on.',
    exportGives: 'The whole record.',
    when: isToken,
    edit: editTokens((answer) => (answer['expires_in'] = '0')),
  },
  {
    name: 'id-token',
    does: 'Token answers have an `id_token` that nobody asked for and nobody signed.',
    partnerSees: 'Nothing: it is not passed on.',
    exportGives: 'The whole record.',
    when: isToken,
    edit: editTokens((answer) => (answer['id_token'] = unsignedToken)),
  },
  {
    name: 'consent-withdrawn',
    does: 'Access tokens are 401 and refreshes `invalid_grant`, as after a member took the consent back. Switch it on after the sign-in.',
    partnerSees:
      '401 (`login`) on a read. The grant has ended, so a refresh is `invalid_grant`: send the member through authorize again.',
    exportGives: 'Your next status request returns 401, and the export ends with the grant.',
    when: (asked) => isFhir(asked) || isRefresh(asked),
    before: (asked, res) => (isRefresh(asked) ? refuseRefresh(res) : refuseToken(res)),
  },
  {
    name: 'refresh-lost',
    does: 'Refreshes are `invalid_grant`: the payer has lost its refresh tokens.',
    partnerSees:
      'Nothing until the payer’s access token ends, or is 401 (try it with `401-mid-paging`). Then as with `consent-withdrawn`.',
    exportGives: 'As with `consent-withdrawn`, once the payer’s access token has ended.',
    when: isRefresh,
    before: (_asked, res) => refuseRefresh(res),
  },
  {
    name: 'member-refused',
    does: 'After sign-in and consent the payer sends the member back with `access_denied`.',
    partnerSees: 'The redirect has `error=access_denied`, `state` and `iss`, as if the member had declined.',
    exportGives: 'There is no sign-in, so there is no export.',
    when: ({ endpoint }) => endpoint === 'return',
    // The body of the redirect also contains the code.
    edit: () => '',
    redirect: ({ searchParams }) => {
      searchParams.delete('code');
      searchParams.set('error', 'access_denied');
    },
  },
  ...bulkFaults,
  ...identityFaults,
  ...exchangeFaults,
];

export const faultNames: readonly string[] = faults.map(({ name }) => name);
