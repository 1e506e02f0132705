import { parseObject, type JsonObject } from '../json/json-object.ts';
import { repeatedMember } from '../json/repeated-member.ts';
import { withoutBom } from '../plain-text.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { PayerTokens } from '../store/grant-item.ts';
import { errorMembers } from './error-code.ts';
import { readScopeMembers } from './granted-scope.ts';

/** What a payer's token answer means (RFC 6749 §5.1), whatever its shape. */
export interface ReadAnswer {
  readonly accessToken: string | undefined;
  /** Why there is no usable access token, for the log. */
  readonly problem: string | undefined;
  readonly refreshToken: string | undefined;
  /** Epoch seconds; undefined if the payer gave none, or an impossible one. */
  readonly expiresAt: number | undefined;
  /** Undefined if the payer sent no scope; empty if the scope that it sent grants nothing. */
  readonly scope: Scopes | undefined;
  /** The patient, as the payer wrote it; undefined if it names none. */
  readonly patient: unknown;
  /** The `id_token`, not yet verified; undefined if there is none. */
  readonly idToken: unknown;
}

/** A year. A longer lifetime is a mistake of the payer's. */
const longestLifeSeconds = 366 * 24 * 3600;

/**
 * Characters of a token. No server accepts a longer `Authorization` header, and what a grant keeps has to fit into one item of
 * DynamoDB, 400 KB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), beside all else in it.
 */
const longestToken = 32_768;

/** A refresh token that is not kept. The access token beside it is refused too: without it, the grant would end unexpectedly. */
export const isTooLong = (refreshToken: string): boolean => refreshToken.length > longestToken;

/** A token without the line breaks and tabs around it, which no token has (RFC 6749 §A.12, §A.17). Each run of them is read once. */
const trimmed = (token: unknown): unknown =>
  typeof token === 'string' ? token.replace(/^[\t\r\n]+|(?<![\t\r\n])[\t\r\n]+$/g, '') : token;

/** The characters that may follow `Bearer ` in an `Authorization` header. */
const headerToken = /^[\x21-\x7e]+$/;

/** Token types that need a proof or signature, which the gateway does not support. */
const boundTypes = new Set(['dpop', 'mac', 'pop']);

/** A token answer's JSON object, with or without a byte order mark; undefined for anything else. */
export const readJsonObject = (text: string): JsonObject | undefined => parseObject(withoutBom(text));

/** One or more `name=value`, percent-encoded: no other text looks like it, such as a page or broken JSON. */
const formText = /^[\w.~%+*-]+=[^\s<>"{}=&]*(?:&[\w.~%+*-]+=[^\s<>"{}=&]*)*$/;

/**
 * A token answer that is a form, as some servers send it, as JSON. It counts if it has `access_token` or `error`, and no
 * member twice. Any other text is returned as it is.
 */
export const formAsJson = (text: string): string => {
  const form = text.trim();
  if (!formText.test(form)) return text;
  const pairs = [...new URLSearchParams(form)];
  const members = new Map(pairs);
  const isAnswer = members.size === pairs.length && (members.has('access_token') || members.has('error'));
  return isAnswer ? JSON.stringify(Object.fromEntries(members)) : text;
};

/** The members that decide what the tokens open, or why there are none, beside the one that names the patient. */
const deciding: ReadonlySet<string> = new Set([
  'access_token',
  'refresh_token',
  'token_type',
  'scope',
  'scp',
  'scopes',
  'id_token',
  ...errorMembers,
]);

/** Whether a member that decides what the tokens open, or whose record, is repeated. Nobody can tell which of its values counts. */
export const isAmbiguous = (text: string, patientMember = 'patient'): boolean =>
  repeatedMember(text, (name) => name === patientMember || deciding.has(name)) !== undefined;

/** Whether an object in what a JWT claims has a member twice: readers may take the last, or refuse it (RFC 7519 §4). */
export const isAmbiguousJwt = (jwt: string): boolean =>
  repeatedMember(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) !== undefined;

/** A member of the payer's; undefined if it is missing or null. */
export const memberOf = (answer: JsonObject, name: string): unknown =>
  Object.hasOwn(answer, name) ? (answer[name] ?? undefined) : undefined;

/** Why an access token is unusable, or undefined if it is usable. */
const problemOf = (token: unknown, type: unknown): string | undefined => {
  if (typeof type === 'string' && boundTypes.has(type.trim().toLowerCase())) {
    return 'the token answer has a token_type that needs more than the token';
  }
  if (typeof token !== 'string' || token === '') return 'the token answer has no access_token';
  if (token.length > longestToken) return `the access_token is over ${longestToken} characters`;
  return headerToken.test(token) ? undefined : 'the access_token has characters that no header can carry';
};

/** Seconds, as a number or a string. */
const lifeOf = (value: unknown): number | undefined => {
  const life = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  return typeof life === 'number' && life >= 1 && life <= longestLifeSeconds ? Math.floor(life) : undefined;
};

/**
 * Reads a payer's successful token answer. Only the access token must be valid, and the refresh token not too long to keep. A code or
 * refresh token was spent on this answer, so any other malformed member is treated as missing. The exception is a malformed scope: it
 * grants nothing.
 * @param now epoch seconds
 * @param patientMember the member that names the patient
 */
export const readTokenAnswer = (answer: JsonObject, now: number, patientMember = 'patient'): ReadAnswer => {
  const { expires_in: expiresIn } = answer;
  const [accessToken, refreshToken] = [trimmed(answer['access_token']), trimmed(answer['refresh_token'])];
  const refresh = typeof refreshToken === 'string' && refreshToken.trim() !== '' ? refreshToken : undefined;
  const tooLong =
    refresh !== undefined && isTooLong(refresh) ? `the refresh_token is over ${longestToken} characters` : undefined;
  const problem = tooLong ?? problemOf(accessToken, answer['token_type']);
  const life = lifeOf(expiresIn);
  return {
    accessToken: problem === undefined ? (accessToken as string) : undefined,
    problem,
    refreshToken: refresh,
    expiresAt: life === undefined ? undefined : now + life,
    scope: readScopeMembers(answer),
    patient: memberOf(answer, patientMember),
    idToken: memberOf(answer, 'id_token'),
  };
};

/** The tokens to keep of an answer, without undefined members, as in JSON. */
export const payerTokens = (
  accessToken: string,
  { refreshToken, expiresAt }: Pick<ReadAnswer, 'refreshToken' | 'expiresAt'>,
): PayerTokens => ({
  accessToken,
  ...(refreshToken === undefined ? {} : { refreshToken }),
  ...(expiresAt === undefined ? {} : { expiresAt }),
});
