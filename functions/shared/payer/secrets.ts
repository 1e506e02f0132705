import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsLimits } from '../aws-limits.ts';
import type { Clock } from '../clock.ts';
import { causeOf, GatewayError } from '../errors.ts';

/** The gateway's credentials at a payer. */
export type PayerSecret =
  | { readonly client_secret: string }
  | { readonly private_key_jwk: Readonly<Record<string, unknown>> & { readonly kid?: string; readonly alg?: string } };

/** Reads payers' secrets; `fresh` bypasses the cache. */
export type ReadPayerSecret = (payerId: string, options?: { fresh?: boolean }) => Promise<PayerSecret>;

const rememberedForMs = 5 * 60 * 1000;

/** Under five seconds per call: a refresh of payer tokens may read the secret twice while it holds its lease. */
export const secretsLimits = awsLimits({ maxAttempts: 2, requestMs: 2000 });

/** The client for payers' secrets. */
export const secretsClient = (): SecretsManagerClient => new SecretsManagerClient(secretsLimits);

const unreadableSecret = (detail: string, retryAfterSeconds: number): GatewayError =>
  new GatewayError('temporarily_unavailable', 'This health plan is not available at the moment.', {
    retryAfterSeconds,
    detail,
    signal: 'secretMissing',
  });

const missingSecret = (payerId: string): GatewayError =>
  unreadableSecret(`the secret of payer ${payerId} is missing or not in its form`, 60);

const parseSecret = (payerId: string, text: string | undefined): PayerSecret => {
  try {
    const { client_secret: secret, private_key_jwk: key } = JSON.parse(String(text)) as Record<string, unknown>;
    if (typeof secret === 'string' && secret !== '') return { client_secret: secret };
    if (typeof key === 'object' && key !== null) return { private_key_jwk: { ...key } };
  } catch {
    // The parser's message would quote the secret; `missingSecret` says what is wrong without it.
  }
  throw missingSecret(payerId);
};

/**
 * Reads payers' secrets from Secrets Manager, one per payer under `prefix + id`. Each is cached in the warm function
 * for five minutes.
 * @throws GatewayError `temporarily_unavailable` if the secret is missing or Secrets Manager fails
 */
export const payerSecretReader = (client: SecretsManagerClient, prefix: string, clock: Clock): ReadPayerSecret => {
  const remembered = new Map<string, { readAtMs: number; secret: PayerSecret }>();
  return async (payerId, { fresh = false } = {}) => {
    const known = remembered.get(payerId);
    if (known && !fresh && clock.monotonic() - known.readAtMs < rememberedForMs) return known.secret;
    const answer = await client
      .send(new GetSecretValueCommand({ SecretId: prefix + payerId, VersionStage: 'AWSCURRENT' }))
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') throw missingSecret(payerId);
        throw unreadableSecret(`secretsmanager: ${causeOf(error)}`, 5);
      });
    const secret = parseSecret(payerId, answer.SecretString);
    remembered.set(payerId, { readAtMs: clock.monotonic(), secret });
    return secret;
  };
};
