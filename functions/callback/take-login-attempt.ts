import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { ApiEvent } from '../shared/http/api.ts';
import { readLoginCookie } from '../shared/partner/login-cookie.ts';
import { trustRedirectUri, type PartnerReturn } from '../shared/partner/redirect-uri.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { mayReadFrom } from '../shared/registry/profile.ts';
import type { Partner } from '../shared/registry/types.ts';
import { facadeBase } from '../shared/registry/urls.ts';
import type { Table } from '../shared/store/dynamo.ts';
import {
  consumeLoginAttempt,
  type Consumption,
  type LoginAttempt,
  type MemberAttempt,
} from '../shared/store/login-attempts.ts';
import type { Callback } from './check-callback.ts';

/** The consumed login attempt of this browser, for an app. */
export interface TakenAttempt {
  readonly purpose?: undefined;
  readonly attempt: LoginAttempt;
  readonly partner: Partner;
  readonly returnTo: PartnerReturn;
}

/** The consumed attempt of a member who signs in for themselves; without one it cannot be used, and the member starts again. */
export interface TakenByMember {
  readonly purpose: 'connections';
  readonly attempt: MemberAttempt | undefined;
}

const expiredSignIn = (backTo: Partner | undefined): GatewayError =>
  new GatewayError('invalid_request', 'This sign-in has expired. Please start again in the app.', {
    detail: 'the login attempt has expired',
    page: 'expired',
    backTo,
  });

const noSuchSignIn = ({ registry }: Pick<Deps, 'registry'>): GatewayError => {
  const minutes = Math.round(registry.lifetimes.loginAttempt / 60);
  return new GatewayError(
    'invalid_request',
    `No sign-in in progress matches this link: it is more than ${minutes} minutes old, or was started with another health plan.`,
    { detail: 'no login attempt of this state at this payer', page: 'expired' },
  );
};

/** Why the attempt of a partner cannot be consumed. The member can go back to that partner's app, if it is registered. */
const refusalOf = async (
  { registry }: Pick<Deps, 'registry'>,
  { outcome }: Pick<Consumption, 'outcome'>,
  partnerId: string,
): Promise<GatewayError> => {
  const backTo = await registry.partner(partnerId, { evenIfBlocked: true });
  if (outcome === 'expired') return expiredSignIn(backTo);
  // A reload, or a step back in the browser: the login is over, whatever its result.
  if (outcome === 'finished') {
    return new GatewayError('invalid_request', 'This sign-in link was already used.', {
      detail: 'login attempt was consumed before',
      page: 'finished',
      backTo,
    });
  }
  return new GatewayError(
    'invalid_request',
    'This sign-in began in another browser, or this browser does not keep cookies. Please start again in the app.',
    { detail: 'login cookie is missing or of another attempt', page: 'otherBrowser', backTo },
  );
};

/**
 * Consumes the login attempt of this state, payer and browser, and looks its partner up in the config again.
 * @param record gets the partner, so that a refusal's log line names it
 * @throws GatewayError `invalid_request`, shown as a page; then nothing is consumed
 */
export const takeLoginAttempt = async (
  deps: Deps & { readonly loginAttempts: Table },
  event: ApiEvent,
  { payer, state }: Callback,
  record: Pick<RequestRecord, 'requestId' | 'partner'>,
): Promise<TakenAttempt | TakenByMember> => {
  const cookie = readLoginCookie(event, state);
  const now = nowSeconds(deps.clock);
  const consumed: Consumption = await consumeLoginAttempt(deps.loginAttempts, {
    state,
    cookie,
    payer: payer.id,
    now,
    requestId: record.requestId,
  });
  if (consumed.outcome === 'unknown') throw noSuchSignIn(deps);
  if (consumed.outcome !== 'consumed') {
    if (consumed.partner === undefined) return { purpose: 'connections', attempt: undefined };
    record.partner = consumed.partner;
    throw await refusalOf(deps, consumed, consumed.partner);
  }
  const { attempt } = consumed;
  if (attempt.purpose === 'connections') return { purpose: 'connections', attempt };
  record.partner = attempt.partner;
  const partner = await deps.registry.partner(attempt.partner);
  const redirectUri = partner && trustRedirectUri(attempt.redirectUri, partner);
  if (partner === undefined || !mayReadFrom(partner, payer.id) || redirectUri === undefined) {
    throw new GatewayError(
      'invalid_request',
      'During the sign-in, the app lost its registration, its redirect URI or its access to this health plan.',
      {
        detail: 'partner left the config during the login',
        page: 'appGone',
      },
    );
  }
  const iss = facadeBase(deps.origin, payer.id);
  return { attempt, partner, returnTo: { redirectUri, state: attempt.partnerState, iss } };
};
