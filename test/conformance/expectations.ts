import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { locationOf } from './client.ts';
import { baseOf, type Target } from './target.ts';

const errorsPage = join(import.meta.dirname, '..', '..', 'docs', 'partners', 'errors.md');
const rows: ReadonlySet<string> = new Set(
  [...readFileSync(errorsPage, 'utf8').matchAll(/<a id="([\w-]+)"/g)].map(([, id = '']) => id),
);

/** A stage may say where an error is explained: then the page has a row there. @param uri undefined or null if the stage does not say it */
const expectRow = (uri: unknown, row: string): void => {
  if (typeof uri !== 'string') return;
  expect(uri).toMatch(new RegExp(`^https?://\\S+#${row}$`));
  expect(rows).toContain(row);
};

/** A page for a person: it does not redirect, and runs no script. */
export const expectErrorPage = async (response: Response, status = 400): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('location')).toBeNull();
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await response.text();
  expect(page).toContain('<h1>');
  const [, uri, row = ''] = /href="([^"]+#(page-[^"]+))"/.exec(page) ?? [];
  expectRow(uri, row);
};

/** An error that returns to the partner by redirect (RFC 6749 §4.1.2.1, RFC 9207). */
export const expectSentBack = (target: Target, response: Response, error: string, payer?: string): URL => {
  expect(response.status).toBe(302);
  const back = locationOf(response);
  expect(back.searchParams.get('error')).toBe(error);
  expect(back.searchParams.get('iss')).toBe(baseOf(target, payer));
  expect(back.searchParams.get('code')).toBeNull();
  expectRow(back.searchParams.get('error_uri'), `redirect-${error}`);
  return back;
};

/** An error of the endpoints for partners (RFC 6749 §5.2). A stage may say where it is explained. */
export const expectOAuthError = async (response: Response, status: number, error: string): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error_uri: uri, ...answer } = (await response.json()) as Record<string, unknown>;
  expect(answer).toEqual({ error, error_description: expect.stringMatching(/\S/) });
  expectRow(uri, `token-${status}-${error}`);
};

/** An error of the FHIR route. */
export const expectOutcome = async (response: Response, status: number): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
  const outcome = (await response.json()) as { readonly issue?: readonly { readonly diagnostics?: string }[] };
  expect(outcome).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: expect.stringMatching(/^[a-z-]+$/) }],
  });
  const [, uri, row = ''] = / See (\S+#(\S+))$/.exec(outcome.issue?.[0]?.diagnostics ?? '') ?? [];
  expectRow(uri, row);
};

/** The challenge of an answer, under the header name that the stage uses. */
export const challengeHeaderOf = ({ edge }: Target, { headers }: Response): string | null =>
  headers.get(edge ? 'www-authenticate' : 'x-amzn-remapped-www-authenticate');
