/** A request that the demo makes and prints. Values in `secrets` are printed as `{name}`. */
export interface DemoRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly form?: Readonly<Record<string, string>>;
  /** A body of FHIR's JSON. The command reads it from a file of this name. */
  readonly body?: { readonly file: string; readonly text: string };
  readonly accessToken?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Values that must not be printed, by the name that replaces them. */
export type Secrets = Readonly<Record<string, string | undefined>>;

/**
 * The request as a curl command, as in the README. It runs in a shell once its blanks are
 * filled in.
 */
export const curlLine = (request: DemoRequest, secrets: Secrets): string => {
  // curl sends GET, and POST with a form, by itself.
  const usual = request.form === undefined && request.body === undefined ? 'GET' : 'POST';
  const method = request.method === usual ? '' : `--request ${request.method} `;
  const parts = [`curl ${method}${quoted(request.url)}`];
  if (request.accessToken !== undefined)
    parts.push(`--header ${quoted(`Authorization: Bearer ${request.accessToken}`)}`);
  for (const [name, value] of Object.entries(request.headers ?? {}))
    parts.push(`--header ${quoted(`${name}: ${value}`)}`);
  for (const [name, value] of Object.entries(request.form ?? {})) {
    parts.push(`--data-urlencode ${quoted(`${name}=${value}`)}`);
  }
  if (request.body !== undefined) {
    parts.push(
      `--header ${quoted('Content-Type: application/fhir+json')}`,
      `--data ${quoted(`@${request.body.file}`)}`,
    );
  }
  return masked(parts.join(' \\\n  '), secrets);
};

/** `text` with every secret, plain or URL-encoded, replaced by its name in braces. */
export const masked = (text: string, secrets: Secrets): string => {
  let shown = text;
  for (const [name, value] of Object.entries(secrets)) {
    if (!value) continue;
    shown = shown.replaceAll(value, `{${name}}`).replaceAll(encodeURIComponent(value), `{${name}}`);
  }
  return shown;
};

const quoted = (text: string): string => {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
};

/** Makes the request. Redirects are returned, not followed. */
export const send = async (request: DemoRequest): Promise<{ status: number; headers: Headers; text: string }> => {
  const headers = new Headers({ accept: 'application/json, application/fhir+json' });
  if (request.accessToken !== undefined) headers.set('authorization', `Bearer ${request.accessToken}`);
  for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value);
  if (request.body !== undefined) headers.set('content-type', 'application/fhir+json');
  const body = request.body?.text ?? (request.form === undefined ? null : new URLSearchParams(request.form));
  const response = await fetch(request.url, { method: request.method, headers, body, redirect: 'manual' });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
