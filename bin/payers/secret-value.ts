import { clientSecret } from '../../config/checks/rules.ts';
import { parseObject, type JsonObject } from '../../functions/shared/json/json-object.ts';
import { parsePayerSecret, type PayerSecret } from '../../functions/shared/payer/secrets.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';
import { Refusal } from '../shared/errors.ts';
import { hasBoth, judgeSecret, shapeOfSecret } from './secret.ts';

/** The value for Secrets Manager, and how messages call it: they quote no part of the secret but a key's `kid`. */
export interface SecretValue {
  readonly secret: PayerSecret;
  readonly what: string;
}

/** The secret as functions will read it, so that what is stored is what was tried. */
const asRead = (value: JsonObject, payer: Payer): PayerSecret => {
  const secret = parsePayerSecret(JSON.stringify(value));
  if (secret === undefined)
    throw new Refusal(`The secret of ${payer.id} is not in its form; give ${shapeOfSecret(payer)}`);
  return secret;
};

const keyValue = (given: string, payer: Payer): SecretValue => {
  const value = parseObject(given);
  if (value === undefined) {
    throw new Refusal(
      `The gateway signs with a key at ${payer.id}, but what was given is not a JSON object; give what "payers -- key" printed`,
    );
  }
  const secret = 'private_key_jwk' in value ? value : { private_key_jwk: value };
  const { text: said, todo } = judgeSecret('The key', { text: JSON.stringify(secret) }, payer);
  if (todo !== undefined) throw new Refusal(`${said}; ${todo}`);
  return { secret: asRead(secret, payer), what: said.replace('The key: ', '') };
};

const clientSecretValue = (given: string, payer: Payer): SecretValue => {
  const json = parseObject(given);
  if (json !== undefined && ('private_key_jwk' in json || 'kty' in json)) {
    throw new Refusal(
      `What was given is a key, but the gateway has a client secret at ${payer.id} (clientAuthentication ` +
        `${payer.clientAuthentication}); give the secret, or write the clientAuthentication that is registered there`,
    );
  }
  // A secret may be any text, JSON too, but none is an object that names one.
  if (Object.keys(json ?? {}).some((name) => /secret|passw|key|token/i.test(name))) {
    throw new Refusal(`The secret of ${payer.id} was given as JSON; give only the secret, the tool makes the JSON`);
  }
  const wrong = clientSecret(given);
  if (wrong !== undefined) throw new Refusal(`The secret of ${payer.id} ${wrong}`);
  return { secret: { client_secret: given }, what: `a client secret of ${given.length} characters` };
};

/** A secret with several values is given as the JSON that is stored. */
const severalValues = (given: string, payer: Payer): SecretValue => {
  const value = parseObject(given);
  if (value === undefined) {
    const why = hasBoth(payer) ? 'a key too (identitySignIn)' : 'headers (quirks.secretHeaders)';
    throw new Refusal(`The secret of ${payer.id} has ${why}; give ${shapeOfSecret(payer)}`);
  }
  const { text: said, todo } = judgeSecret('The secret', { text: given }, payer);
  if (todo !== undefined) throw new Refusal(`${said}; ${todo}`);
  const { client_secret: secret } = value;
  const wrong = typeof secret === 'string' ? clientSecret(secret) : undefined;
  if (wrong !== undefined) throw new Refusal(`The client_secret of ${payer.id} ${wrong}`);
  const headers = payer.quirks.secretHeaders === undefined ? '' : `, with ${payer.quirks.secretHeaders.join(', ')}`;
  return { secret: asRead(value, payer), what: `${said.replace('The secret: ', '')}${headers}` };
};

/**
 * Makes the value of a payer's secret from what a person gave.
 * @throws Refusal, which does not quote it
 */
export const secretValue = (given: string, payer: Payer): SecretValue => {
  if (payer.quirks.secretHeaders !== undefined || hasBoth(payer)) return severalValues(given, payer);
  return payer.clientAuthentication === 'private_key_jwt' ? keyValue(given, payer) : clientSecretValue(given, payer);
};
