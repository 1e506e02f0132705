import { createPrivateKey, createPublicKey } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretHeaderValue } from '../../config/checks/rules.ts';
import { isObject, parseObject, type JsonObject } from '../../functions/shared/json/json-object.ts';
import type { Payer, PublicJwk } from '../../functions/shared/registry/types.ts';
import { answerMs, withinMs } from '../shared/deadline.ts';
import { explainSecretsFailure, type Explained } from '../shared/secrets-manager.ts';
import { fault, pass, type Finding } from './finding.ts';

/** The text of a payer's secret, or why it cannot be read. */
export type SecretReading = { readonly text: string } | Explained;

/** Whether two keys have the same public members (RFC 7638 §3.2). */
const isSameKey = (a: JsonObject, b: JsonObject): boolean =>
  ['kty', 'crv', 'x', 'y', 'n', 'e'].every((member) => a[member] === b[member]);

const publicHalf = (jwk: JsonObject): JsonObject | undefined => {
  try {
    return createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' })).export({ format: 'jwk' });
  } catch {
    // The error's message may quote the key.
    return undefined;
  }
};

const judgeKey = (name: string, key: unknown, publicKeys: readonly PublicJwk[]): Finding => {
  const known = publicKeys.map(({ kid }) => kid).join(', ');
  const jwk = isObject(key) ? key : {};
  const half = publicHalf(jwk);
  if (half === undefined) {
    return fault('secret', `${name}: private_key_jwk is not a private key`, 'make a pair with: npm run payers -- key');
  }
  const match = publicKeys.find((candidate) => isSameKey(candidate, half));
  if (match === undefined) {
    return fault(
      'secret',
      `${name}: the private key does not match any of the profile's publicKeys (${known})`,
      'write its public half into publicKeys, or put the private half of one of them into the secret',
    );
  }
  if (jwk['kid'] !== match.kid) {
    return fault(
      'secret',
      `${name}: the private key lacks the kid of its public half`,
      `write "kid": "${match.kid}" into it`,
    );
  }
  if (jwk['kty'] === 'RSA' && jwk['alg'] !== 'RS384') {
    return fault('secret', `${name}: the private key is RSA and lacks "alg": "RS384"`, 'write that into it');
  }
  if (jwk['kty'] !== 'RSA' && jwk['alg'] !== undefined && jwk['alg'] !== 'ES384') {
    return fault('secret', `${name}: the private key has an alg other than ES384`, 'write "alg": "ES384" into it');
  }
  return pass('secret', `${name}: a private key, which matches ${match.kid} in publicKeys`);
};

const judgeClientSecret = (name: string, secret: unknown): Finding => {
  if (typeof secret !== 'string' || secret === '') {
    return fault('secret', `${name}: client_secret is not a string`, 'put {"client_secret": "…"} there');
  }
  return secret.trim() === secret
    ? pass('secret', `${name}: a client secret, as the profile requires`)
    : fault(
        'secret',
        `${name}: client_secret starts or ends with a space or a newline`,
        'it was probably pasted with it: put the secret there again without it',
      );
};

const wantedIn = ({ clientAuthentication }: Payer): 'private_key_jwk' | 'client_secret' | undefined =>
  clientAuthentication === 'none'
    ? undefined
    : clientAuthentication === 'private_key_jwt'
      ? 'private_key_jwk'
      : 'client_secret';

/** Whether a payer's secret has a client secret, for refreshes, and a key, for calls with a member's identity. */
export const hasBoth = ({ clientAuthentication, identitySignIn }: Payer): boolean =>
  identitySignIn !== undefined && clientAuthentication.startsWith('client_secret');

/** What a payer's secret looks like, without values. */
export const shapeOfSecret = (payer: Payer): string => {
  const wanted = wantedIn(payer);
  const { secretHeaders } = payer.quirks;
  const headers = secretHeaders && `"headers": {${secretHeaders.map((name) => `"${name}": "…"`).join(', ')}}`;
  const key = hasBoth(payer) ? '"private_key_jwk": …' : undefined;
  return `{${[wanted && `"${wanted}": …`, key, headers].filter((part) => part !== undefined).join(', ')}}`;
};

/** The first header of the profile that the secret does not have, or not so that it can be sent. */
const lackingHeader = (headers: unknown, { quirks: { secretHeaders = [] } }: Payer): string | undefined => {
  const values = Object.entries(isObject(headers) ? headers : {});
  const problems = secretHeaders.flatMap((name) => {
    const value = values.find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1];
    if (typeof value !== 'string') return [`has no header ${name}, which quirks.secretHeaders names`];
    const problem = secretHeaderValue(value);
    return problem === undefined ? [] : [`the value of the header ${name} ${problem}`];
  });
  return problems[0];
};

/**
 * Judges whether a payer's secret exists and fits its profile. No finding contains any part of it but a key's `kid`.
 */
export const judgeSecret = (name: string, reading: SecretReading, payer: Payer): Finding => {
  if ('problem' in reading) return fault('secret', `${name}: ${reading.problem}`, reading.todo);
  const wanted = wantedIn(payer);
  const value = parseObject(reading.text);
  const shape = shapeOfSecret(payer);
  if (value === undefined) return fault('secret', `${name}: is not a JSON object`, `put ${shape} there`);
  const lacking = lackingHeader(value['headers'], payer);
  if (lacking !== undefined) return fault('secret', `${name}: ${lacking}`, `put ${shape} there`);
  if (wanted === undefined) return pass('secret', `${name}: headers, as the profile requires`);
  if (!(wanted in value)) {
    return fault(
      'secret',
      `${name}: has no ${wanted}, which clientAuthentication ${payer.clientAuthentication} needs`,
      `put ${shape} there, or write the clientAuthentication that is registered at the payer`,
    );
  }
  if (wanted === 'private_key_jwk') return judgeKey(name, value[wanted], payer.publicKeys);
  const secret = judgeClientSecret(name, value[wanted]);
  return hasBoth(payer) && secret.todo === undefined ? judgeBoth(name, value, payer) : secret;
};

/** Judges the key beside a sound client secret. */
const judgeBoth = (name: string, value: JsonObject, payer: Payer): Finding => {
  if (!('private_key_jwk' in value)) {
    return fault(
      'secret',
      `${name}: has no private_key_jwk, which identitySignIn needs`,
      `put ${shapeOfSecret(payer)} there`,
    );
  }
  const key = judgeKey(name, value['private_key_jwk'], payer.publicKeys);
  return key.todo === undefined ? pass('secret', `${key.text}, and a client secret`) : key;
};

/** Reads a secret by name, within the time limit. It never throws, and its explanations contain no secret. */
export const readSecretWith =
  (client: SecretsManagerClient) =>
  async (name: string): Promise<SecretReading> => {
    try {
      const command = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' });
      const { SecretString } = await withinMs(answerMs, client.send(command));
      return { text: SecretString ?? '' };
    } catch (error) {
      return explainSecretsFailure(error);
    }
  };
