import type { JWTPayload } from 'jose';
import { badRequest, oauthError } from './refusal.ts';
import { readSigned, type NamedKey } from './signed.ts';

/** The part of the client assertion that concerns the member. */
interface CmsSmart {
  readonly version?: unknown;
  readonly purpose_of_use?: unknown;
  readonly id_token?: unknown;
  readonly consent_policy?: unknown;
  readonly consent_attestation?: { readonly user_action?: unknown; readonly user_action_timestamp?: unknown };
}

export interface AssertionRules {
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly keys: readonly NamedKey[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long ago the member may have agreed, in seconds. */
  readonly consentSeconds: number;
  /** @throws Refusal if this `jti` has already been used */
  readonly spend: (claims: JWTPayload) => void;
}

/** Checks the client assertion, and returns the id token that it carries. @throws Refusal, or the library's own error */
export const readAssertion = async (assertion: string, rules: AssertionRules): Promise<string> => {
  const claims = await readSigned(assertion, rules.keys, {
    algorithms: ['RS384', 'ES384'],
    issuer: rules.clientId,
    audience: rules.tokenEndpoint,
    requiredClaims: ['iss', 'sub', 'aud', 'jti', 'exp', 'extensions'],
    clockTolerance: 300,
    currentDate: new Date(rules.now()),
  });
  rules.spend(claims);
  if ((claims.exp ?? 0) - rules.now() / 1000 > 300) throw badRequest();
  if (claims.iss !== claims.sub) throw badRequest();
  const { cms_smart: smart } = claims['extensions'] as { readonly cms_smart?: CmsSmart };
  if (smart?.version !== '1' || smart.purpose_of_use !== 'PATRQT') throw badRequest();
  if (typeof smart.id_token !== 'string' || smart.id_token === '') throw badRequest();
  checkConsent(smart, rules);
  return smart.id_token;
};

/** What the member agreed to, where the app says so: the CMS specification has it, Blue Button does not look at it. */
const checkConsent = (
  { consent_policy: policy, consent_attestation: attestation }: CmsSmart,
  { now, consentSeconds }: AssertionRules,
): void => {
  if (policy !== undefined && !(Array.isArray(policy) && policy.every((url) => URL.canParse(String(url))))) {
    throw badRequest();
  }
  if (attestation === undefined) return;
  const atMs = momentOf(attestation.user_action_timestamp);
  if (attestation.user_action !== 'approved' || Number.isNaN(atMs)) throw badRequest();
  if (now() - atMs > consentSeconds * 1000) throw oauthError(400, 'consent_expired');
};

const momentOf = (timestamp: unknown): number =>
  typeof timestamp === 'number' ? timestamp * 1000 : typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
