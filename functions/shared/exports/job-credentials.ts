import type { SecretHeaders } from '../payer/secrets.ts';

/** What an export's job sends with each request to the payer. */
export interface JobCredentials {
  readonly accessToken: string;
  readonly secretHeaders: SecretHeaders;
}

/**
 * Credentials as the bytes that are sealed for the job: the token, and after a line break the headers as JSON, if there are
 * any. A token has no line break.
 */
export const writeJobCredentials = ({ accessToken, secretHeaders }: JobCredentials): Buffer =>
  Buffer.from(
    Object.keys(secretHeaders).length === 0 ? accessToken : `${accessToken}\n${JSON.stringify(secretHeaders)}`,
  );

/** The credentials that {@link writeJobCredentials} wrote. */
export const readJobCredentials = (bytes: Uint8Array): JobCredentials => {
  const [accessToken = '', headers = '{}'] = Buffer.from(bytes).toString('utf8').split('\n', 2);
  return { accessToken, secretHeaders: JSON.parse(headers) as SecretHeaders };
};
