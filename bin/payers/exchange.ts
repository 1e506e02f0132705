/** The gateway's client for exchanges at a payer: it asks it for records as a former plan. */
import { PayerError } from '../../functions/shared/payer/errors.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import { systemTokens } from '../../functions/shared/payer/system-token.ts';
import type { FormerPlan } from '../../functions/shared/registry/former-plan.ts';
import { exchangeSecretPrefix } from '../../functions/shared/registry/profile.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import type { Finding } from './finding.ts';
import { judgeSecret, type SecretReading } from './secret.ts';
import type { Tried, TryDeps } from './try-secret.ts';

/** Whether a payer is asked as a former plan. */
export const isAsked = (payer: Payer): payer is FormerPlan => payer.exchange !== undefined;

/** The payer's profile for exchanges: with another client, which has only a key. */
export const asFormerPlan = (payer: FormerPlan): Payer => {
  const { clientId, publicKeys, scopes } = payer.exchange;
  const { identitySignIn: _identity, secretOf: _owner, ...plain } = payer;
  const { secretHeaders: _headers, ...quirks } = payer.quirks;
  return { ...plain, clientId, publicKeys, scopes, clientAuthentication: 'private_key_jwt', quirks };
};

/** Asks the payer for a token of the client for exchanges, as a test. The token is not kept. */
export const tryExchangeSecret = async (
  { http, clock }: TryDeps,
  payer: FormerPlan,
  secret: PayerSecret,
): Promise<Tried> => {
  const tokens = systemTokens({ payerHttp: http, clock, readExchangeSecret: async () => secret });
  try {
    await tokens.get(payer);
    return { result: 'accepted' };
  } catch (error) {
    if (!(error instanceof PayerError)) throw error;
    return error.failure === 'invalid_client'
      ? { result: 'refused', detail: 'refuses it (invalid_client)' }
      : { result: 'unknown', detail: `gives no token: ${error.detail}` };
  }
};

/** Checks that the secret with the key of exchanges exists and fits the profile. Without `exchange` there is nothing to check. */
export const checkExchangeSecret = async (
  readSecret: (name: string) => Promise<SecretReading>,
  stage: string,
  payer: Payer,
): Promise<Finding[]> => {
  if (!isAsked(payer)) return [];
  const name = `${exchangeSecretPrefix(stage)}${payer.id}`;
  return [judgeSecret(name, await readSecret(name), asFormerPlan(payer))];
};
