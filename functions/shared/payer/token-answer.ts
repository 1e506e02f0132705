import { parseObject, type JsonObject } from '../json-object.ts';
import { parseScopes, type Scopes } from '../registry/scopes.ts';
import type { PayerTokens } from '../store/grant.ts';

/** A payer's token answer as it is meant (RFC 6749 §5.1), whatever shape the payer gave it. */
export interface ReadAnswer {
  readonly accessToken: string | undefined;
  /** Why there is no access token that can be used, for the log. */
  readonly problem: string | undefined;
  readonly refreshToken: string | undefined;
  /** Epoch seconds; undefined where the payer did not say, or said what cannot be. */
  readonly expiresAt: number | undefined;
  /** Empty where the payer named none. */
  readonly scope: Scopes;
  /** As the payer wrote it; undefined where it names none. */
  readonly patient: unknown;
}

/** A year: a payer that promises longer has made a mistake. */
const longestLifeSeconds = 366 * 24 * 3600;

/** Characters; no server takes a longer `Authorization` header. */
const longestAccessToken = 32_768;

/** What an `Authorization` header can carry after `Bearer `. */
const headerToken = /^[\x21-\x7e]+$/;

/** Token types that need a proof or a signature, which the gateway does not make. */
const boundTypes = new Set(['dpop', 'mac', 'pop']);

/** A token answer's JSON object, with or without a byte order mark; undefined for everything else. */
export const readJsonObject = (text: string): JsonObject | undefined => parseObject(text.replace(/^\uFEFF/, ''));

/** Why an access token cannot be used, or undefined where it can. */
const problemOf = (token: unknown, type: unknown): string | undefined => {
  if (typeof type === 'string' && boundTypes.has(type.trim().toLowerCase())) {
    return 'the token answer has a token_type that needs more than the token';
  }
  if (typeof token !== 'string' || token === '') return 'the token answer has no access_token';
  if (token.length > longestAccessToken) return `the access_token is over ${longestAccessToken} characters`;
  return headerToken.test(token) ? undefined : 'the access_token has characters that no header can carry';
};

/** Seconds, a number or one in a string. */
const lifeOf = (value: unknown): number | undefined => {
  const life = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  return typeof life === 'number' && life >= 1 && life <= longestLifeSeconds ? Math.floor(life) : undefined;
};

/** A string, or an array with strings in it. */
const scopeOf = (value: unknown): Scopes => {
  const scope = Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(' ') : value;
  return parseScopes(typeof scope === 'string' ? scope : '');
};

/**
 * Reads a payer's successful token answer. Only the access token has to be right: a code or a refresh token was spent on
 * this answer, so whatever else is odd in it counts as left out. An `id_token`, which nobody asked for, is not looked at.
 * @param now epoch seconds
 */
export const readTokenAnswer = (answer: JsonObject, now: number): ReadAnswer => {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn, patient } = answer;
  const problem = problemOf(accessToken, answer['token_type']);
  const life = lifeOf(expiresIn);
  return {
    accessToken: problem === undefined ? (accessToken as string) : undefined,
    problem,
    refreshToken: typeof refreshToken === 'string' && refreshToken.trim() !== '' ? refreshToken : undefined,
    expiresAt: life === undefined ? undefined : now + life,
    scope: scopeOf(answer['scope']),
    patient: patient ?? undefined,
  };
};

/** What is kept of an answer; JSON leaves out what is undefined, and so does this. */
export const payerTokens = (
  accessToken: string,
  { refreshToken, expiresAt }: Pick<ReadAnswer, 'refreshToken' | 'expiresAt'>,
): PayerTokens => ({
  accessToken,
  ...(refreshToken === undefined ? {} : { refreshToken }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
});
