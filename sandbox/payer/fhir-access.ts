import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { FhirMember } from './fhir/server.ts';
import { sendJson } from './http.ts';
import type { Sharing } from './sharing.ts';

/**
 * The member of a request's access token, and what the member shared (RFC 6750 §2.1: only in the header). If the token is missing or no longer
 * valid, a 401 is sent and the result is undefined.
 */
export const memberOfToken = async (
  provider: Provider,
  sharing: Sharing,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<FhirMember | undefined> => {
  const bearer = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (bearer === undefined) {
    unauthorized(res, 'Bearer', 'An access token is required in the Authorization header.');
    return undefined;
  }
  const token = await provider.AccessToken.find(bearer);
  if (!token) {
    const challenge =
      'Bearer error="invalid_token", error_description="The access token is unknown, expired or revoked"';
    unauthorized(res, challenge, 'The access token is unknown, expired or revoked.');
    return undefined;
  }
  return { patientId: token.accountId, types: sharing.typesOf(token.grantId) };
};

const unauthorized = (res: ServerResponse, challenge: string, diagnostics: string): void => {
  const outcome = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'login', diagnostics }] };
  sendJson(res, 401, outcome, { 'content-type': 'application/fhir+json', 'www-authenticate': challenge });
};
