import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsLimits } from '../aws/aws-limits.ts';
import type { Clock } from '../clock.ts';
import { causeOf, GatewayError } from '../errors.ts';
import { isObject } from '../json/json-object.ts';
import { secretOwnerOf } from '../registry/profile.ts';
import type { Payer } from '../registry/types.ts';

/** Values of headers, by their names in lower case. */
export type SecretHeaders = Readonly<Record<string, string>>;

type PrivateJwk = Readonly<Record<string, unknown>> & { readonly kid?: string; readonly alg?: string };

/** The gateway's credentials at a payer. A public client has headers only. */
export type PayerSecret = (
  | {
      readonly client_secret: string;
      /** For calls with a member's identity. */
      readonly private_key_jwk?: PrivateJwk;
    }
  | { readonly private_key_jwk: PrivateJwk }
  | { readonly headers: SecretHeaders }
) & { readonly headers?: SecretHeaders };

/** Reads payers' secrets; `fresh` bypasses the cache. */
export type ReadPayerSecret = (payerId: string, options?: { fresh?: boolean }) => Promise<PayerSecret>;

export const rememberedForMs = 5 * 60 * 1000;

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

/** The values that a header can carry (RFC 9110 §5.5). */
const sendable = /^[\x20-\x7e]+$/;

const headersIn = (value: unknown): SecretHeaders | undefined => {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).filter(([, one]) => typeof one === 'string' && sendable.test(one));
  return Object.fromEntries(entries.map(([name, one]) => [name.toLowerCase(), String(one)]));
};

/** Reads a payer's stored secret, whatever the letter case of its header names. Undefined if the secret is malformed. */
export const parsePayerSecret = (text: string | undefined): PayerSecret | undefined => {
  try {
    const {
      client_secret: secret,
      private_key_jwk: key,
      ...more
    } = JSON.parse(String(text)) as Record<string, unknown>;
    const headers = headersIn(more['headers']);
    const beside = headers === undefined ? {} : { headers };
    const signing = isObject(key) ? { private_key_jwk: { ...key } } : undefined;
    if (typeof secret === 'string' && secret !== '') return { client_secret: secret, ...signing, ...beside };
    if (signing !== undefined) return { ...signing, ...beside };
    if (headers !== undefined) return { headers };
  } catch {
    // The parser's message would quote the secret.
  }
  return undefined;
};

const requireSecret = (payerId: string, text: string | undefined): PayerSecret => {
  const secret = parsePayerSecret(text);
  if (secret === undefined) throw missingSecret(payerId);
  return secret;
};

/**
 * Reads payers' secrets from Secrets Manager, one per payer under `prefix + id`. Each is cached in the warm function
 * for five minutes.
 * @throws GatewayError `temporarily_unavailable` if the secret is missing or Secrets Manager fails
 */
export const payerSecretReader = (client: SecretsManagerClient, prefix: string, clock: Clock): ReadPayerSecret => {
  const remembered = new Map<string, { readAtMs: number; text: string | undefined; secret: PayerSecret }>();
  return async (payerId, { fresh = false } = {}) => {
    const known = remembered.get(payerId);
    if (known && !fresh && clock.monotonic() - known.readAtMs < rememberedForMs) return known.secret;
    const answer = await client
      .send(new GetSecretValueCommand({ SecretId: prefix + payerId, VersionStage: 'AWSCURRENT' }))
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') throw missingSecret(payerId);
        throw unreadableSecret(`secretsmanager: ${causeOf(error)}`, 5);
      });
    const { SecretString: text } = answer;
    // The same one while it stays the same, so that its key is imported once.
    const secret = known !== undefined && known.text === text ? known.secret : requireSecret(payerId, text);
    remembered.set(payerId, { readAtMs: clock.monotonic(), text, secret });
    return secret;
  };
};

/**
 * The headers that each request to a payer needs beside the token, in lower case. None without `quirks.secretHeaders`, and
 * then no secret is read.
 * @throws GatewayError `temporarily_unavailable` if the secret lacks one of them, or cannot be read
 */
export const readSecretHeaders = async (
  { readPayerSecret }: { readonly readPayerSecret: ReadPayerSecret },
  payer: Payer,
): Promise<SecretHeaders> => {
  const { secretHeaders: names = [] } = payer.quirks;
  if (names.length === 0) return {};
  const owner = secretOwnerOf(payer) ?? payer.id;
  const { headers = {} } = await readPayerSecret(owner);
  return Object.fromEntries(
    names.map((name) => {
      const value = headers[name.toLowerCase()];
      if (value === undefined) throw unreadableSecret(`the secret of payer ${owner} has no usable header ${name}`, 60);
      return [name.toLowerCase(), value];
    }),
  );
};
