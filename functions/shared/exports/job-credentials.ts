import type { SecretHeaders } from '../payer/secrets.ts';

/** What an export's job sends with each request to the payer. */
export interface JobCredentials {
  readonly accessToken: string;
  readonly secretHeaders: SecretHeaders;
  /** A hash of the columns of the export that they are for. A version up to 0.2 wrote none, and its jobs read none. */
  readonly boundTo?: string;
}

/**
 * Credentials as the bytes that are sealed for the job: the token, the headers as JSON, if there are any, and what the
 * credentials are bound to, each after a line break. A token has no line break.
 */
export const writeJobCredentials = ({ accessToken, secretHeaders, boundTo }: JobCredentials): Buffer => {
  const headers = Object.keys(secretHeaders).length === 0 ? undefined : JSON.stringify(secretHeaders);
  const lines = boundTo === undefined ? [accessToken, headers] : [accessToken, headers ?? '{}', boundTo];
  return Buffer.from(lines.filter((line) => line !== undefined).join('\n'));
};

/** The credentials that {@link writeJobCredentials} wrote. */
export const readJobCredentials = (bytes: Uint8Array): JobCredentials => {
  const [accessToken = '', headers = '{}', boundTo] = Buffer.from(bytes).toString('utf8').split('\n', 3);
  const secretHeaders = JSON.parse(headers) as SecretHeaders;
  return boundTo === undefined ? { accessToken, secretHeaders } : { accessToken, secretHeaders, boundTo };
};
