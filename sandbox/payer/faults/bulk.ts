import {
  answerHtml,
  editNext,
  isEverything,
  isFhir,
  isLaterPage,
  isToken,
  linkOf,
  offsetOf,
  pageAt,
  refuseFhir,
  refuseToken,
} from './change-answers.ts';
import type { Asked, Fault } from './fault.ts';

/** A host to which no payer's link should lead. */
export const elsewhere = 'https://elsewhere.example';

const hugeBytes = 20 * 1024 * 1024;
const tokenLifeMs = 10_000;
const hourMs = 3_600_000;

/** Whether a page may contain this type: it is a page of `$everything` or of a search for the type. */
const mayHold = (self: string, type: string): boolean =>
  /\/\$everything\??/.test(decodeURIComponent(self)) || new URL(self).pathname.endsWith(`/${type}`);

/** Adds a resource to the first page that may contain its type. */
const addToFirstPage =
  (type: string, resource: () => string) =>
  (text: string): string => {
    const self = linkOf(text, 'self');
    if (self === undefined || offsetOf(self) > 0 || !mayHold(self, type)) return text;
    return text.replace('"entry":[', () => `"entry":[{"resource":${resource()}},`);
  };

/** Adds pages after the last one, each with a new resource. */
const addPage = (text: string): string => {
  const self = linkOf(text, 'self');
  if (self === undefined || linkOf(text, 'next') !== undefined || !mayHold(self, 'Observation')) return text;
  const total = Number(/"total":(\d+)/.exec(text)?.[1]);
  const id = `endless-${offsetOf(self)}`;
  const more = `{"resource":{"resourceType":"Observation","id":"${id}","status":"unknown","code":{"text":"Again"}}}`;
  const next = `"link":[{"relation":"next","url":"${pageAt(self, Math.max(total, offsetOf(self) + 1))}"},`;
  return text.replace('"link":[', text.includes('"entry":[') ? next : `"entry":[${more}],${next}`);
};

const isMedicationRequest = ({ url }: Asked): boolean => /\/MedicationRequest(?:\/|$)/.test(url.pathname);

/** Faults that affect the reading of a whole record. */
export const bulkFaults: readonly Fault[] = [
  {
    name: 'pages-loop',
    does: 'The second page links back to the first.',
    partnerSees: 'The same two pages again and again. Stop where a page brings nothing new.',
    exportGives: 'Each page once, and `incomplete`.',
    when: isFhir,
    edit: editNext((next, self) => (offsetOf(self) === 0 ? next : pageAt(next, 0))),
  },
  {
    name: 'pages-endless',
    does: 'The last page of `$everything` and of Observation links to one more, and so does every page after it.',
    partnerSees: 'Endless pages, each with one new resource. Set a limit.',
    exportGives: 'Reads on to its limit of 100,000 pages, then `incomplete`.',
    when: isFhir,
    edit: addPage,
  },
  {
    name: 'pages-shrink',
    does: 'Between two pages a resource is deleted: the next page starts one too far, and its `total` is one less.',
    partnerSees: 'A `total` that changes, and one resource less for each page. Read the record again.',
    exportGives: 'What came, and `incomplete`: the payer named more.',
    when: isFhir,
    edit: (text) => {
      const isLater = offsetOf(linkOf(text, 'self') ?? 'http://none') > 0;
      const shrunk = isLater ? text.replace(/"total":(\d+)/, (_, total) => `"total":${Number(total) - 1}`) : text;
      return editNext((next) => pageAt(next, offsetOf(next) + 1))(shrunk);
    },
  },
  {
    name: 'pages-overlap',
    does: 'Every page begins with the last resource of the page before it.',
    partnerSees: 'Resources that come twice. Keep each `type/id` once.',
    exportGives: 'The whole record, each resource once.',
    when: isFhir,
    edit: editNext((next) => pageAt(next, offsetOf(next) - 1)),
  },
  {
    name: 'pages-elsewhere',
    does: 'The link to the next page leads to another host.',
    partnerSees: 'That link, unchanged. Do not follow it: your token would go along.',
    exportGives: 'The first page, and `incomplete`: the next one is on another server.',
    when: isFhir,
    edit: editNext(() => `${elsewhere}/r4?page=2`),
  },
  {
    name: 'pages-lost',
    does: 'Every page after the first is 500.',
    partnerSees: 'The first page, then 502 (`exception`).',
    exportGives: 'The first page, and `incomplete` after five tries.',
    when: isLaterPage,
    before: (_asked, res) => refuseFhir(res, 500, 'exception'),
  },
  {
    name: 'pages-html',
    does: 'Every page after the first is 200 with an HTML page.',
    partnerSees: 'The first page, then 502 (`exception`).',
    exportGives: 'The first page, and `incomplete` after five tries.',
    when: isLaterPage,
    before: (_asked, res) => answerHtml(res),
  },
  {
    name: 'type-refused',
    does: '`$everything` is 404, and MedicationRequest is 403.',
    partnerSees: '404 for `$everything`, 403 for MedicationRequest. The other types work.',
    exportGives: 'The other types, one by one, and `refusedByPayer` for MedicationRequest.',
    when: (asked) => isEverything(asked) || (isFhir(asked) && isMedicationRequest(asked)),
    before: (asked, res) =>
      isEverything(asked) ? refuseFhir(res, 404, 'not-supported') : refuseFhir(res, 403, 'forbidden'),
  },
  {
    name: 'other-patient',
    does: 'The first page of `$everything` and of Observation has an Observation of somebody else.',
    partnerSees: 'That resource as well. Check whom a resource is about.',
    exportGives: 'The whole record without that resource, which `error` names; Observation is `incomplete`.',
    when: isFhir,
    edit: addToFirstPage(
      'Observation',
      () =>
        '{"resourceType":"Observation","id":"of-another","status":"final","code":{"text":"Not yours"},"subject":{"reference":"Patient/another"}}',
    ),
  },
  {
    name: 'no-id',
    does: 'One resource of each page has no `id`.',
    partnerSees: 'That resource, without an `id`. It cannot be read by itself.',
    exportGives: 'The whole record, that resource as well.',
    when: isFhir,
    edit: (text) => text.replace(/("resource":\{"resourceType":"(?!Patient")\w+",)"id":"[^"]+",/, '$1'),
  },
  {
    name: 'huge',
    does: 'The first page of `$everything` and of DocumentReference has a document of 20 MB.',
    partnerSees: 'That document, whole.',
    exportGives: 'The record without that document, and `incomplete` for its type: lines have 10 MB at most.',
    when: isFhir,
    edit: addToFirstPage('DocumentReference', () => {
      const data = 'A'.repeat(hugeBytes);
      return `{"resourceType":"DocumentReference","id":"huge","status":"current","content":[{"attachment":{"contentType":"application/octet-stream","data":"${data}"}}]}`;
    }),
  },
  {
    name: 'spread',
    does: 'FHIR answers have a line break between all tokens.',
    partnerSees: 'Those line breaks, unchanged.',
    exportGives: 'The whole record: white space is left out.',
    when: isFhir,
    edit: (text) =>
      text.startsWith('{')
        ? text.replaceAll(/"(?:[^"\\]|\\.)*"|[,:{[]/g, (token) => (token.length > 1 ? token : `${token}\n  `))
        : text,
  },
  {
    name: 'line-break',
    does: 'Texts have a line break where JSON allows none.',
    partnerSees: 'Those bytes, unchanged: no strict JSON parser takes them.',
    exportGives: 'The record without those resources, which `error` names.',
    when: isFhir,
    edit: (text) => text.replaceAll(/("(?:text|display)":"[^"\\ ]+) /g, '$1\n'),
  },
  {
    name: 'attachments-elsewhere',
    does: 'The URLs of attachments lead to another host.',
    partnerSees: 'Those URLs, unchanged. Do not send your token there.',
    exportGives: 'The whole record, and a warning in `error` for each.',
    when: isFhir,
    edit: (text) => text.replaceAll(/("attachment":\{[^{}]*"url":")[^"]+/g, `$1${elsewhere}/note.pdf`),
  },
  {
    name: 'short-tokens',
    does: 'Access tokens that are issued from now on live for ten seconds.',
    partnerSees: 'Nothing: the gateway refreshes its token at the payer.',
    exportGives: 'The whole record: your looks bring fresh tokens.',
    when: (asked) => isToken(asked) || isFhir(asked),
    before: ({ endpoint, token }, res, { issuedAtMs, pauseMs: { token: lifeMs = tokenLifeMs } }) => {
      const issuedAt = issuedAtMs.get(token);
      const isOver = issuedAt !== undefined && issuedAt + lifeMs < Date.now();
      return endpoint === 'fhir' && isOver && refuseToken(res);
    },
    edit: (text, { issuedAtMs, pauseMs: { token: lifeMs = tokenLifeMs } }) => {
      const [, token] = /^\{(?=.*"token_type").*"access_token":"([^"]+)"/.exec(text) ?? [];
      if (token === undefined) return text;
      issuedAtMs.set(token, Date.now());
      return text.replace(/"expires_in":\d+/, `"expires_in":${Math.ceil(lifeMs / 1000)}`);
    },
  },
  {
    name: 'clock-behind',
    does: 'The payer’s clock is an hour behind: its `Date` header says so.',
    partnerSees: 'Nothing. Take `_since` from the payer’s own times, not from your clock.',
    exportGives: 'The whole record, with `transactionTime` by the payer’s clock.',
    when: isFhir,
    before: (_asked, res) => {
      res.setHeader('date', new Date(Date.now() - hourMs).toUTCString());
      return false;
    },
  },
];
