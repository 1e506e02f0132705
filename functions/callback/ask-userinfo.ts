import type { JsonObject } from '../shared/json-object.ts';
import { payerHttpFailure, type PayerClientDeps } from '../shared/payer/client.ts';
import { PayerError } from '../shared/payer/errors.ts';
import { requireText } from '../shared/payer/read-text.ts';
import { readJsonObject } from '../shared/payer/token-answer.ts';
import type { Payer } from '../shared/registry/types.ts';

const timeoutMs = 10_000;
const limitBytes = 256 * 1024;

/**
 * Asks the payer about the member who signed in, with the fresh token (OpenID Connect Core §5.3). Only JSON counts; a
 * signed answer does not.
 * @throws PayerError if the payer does not answer with a JSON object
 */
export const askUserinfo = async (
  { payerHttp }: PayerClientDeps,
  { userinfoEndpoint = '' }: Payer,
  accessToken: string,
): Promise<JsonObject> => {
  try {
    const response = await payerHttp(userinfoEndpoint, {
      headers: { Accept: 'application/json', Authorization: `Bearer ${accessToken}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new PayerError('unavailable', `userinfo endpoint answered ${response.status}`);
    }
    const answer = readJsonObject(await requireText(response, limitBytes, 'userinfo endpoint'));
    if (answer === undefined) throw new PayerError('nonsense', 'userinfo endpoint answered without a JSON object');
    return answer;
  } catch (error) {
    throw payerHttpFailure(error, 'userinfo endpoint');
  }
};
