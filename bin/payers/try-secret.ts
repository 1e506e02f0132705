import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pendingClientId } from '../../config/examples.ts';
import type { Clock } from '../../functions/shared/clock.ts';
import { asGatewayError } from '../../functions/shared/errors.ts';
import { redeemAtPayer } from '../../functions/shared/payer/client.ts';
import { PayerError, type PayerFailure } from '../../functions/shared/payer/errors.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { PayerSecret } from '../../functions/shared/payer/secrets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { callbackUri } from '../../functions/shared/registry/urls.ts';
import { Refusal } from '../shared/errors.ts';

/** Dependencies of trying a secret. */
export interface TryDeps {
  readonly http: PayerHttp;
  readonly clock: Clock;
}

/** Whether the payer accepts a secret. `detail` completes a sentence, and quotes no part of a secret. */
export type Tried =
  | { readonly result: 'accepted' }
  | { readonly result: 'refused'; readonly detail: string }
  | { readonly result: 'unknown'; readonly detail: string };

/** What to say about an error that is not a payer's answer. Never its own message, which may quote a key. */
export const cannotTry = ({ displayName }: Payer, error: unknown): Refusal =>
  new Refusal(
    `The secret cannot be tried at ${displayName}: ${asGatewayError(error).detail}. Nothing was changed. Check the value and the ` +
      "payer's entry, or put it there without asking: --unchecked",
  );

/**
 * Asks for tokens with a code that the payer never gave.
 * @returns how the payer refused, or `undefined` if it did not
 * @throws Refusal if the request cannot be made
 */
const exchangeMadeUpCode = async (
  { http, clock }: TryDeps,
  payer: Payer,
  secret: PayerSecret,
  origin: string,
): Promise<PayerError | undefined> => {
  const readPayerSecret = async (_owner: string, { fresh = false } = {}): Promise<PayerSecret> => {
    // The gateway would send a refused secret a second time, after reading it again.
    if (fresh) throw new PayerError('invalid_client', 'the payer refused the client');
    return secret;
  };
  try {
    await redeemAtPayer({ payerHttp: http, clock, readPayerSecret }, payer, {
      code: randomBytes(24).toString('base64url'),
      redirectUri: callbackUri(origin, payer.id),
      verifier: randomBytes(32).toString('base64url'),
    });
    return undefined;
  } catch (error) {
    if (error instanceof PayerError) return error;
    throw cannotTry(payer, error);
  }
};

const random = (): string => randomBytes(24).toString('base64url');

/** A secret of the same kind that the payer cannot know. Headers beside a credential stay, so that it is looked at. */
const madeUp = ({ headers, ...secret }: PayerSecret): PayerSecret => {
  const beside = headers === undefined ? {} : { headers };
  if ('client_secret' in secret) return { client_secret: random(), ...beside };
  if (!('private_key_jwk' in secret)) {
    return { headers: Object.fromEntries(Object.keys(headers ?? {}).map((name) => [name, random()])) };
  }
  const { kid, alg, kty } = secret.private_key_jwk;
  const { privateKey } =
    kty === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return {
    private_key_jwk: {
      ...privateKey.export({ format: 'jwk' }),
      ...(kid === undefined ? {} : { kid }),
      ...(alg === undefined ? {} : { alg }),
    },
    ...beside,
  };
};

const words: Readonly<Record<Exclude<PayerFailure, 'invalid_grant'>, string>> = {
  invalid_client: 'refuses it (invalid_client)',
  unavailable: 'cannot be asked',
  timeout: 'does not answer in time',
  nonsense: 'gives an answer that says nothing about it',
  invalid_scope: 'gives an answer that says nothing about it',
  refused: 'gives an answer that says nothing about it',
};

/**
 * Asks the payer's token endpoint whether it accepts a secret, without a member: with a made-up code, `invalid_grant`
 * means that the client was accepted, and `invalid_client` that it was not (RFC 6749 §5.2). A payer that looks at the
 * code first says `invalid_grant` to anyone, so a made-up secret must be refused.
 * @param origin the gateway's public origin
 */
export const trySecret = async (deps: TryDeps, payer: Payer, secret: PayerSecret, origin: string): Promise<Tried> => {
  if (payer.clientId === pendingClientId) {
    return { result: 'unknown', detail: `has given no client id yet (clientId is "${pendingClientId}")` };
  }
  const refusal = await exchangeMadeUpCode(deps, payer, secret, origin);
  if (refusal === undefined) return { result: 'unknown', detail: 'gives tokens for a code that it never gave' };
  const { failure, detail } = refusal;
  if (failure === 'invalid_client') return { result: 'refused', detail: words.invalid_client };
  if (failure !== 'invalid_grant') return { result: 'unknown', detail: `${words[failure]}: ${detail}` };
  const other = await exchangeMadeUpCode(deps, payer, madeUp(secret), origin);
  if (other?.failure === 'invalid_client') return { result: 'accepted' };
  return {
    result: 'unknown',
    detail:
      other?.failure === 'invalid_grant'
        ? 'refuses a made-up code before it looks at the secret'
        : `answered a made-up secret otherwise: ${other?.detail ?? 'with tokens'}`,
  };
};
