import {
  authorize,
  authorizeEndpoint,
  authorizeParameters,
  connect,
  decide,
  post,
  postAs,
  redeem,
  refresh,
  type As,
} from '../../conformance/client.ts';
import type { Change } from '../../support/login/requests.ts';
import { drain, inTurn, pausedPayer, statusAtLast, type Context } from './context.ts';

const large = { 'x-large': 'x'.repeat(11_000) };
const long = 'x'.repeat(70_000);

/** Sends a partner's authorize request by link, or by form. */
const doors = ({
  target,
}: Context): readonly ((change?: Change, as?: As, headers?: Record<string, string>) => Promise<Response>)[] => [
  (change = {}, as = {}, headers = {}) =>
    fetch(`${authorizeEndpoint(target, as)}?${authorizeParameters(target, change, as)}`, {
      redirect: 'manual',
      headers,
    }),
  (change = {}, as = {}, headers = {}) =>
    fetch(authorizeEndpoint(target, as), {
      method: 'POST',
      body: authorizeParameters(target, change, as),
      redirect: 'manual',
      headers,
    }),
];

const driveAuthorize = async (context: Context): Promise<void> => {
  const { target } = context;
  const { asking, onePayer, otherPortal } = target.apps;
  for (const send of doors(context)) {
    await inTurn([
      () => send(),
      () => send({}, { app: asking }),
      () => send({ response_mode: 'fragment' }),
      () => send({ scope: 'openid' }),
      () => send({}, { app: onePayer, payer: 'keyed-health' }),
      () => send({ response_type: 'token' }),
      () => send({}, { payer: pausedPayer }),
      () => send({ client_id: 'nobody' }),
      () => send({}, {}, { 'sec-purpose': 'prefetch' }),
      () => send({}, { app: otherPortal }),
      () => send({}, {}, large),
    ]);
  }
  await drain(doors(context)[1]?.({ state: long }) as Promise<Response>);
  await statusAtLast(async () => decide(await authorize(target, {}, { app: asking }), 'deny'));
};

/** Repeats a public client's refresh more often than it may. */
const repeatRefresh = async ({ target }: Context): Promise<void> => {
  const { app, store } = target;
  const { refresh_token: token } = await connect(target, {}, { app });
  const again = (): Promise<void> => drain(refresh(target, token, {}, { app }));
  await again();
  // On a busy machine the repeats take longer than they are allowed.
  await store.setGrant(token, { rotatedAt: target.now() + 120 });
  for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 10 }, again));
};

const driveToken = async (context: Context): Promise<void> => {
  const { target, blocked, codeOfBlocked } = context;
  const { portal, apps } = target;
  const { refresh_token: ofPatient } = await connect(target, { scope: 'patient/Patient.rs offline_access' });
  await inTurn([
    () => postAs(target, portal, 'token', {}),
    () => refresh(target, ofPatient, { scope: 'patient/*.rs' }),
    () => redeem(target, codeOfBlocked, {}, { app: apps.otherPortal }),
    () => refresh(target, blocked.refresh_token, {}, { app: apps.otherPortal }),
    () => postAs(target, portal, 'token', { grant_type: 'password' }),
    () => postAs(target, portal, 'token', { grant_type: 'refresh_token', refresh_token: 'unknown' }),
    () => post(target, 'token', { grant_type: 'refresh_token' }, large),
    () => post(target, 'token', { client_id: 'nobody', client_secret: 'none' }),
  ]);
  await repeatRefresh(context);
};

const driveTokenJudges = async (context: Context): Promise<void> => {
  const { target, blocked, full, narrow } = context;
  for (const endpoint of ['revoke', 'introspect'] as const) {
    await inTurn([
      () => postAs(target, target.portal, endpoint, {}),
      () => postAs(target, target.portal, endpoint, { token: narrow.access_token }),
      () => postAs(target, target.apps.otherPortal, endpoint, { token: blocked.access_token }),
      () => post(target, endpoint, { client_id: 'nobody', client_secret: 'none', token: full.access_token }),
      () => post(target, endpoint, { token: 'unknown' }, large),
      () => postAs(target, target.portal, endpoint, { token: 'unknown' }),
    ]);
  }
  for (const endpoint of ['token', 'revoke', 'introspect'] as const) {
    await drain(postAs(target, target.portal, endpoint, { token: long }));
  }
};

/** Brings every answer of authorize, token, revoke and introspect. */
export const driveOAuthAnswers = async (context: Context): Promise<void> => {
  await driveAuthorize(context);
  await driveToken(context);
  await driveTokenJudges(context);
};
