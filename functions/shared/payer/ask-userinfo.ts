import type { JsonObject } from '../json/json-object.ts';
import type { Payer } from '../registry/types.ts';
import type { PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import { getText } from './get-text.ts';
import { patientMemberOf } from './patient-id.ts';
import { readSecretHeaders } from './secrets.ts';
import { isAmbiguous, readJsonObject } from './token-answer.ts';

/**
 * Asks the payer about the member who signed in, with the fresh token (OpenID Connect Core §5.3). Only JSON counts; a
 * signed answer does not.
 * @throws PayerError if the payer does not answer with a JSON object
 */
export const askUserinfo = async (deps: PayerClientDeps, payer: Payer, accessToken: string): Promise<JsonObject> => {
  const text = await getText(deps, payer.userinfoEndpoint ?? '', {
    asked: 'userinfo endpoint',
    accept: 'application/json',
    headers: await readSecretHeaders(deps, payer),
    accessToken,
    timeoutMs: 10_000,
    limitBytes: 256 * 1024,
  });
  const answer = readJsonObject(text);
  if (answer === undefined) throw new PayerError('nonsense', 'userinfo endpoint answered without a JSON object');
  if (isAmbiguous(text, patientMemberOf(payer)))
    throw new PayerError('nonsense', 'userinfo endpoint answered with a repeated member');
  return answer;
};
