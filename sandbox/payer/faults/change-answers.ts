import type { ServerResponse } from 'node:http';
import { readPage, writePage } from '../fhir/query.ts';
import { sendJson } from '../http.ts';
import type { Asked } from './fault.ts';

export const isFhir = ({ endpoint }: Asked): boolean => endpoint === 'fhir';
export const isToken = ({ endpoint }: Asked): boolean => endpoint === 'token';
export const isRefresh = ({ grantType }: Asked): boolean => grantType === 'refresh_token';
export const isLaterPage = ({ endpoint, url }: Asked): boolean => endpoint === 'fhir' && url.searchParams.has('_page');
export const isEverything = ({ endpoint, url }: Asked): boolean =>
  endpoint === 'fhir' && decodeURIComponent(url.pathname).endsWith('/$everything');

const outcome = (code: string, diagnostics: string): object => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics }],
});

export const refuseFhir = (
  res: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): true => {
  const body = outcome(code, 'A switch of this sandbox refused the request.');
  sendJson(res, status, body, { 'content-type': 'application/fhir+json', ...headers });
  return true;
};

export const refuseToken = (res: ServerResponse): true => {
  res.writeHead(401, {
    'content-type': 'application/fhir+json',
    'www-authenticate': 'Bearer error="invalid_token"',
  });
  res.end(JSON.stringify(outcome('login', 'The access token is unknown, expired or revoked.')));
  return true;
};

export const refuseRefresh = (res: ServerResponse): true => {
  sendJson(res, 400, { error: 'invalid_grant', error_description: 'grant request is invalid' });
  return true;
};

export const editTokens =
  (edit: (answer: Record<string, unknown>) => void) =>
  (text: string): string => {
    const answer = JSON.parse(text) as Record<string, unknown>;
    if (answer['access_token'] !== undefined) edit(answer);
    return JSON.stringify(answer);
  };

/** A Bundle's link, if this text contains the start of the Bundle. */
export const linkOf = (text: string, relation: string): string | undefined =>
  new RegExp(`"relation":"${relation}","url":"([^"]+)"`).exec(text)?.[1];

/** Replaces a Bundle's link to the next page. */
export const editNext =
  (edit: (next: string, self: string) => string) =>
  (text: string): string => {
    const next = linkOf(text, 'next');
    const self = linkOf(text, 'self');
    return next === undefined || self === undefined
      ? text
      : text.replace(`"relation":"next","url":"${next}"`, `"relation":"next","url":"${edit(next, self)}"`);
  };

/** The number of entries on all pages before this one. */
export const offsetOf = (url: string): number => readPage(new URL(url).searchParams.get('_page') ?? undefined);

/** The link to the page that begins at an offset. */
export const pageAt = (url: string, offset: number): string => {
  const page = new URL(url);
  page.searchParams.set('_page', writePage(offset));
  return page.href;
};

const htmlPage = '<!doctype html><html><head><title>Maintenance</title></head><body>Back at 6 a.m.</body></html>';

/** Answers 200 with an HTML page. */
export const answerHtml = (res: ServerResponse): true => {
  res.writeHead(200, { 'content-type': 'text/html' }).end(htmlPage);
  return true;
};
