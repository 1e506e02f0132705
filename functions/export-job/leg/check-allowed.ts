import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { mayReadFrom } from '../../shared/registry/profile.ts';
import type { Partner, Payer } from '../../shared/registry/types.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import { stateOf, usualTimes } from '../../shared/store/breaker-item.ts';
import { readBreaker } from '../../shared/store/breakers.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { getLiveScope } from '../../shared/store/grants.ts';
import type { JobDeps } from '../job/deps.ts';
import type { NeverReason } from '../job/log.ts';

/** Whether an export may read now. */
export type Allowed =
  /** @property granted what the payer has left of the grant's scope */
  | { readonly kind: 'yes'; readonly partner: Partner; readonly payer: Payer; readonly granted: Scopes }
  /** Not now: an operator paused the payer, or the payer does not answer. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly why: 'payerPaused' | 'payerDown' }
  /** Never again, and no one may download what was read. */
  | { readonly kind: 'never'; readonly why: NeverReason };

/** What an export that may read now may read. */
export type Permitted = Extract<Allowed, { kind: 'yes' }>;

/** The longest wait before checking a paused payer again, in seconds. */
const longestWait = 900;

const findPartner = async ({ registry }: JobDeps, clientId: string): Promise<Partner | 'blocked' | undefined> => {
  try {
    return await registry.partner(clientId);
  } catch (error) {
    if (error instanceof GatewayError && error.stop === 'block') return 'blocked';
    throw error;
  }
};

const findPayer = async (
  { registry }: JobDeps,
  id: string,
): Promise<Payer | { readonly pausedSeconds: number } | undefined> => {
  try {
    return await registry.payer(id);
  } catch (error) {
    if (error instanceof GatewayError && error.stop === 'pause')
      return { pausedSeconds: error.retryAfterSeconds ?? 300 };
    throw error;
  }
};

/**
 * How long a payer's breaker still blocks calls, in seconds; 0 if it does not. A half-open breaker lets an export read,
 * since it makes few calls at a time. If the table is unreachable, the job continues, as reads do.
 */
const breakerSeconds = async ({ limits, clock }: JobDeps, payer: string): Promise<number> => {
  const breaker = await readBreaker(limits, payer, { consistent: false }).catch(() => undefined);
  const nowMs = clock.now();
  if (breaker === undefined || stateOf(breaker, nowMs, usualTimes) !== 'open') return 0;
  return Math.max(1, Math.ceil(((breaker.openUntilMs ?? 0) - nowMs) / 1000));
};

/**
 * Whether payer and partner are still registered for exchanges, as whoever began one was.
 * @returns undefined if they are
 */
const whyNoExchange = (partner: Partner, payer: Payer): NeverReason | undefined => {
  if (partner.exchange === undefined) return 'partnerRemoved';
  return payer.exchange === undefined ? 'payerRemoved' : undefined;
};

/**
 * Checks that an export may still read: its grant is live, its partner is registered and not blocked, and its payer is
 * registered, not paused, and not known to be down.
 * @throws GatewayError `temporarily_unavailable`
 */
export const checkAllowed = async (
  deps: JobDeps,
  {
    grantId,
    partner: clientId,
    payer: payerId,
    exchange,
    scope,
  }: Pick<Export, 'grantId' | 'partner' | 'payer' | 'exchange' | 'scope'>,
): Promise<Allowed> => {
  // An exchange has no grant. Its members' consents are checked when the plan is asked and when lines are read.
  const granted = exchange === undefined ? await getLiveScope(deps.grants, grantId, nowSeconds(deps.clock)) : scope;
  if (granted === undefined) return { kind: 'never', why: 'grantEnded' };
  const partner = await findPartner(deps, clientId);
  if (partner === 'blocked') return { kind: 'never', why: 'partnerBlocked' };
  if (partner === undefined || !mayReadFrom(partner, payerId)) return { kind: 'never', why: 'partnerRemoved' };
  const payer = await findPayer(deps, payerId);
  if (payer === undefined) return { kind: 'never', why: 'payerRemoved' };
  if ('pausedSeconds' in payer) {
    return { kind: 'wait', seconds: Math.min(longestWait, payer.pausedSeconds), why: 'payerPaused' };
  }
  const whyNot = exchange === undefined ? undefined : whyNoExchange(partner, payer);
  if (whyNot !== undefined) return { kind: 'never', why: whyNot };
  const seconds = await breakerSeconds(deps, payer.id);
  return seconds > 0 ? { kind: 'wait', seconds, why: 'payerDown' } : { kind: 'yes', partner, payer, granted };
};
