import { locationOf } from './client.ts';
import { baseOf, type Target } from './target.ts';

/** A page for a person: it does not redirect, and runs no script. */
export const expectErrorPage = async (response: Response, status = 400): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('location')).toBeNull();
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).toContain('<h1>');
};

/** An error that returns to the partner by redirect (RFC 6749 §4.1.2.1, RFC 9207). */
export const expectSentBack = (target: Target, response: Response, error: string, payer?: string): URL => {
  expect(response.status).toBe(302);
  const back = locationOf(response);
  expect(back.searchParams.get('error')).toBe(error);
  expect(back.searchParams.get('iss')).toBe(baseOf(target, payer));
  expect(back.searchParams.get('code')).toBeNull();
  return back;
};

/** An error of the endpoints for partners (RFC 6749 §5.2). A stage may say where it is explained. */
export const expectOAuthError = async (response: Response, status: number, error: string): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error_uri: uri, ...answer } = (await response.json()) as Record<string, unknown>;
  expect(answer).toEqual({ error, error_description: expect.stringMatching(/\S/) });
  if (uri !== undefined) expect(uri).toMatch(new RegExp(`^https?://\\S+#\\w+-${status}-${error}$`));
};

/** An error of the FHIR route. */
export const expectOutcome = async (response: Response, status: number): Promise<void> => {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
  expect(await response.json()).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: expect.stringMatching(/^[a-z-]+$/) }],
  });
};

/** The challenge of an answer, under the header name that the stage uses. */
export const challengeHeaderOf = ({ edge }: Target, { headers }: Response): string | null =>
  headers.get(edge ? 'www-authenticate' : 'x-amzn-remapped-www-authenticate');
