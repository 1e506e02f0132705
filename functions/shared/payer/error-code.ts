import { isObject, type JsonObject } from '../json/json-object.ts';
import type { PayerFailure } from './errors.ts';

/**
 * Words by which servers refuse a refresh token in place of `invalid_grant`: codes of RFC 6750 §3.1, RFC 6749 §4.1.2.1, OpenID Connect
 * Core §3.1.2.6 and RFC 8628 §3.5. Beside a code of RFC 6749 §5.2 that code counts.
 */
const refusals = {
  invalid_token: 'refused',
  expired_token: 'refused',
  access_denied: 'refused',
  interaction_required: 'refused',
  login_required: 'refused',
  consent_required: 'refused',
} as const satisfies Readonly<Record<string, PayerFailure>>;

/**
 * The codes of RFC 6749 §5.2, and two of §4.1.2.1 that servers give at the token endpoint too. What is wrong with our client, its
 * registration or its secret is the operator's to mend. Keycloak says `unauthorized_client` of a wrong secret
 * (https://github.com/keycloak/keycloak/issues/16923).
 */
const failures = {
  invalid_grant: 'invalid_grant',
  invalid_scope: 'invalid_scope',
  invalid_client: 'invalid_client',
  unauthorized_client: 'invalid_client',
  unsupported_grant_type: 'nonsense',
  invalid_request: 'nonsense',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
  ...refusals,
} as const satisfies Readonly<Record<string, PayerFailure>>;

type OAuthCode = keyof typeof failures;

const isCode = (word: string): word is OAuthCode => Object.hasOwn(failures, word);

/** The members in which servers, and API gateways before them, write a code: alone, in an object, or in a list. */
export const errorMembers = [
  'error',
  'errors',
  'code',
  'error_code',
  'errorCode',
  'errorcode',
  'ErrorCode',
  'fault',
  'detail',
];

/** `error` and an object or list in it, Apigee's `fault.detail.errorcode`. */
const deepest = 3;

const codesIn = (value: unknown, depth = 0): OAuthCode[] => {
  if (typeof value === 'string') {
    const word = value.toLowerCase();
    return isCode(word) ? [word] : [];
  }
  if (depth > deepest) return [];
  if (Array.isArray(value)) return value.slice(0, 10).flatMap((one) => codesIn(one, depth + 1));
  if (!isObject(value)) return [];
  return errorMembers.flatMap((name) => (Object.hasOwn(value, name) ? codesIn(value[name], depth + 1) : []));
};

/** The one code of OAuth's that an answer has as its error, whatever the shape; undefined if it has none, or several. */
export const errorCodeOf = (answer: JsonObject): OAuthCode | undefined => {
  const codes = new Set(codesIn(answer));
  const [refusal] = codes;
  const [code = refusal, ...others] = [...codes].filter((one) => !Object.hasOwn(refusals, one));
  return others.length === 0 ? code : undefined;
};

/** What a code says of the payer, the client or the grant. */
export const failureOf = (code: OAuthCode): PayerFailure => failures[code];

/** A word that servers may have made a code of. `Bad Request`, as of a framework's own error page, is none. */
const codeForm = /^[\w.-]{1,100}$/;

/**
 * What a payer's answer without tokens says. A 400 with `invalid_request`, or with a code of the server's own, is about what the request
 * carries. Blue Button and others say `invalid_request` ("Missing refresh token parameter") of a refresh token that they deleted.
 */
export const failureOfAnswer = (status: number, answer: JsonObject): PayerFailure => {
  const code = errorCodeOf(answer);
  if (code !== undefined && code !== 'invalid_request') return failureOf(code);
  const { error } = answer;
  const isOwnCode = typeof error === 'string' && codeForm.test(error) && !isCode(error.toLowerCase());
  return status === 400 && (code === 'invalid_request' || isOwnCode) ? 'refused' : 'nonsense';
};
