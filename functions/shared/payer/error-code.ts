import { isObject, type JsonObject } from '../json/json-object.ts';
import type { PayerFailure } from './errors.ts';

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
  const [code, ...others] = new Set(codesIn(answer));
  return others.length === 0 ? code : undefined;
};

/** What a code says of the payer, the client or the grant. */
export const failureOf = (code: OAuthCode): PayerFailure => failures[code];
