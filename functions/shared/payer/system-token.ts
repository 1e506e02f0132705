import { nowSeconds } from '../clock.ts';
import type { FormerPlan } from '../registry/former-plan.ts';
import { requestWithAssertion, type PayerClientDeps } from './client.ts';
import { PayerError } from './errors.ts';
import type { ReadPayerSecret } from './secrets.ts';

/** What a system token at a payer needs. The secret is that of the exchange's own client. */
export interface SystemTokenDeps extends Omit<PayerClientDeps, 'readPayerSecret'> {
  readonly readExchangeSecret: ReadPayerSecret;
}

/** A token is not used in its last 30 seconds or, if it is short-lived, in the last half of its life. */
const reserveSeconds = 30;

/** A payer that names no lifetime is asked again after this many seconds: SMART Backend Services recommends 300. */
const assumedLife = 300;

/**
 * Asks a former plan for a token of the gateway's own, with SMART Backend Services
 * (https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html). If the plan refuses the client, it is asked once more
 * with a fresh secret: the key may have been rotated.
 * @throws PayerError, or GatewayError if the secret is missing
 */
const requestSystemToken = async (deps: SystemTokenDeps, plan: FormerPlan) => {
  const { clientId, assertionAlgorithm, scopes, tokenEndpoint = plan.tokenEndpoint } = plan.exchange;
  const request = async (fresh: boolean) =>
    requestWithAssertion({ ...deps, readPayerSecret: deps.readExchangeSecret }, plan, {
      clientId,
      tokenEndpoint,
      algorithm: assertionAlgorithm,
      scopes,
      secret: await deps.readExchangeSecret(plan.id, { fresh }),
    });
  const { accessToken, expiresAt, problem } = await request(false).catch((error: unknown) => {
    if (error instanceof PayerError && error.failure === 'invalid_client') return request(true);
    throw error;
  });
  if (accessToken === undefined) throw new PayerError('nonsense', String(problem));
  return { accessToken, expiresAt };
};

/** The gateway's own access tokens for former plans, kept only in the memory of this process. */
export interface SystemTokens {
  /** A token that does not end soon, if there is one already. */
  readonly known: (plan: FormerPlan) => string | undefined;
  /** A token that does not end soon. @throws PayerError, or GatewayError if the secret is missing */
  readonly get: (plan: FormerPlan) => Promise<string>;
  /** Forgets a token that the plan refused, unless another one has taken its place. */
  readonly forget: (plan: FormerPlan, accessToken: string) => void;
}

/** Keeps the token of each plan until shortly before it ends. */
export const systemTokens = (deps: SystemTokenDeps): SystemTokens => {
  const kept = new Map<string, { readonly accessToken: string; readonly until: number }>();
  const known = ({ id }: FormerPlan): string | undefined => {
    const last = kept.get(id);
    return last !== undefined && nowSeconds(deps.clock) < last.until ? last.accessToken : undefined;
  };
  return {
    known,
    get: async (plan) => {
      const last = known(plan);
      if (last !== undefined) return last;
      const now = nowSeconds(deps.clock);
      const { accessToken, expiresAt = now + assumedLife } = await requestSystemToken(deps, plan);
      kept.set(plan.id, { accessToken, until: expiresAt - Math.min(reserveSeconds, (expiresAt - now) / 2) });
      return accessToken;
    },
    forget: ({ id }, accessToken) => {
      if (kept.get(id)?.accessToken === accessToken) kept.delete(id);
    },
  };
};
