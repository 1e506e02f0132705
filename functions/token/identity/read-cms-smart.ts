import { GatewayError } from '../../shared/errors.ts';
import { readInstant } from '../../shared/instant.ts';
import { isObject, type JsonObject } from '../../shared/json/json-object.ts';
import { isPlainText } from '../../shared/plain-text.ts';
import type { IdentitySignIn } from '../../shared/registry/types.ts';
import type { Assertion } from '../client-authentication.ts';
import { listOf, objectOf, oneOf, optional, requireFields, takeApart, text, type FieldCheck } from './fields.ts';

/** What the partner's assertion says, checked as far as its form (CMS payer participation specification, v1). */
export interface CmsSmart {
  readonly idToken: string;
  /** Epoch milliseconds. */
  readonly attestedAtMs: number;
  /** The member's approval as the partner wrote it. */
  readonly attestation: JsonObject;
  readonly policies: readonly string[];
}

const longestIdToken = 16_384;
const longestAttestation = 2000;

const instant: FieldCheck = (value) =>
  text(40)(value) ??
  (readInstant(value as string) !== undefined
    ? undefined
    : 'must be a time with its zone, such as "2026-06-01T12:00:00.123Z"');

/** A string with the colon after it, if it is a name; a bracket; or a number. */
const parts = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]|(?<number>-?\d[^\s,\]}]*)/g;

/**
 * The numbers in a member of a JSON text, however deep, as they are written: a parser may have rounded them.
 * @param json what JSON's parser has accepted
 * @param path the names that lead to the member, through objects only
 */
const numbersWithin = (json: string, path: readonly string[]): string[] => {
  const names: (string | undefined)[] = [];
  const numbers: string[] = [];
  for (const { 0: part, groups } of json.matchAll(parts)) {
    const { colon, number } = groups ?? {};
    if (part === '{' || part === '[') names.push(undefined);
    else if (part === '}' || part === ']') names.pop();
    else if (colon !== undefined) names[names.length - 1] = JSON.parse(part.slice(0, -colon.length)) as string;
    else if (number !== undefined && path.every((name, level) => names[level] === name)) numbers.push(number);
  }
  return numbers;
};

const deepestAttestation = 10;

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));

/** JSON is written from it, which takes the stack as deep as the value is. */
const smallEnough: FieldCheck = (value) => {
  if (isDeeper(value, deepestAttestation)) return `is nested more than ${deepestAttestation} deep`;
  return JSON.stringify(value).length > longestAttestation
    ? `has more than ${longestAttestation} characters`
    : undefined;
};

const hasNamesAlike = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  // Through upper case too, since a reader that ignores case may treat `ſ` as `s`, and `ı` as `i`.
  const names = Object.keys(value).map((name) => name.toUpperCase().toLowerCase());
  return new Set(names).size < names.length || Object.values(value).some(hasNamesAlike);
};

/** A payer that does not look at letter case would take either of the two. */
const namesDiffer: FieldCheck = (value) =>
  hasNamesAlike(value) ? 'has two names that differ only in letter case' : undefined;

const hasOddText = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flat().some(hasOddText)
    : typeof value === 'string' && !isPlainText(value);

const plainText: FieldCheck = (value) =>
  hasOddText(value) ? 'has a control character, or half of a character' : undefined;

const attestation: FieldCheck = (value) =>
  objectOf({ user_action: oneOf('approved'), user_action_timestamp: instant })(value) ??
  smallEnough(value) ??
  namesDiffer(value) ??
  plainText(value);

const checks = {
  version: oneOf('1'),
  purpose_of_use: oneOf('PATRQT'),
  id_token: text(longestIdToken),
  consent_policy: optional((value) => listOf(text(2000), 20)(value) ?? plainText(value)),
  consent_attestation: attestation,
} as const;

const known = [...Object.keys(checks), 'extensions', 'cms_smart', 'user_action', 'user_action_timestamp'];
const claimNames = ['iss', 'sub', 'aud', 'jti', 'exp', 'iat', 'nbf', 'typ', 'alg', 'kid'];

/** @throws GatewayError `invalid_request` if the payer wants policies, and the assertion names none or another */
const checkPolicies = ({ consentPolicies }: IdentitySignIn, policies: readonly string[]): void => {
  if (consentPolicies === undefined) return;
  if (policies.length > 0 && policies.every((policy) => consentPolicies.includes(policy))) return;
  throw new GatewayError(
    'invalid_request',
    `cms_smart: consent_policy must name policies of this health plan only: ${consentPolicies.join(', ')}.`,
    { detail: 'cms_smart: consent_policy is missing or another' },
  );
};

/** @throws GatewayError `invalid_request` if a number of the attestation would be written to the payer as another, or otherwise */
const checkNumbers = (jwt: string): void => {
  const claims = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8');
  const numbers = numbersWithin(claims, ['extensions', 'cms_smart', 'consent_attestation']);
  if (numbers.every((number) => JSON.stringify(Number(number)) === number)) return;
  throw new GatewayError(
    'invalid_request',
    'cms_smart: consent_attestation has a number that cannot be passed on as it is written; write it shorter, such as 1 for 1.0, or as text.',
  );
};

/**
 * Reads `extensions.cms_smart` of the partner's assertion. The gateway passes it on to the payer, so it refuses fields that
 * it does not know.
 * @throws GatewayError `invalid_request`
 */
export const readCmsSmart = ({ jwt, claims }: Assertion, accepted: IdentitySignIn): CmsSmart => {
  // Only to refuse duplicate fields: the signature has already been verified.
  takeApart('The client assertion', jwt, [...known, ...claimNames]);
  requireFields('The client assertion', claims, { extensions: objectOf({ cms_smart: objectOf({}) }) });
  const { cms_smart: cmsSmart } = claims['extensions'] as { readonly cms_smart: JsonObject };
  requireFields('cms_smart', cmsSmart, checks);
  if (Object.keys(cmsSmart).some((name) => !Object.hasOwn(checks, name))) {
    throw new GatewayError(
      'invalid_request',
      `cms_smart has a member that is not known; it may have ${Object.keys(checks).join(', ')}.`,
    );
  }
  checkNumbers(jwt);
  const { id_token: idToken, consent_policy: policies = [], consent_attestation: attested } = cmsSmart;
  checkPolicies(accepted, policies as string[]);
  if (!isObject(attested)) throw new TypeError('the check of consent_attestation let it through');
  return {
    idToken: idToken as string,
    attestedAtMs: Date.parse(attested['user_action_timestamp'] as string),
    attestation: attested,
    policies: policies as string[],
  };
};
