/** Finds secrets among the values of a configuration, in any field, by their format. */
import { looksLikeSecret, namesSecret, secretAdvice } from './unknown-fields.ts';

const looks: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY/, 'contains a private key'],
  [/\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/, 'contains an AWS access key id'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/, 'contains a token'],
  [/\bgh[pousr]_\w{30,}|\bgithub_pat_\w{30,}|\bxox[abprs]-[\w-]{10,}/, 'contains an access token'],
  // The formats that vendors publish for scanners: Stripe, GitLab, npm, SendGrid, Google, and Microsoft Entra.
  [
    /\b[sr]k_(?:live|test|prod)_\w{10,}|\bglpat-[\w-]{20}|\bnpm_\w{36}\b|\bSG\.[\w-]{22}\.[\w-]{43}/,
    'contains an API key',
  ],
  [/\bAIza[\w-]{35}\b|\bGOCSPX-[\w-]{28}/, 'contains a key of Google'],
  [/[\w~.]{3}\dQ~[\w~.-]{31,34}/, 'contains a client secret of Microsoft Entra'],
  [/\bp2p[arcs]_[\w-]{20,}/, 'contains a token or code of the gateway'],
  [/\bwhsec_[\w+/-]{20,}/, 'contains a webhook secret'],
];

/** Which kind of secret a text contains, by its format; undefined if there is none. */
export const secretIn = (text: string): string | undefined => looks.find(([pattern]) => pattern.test(text))?.[1];

/**
 * The path and message of each. Messages never quote the value.
 * @param isFree whether an operator names the members of the object at a path: there a name shows a secret too
 */
export const writtenSecrets = (
  value: unknown,
  isFree: (path: readonly PropertyKey[]) => boolean,
  path: readonly PropertyKey[] = [],
  above: readonly unknown[] = [],
): readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] => {
  if (typeof value === 'string') {
    const found = secretIn(value);
    return found === undefined ? [] : [{ path, message: `${found}; ${secretAdvice}` }];
  }
  // A value from a .ts file may contain itself.
  if (typeof value !== 'object' || value === null || above.includes(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const at = [...path, Array.isArray(value) ? Number(name) : name];
    const found = writtenSecrets(member, isFree, at, [...above, value]);
    return found.length === 0 && namesSecret(name, member) && isFree(path)
      ? [{ path: at, message: looksLikeSecret }]
      : found;
  });
};
