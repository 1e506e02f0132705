import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Payer, PublicJwk } from '../../functions/shared/registry/types.ts';
import { well, wrong, type Finding } from './finding.ts';

/** The text of a payer's secret, or why it cannot be had. */
export type SecretReading = { readonly text: string } | { readonly problem: string; readonly todo: string };

type Jwk = Readonly<Record<string, unknown>>;

/** Public members that make two keys the same (RFC 7638 §3.2). */
const sameKey = (a: Jwk, b: Jwk): boolean =>
  ['kty', 'crv', 'x', 'y', 'n', 'e'].every((member) => a[member] === b[member]);

const publicHalf = (jwk: Jwk): Jwk | undefined => {
  try {
    return createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' })).export({ format: 'jwk' });
  } catch {
    // The error's message may quote the key.
    return undefined;
  }
};

const parse = (text: string): Jwk | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Jwk) : undefined;
  } catch {
    return undefined;
  }
};

const judgeKey = (name: string, key: unknown, publicKeys: readonly PublicJwk[]): Finding => {
  const known = publicKeys.map(({ kid }) => kid).join(', ');
  const jwk = typeof key === 'object' && key !== null ? (key as Jwk) : {};
  const half = publicHalf(jwk);
  if (half === undefined) {
    return wrong('secret', `${name}: private_key_jwk is no private key`, 'make a pair with: npm run payers -- key');
  }
  const match = publicKeys.find((candidate) => sameKey(candidate, half));
  if (match === undefined) {
    return wrong(
      'secret',
      `${name}: the private key belongs to none of the profile's publicKeys (${known})`,
      'write its public half into publicKeys, or put the private half of one of them into the secret',
    );
  }
  if (jwk['kid'] !== match.kid) {
    return wrong(
      'secret',
      `${name}: the private key lacks the kid of its public half`,
      `write "kid": "${match.kid}" into it`,
    );
  }
  if (jwk['kty'] === 'RSA' && jwk['alg'] !== 'RS384') {
    return wrong('secret', `${name}: the private key is RSA and has not "alg": "RS384"`, 'write that into it');
  }
  return well('secret', `${name}: a private key, the one of publicKeys' ${match.kid}`);
};

const judgeClientSecret = (name: string, secret: unknown): Finding => {
  if (typeof secret !== 'string' || secret === '') {
    return wrong('secret', `${name}: client_secret is not a string`, 'put {"client_secret": "…"} there');
  }
  return secret.trim() === secret
    ? well('secret', `${name}: a client secret, as the profile wants`)
    : wrong(
        'secret',
        `${name}: client_secret begins or ends with a blank or a new line`,
        'it probably was pasted with it: put it there anew',
      );
};

/** Whether a payer's secret is there and fits its profile. No finding holds any part of it but a key's `kid`. */
export const judgeSecret = (name: string, reading: SecretReading, payer: Payer): Finding => {
  if ('problem' in reading) return wrong('secret', `${name}: ${reading.problem}`, reading.todo);
  const wanted = payer.clientAuthentication === 'private_key_jwt' ? 'private_key_jwk' : 'client_secret';
  const value = parse(reading.text);
  const shape = `{"${wanted}": …}`;
  if (value === undefined) return wrong('secret', `${name}: is no JSON object`, `put ${shape} there`);
  if (!(wanted in value)) {
    return wrong(
      'secret',
      `${name}: has no ${wanted}, which clientAuthentication ${payer.clientAuthentication} needs`,
      `put ${shape} there, or write the clientAuthentication that the payer registered`,
    );
  }
  return wanted === 'client_secret'
    ? judgeClientSecret(name, value[wanted])
    : judgeKey(name, value[wanted], payer.publicKeys);
};
