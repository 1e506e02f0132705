import { authorize, begin, callback, connect, login, post, postAs, read, redeem, refresh } from './client.ts';
import { expectErrorPage, expectOAuthError, expectOutcome, expectSentBack } from './expectations.ts';
import { promises, type Requirement } from './requirement.ts';
import type { WorldTarget } from './target.ts';

/** Each environment knows of a stop by then, since it keeps an entry for twenty seconds. */
const knownAfterSeconds = 21;

const expectPaused = (response: Response): void => {
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('300');
};

/** Tests a block and a pause together, since each takes up to 30 seconds. */
const stopBoth = async (target: WorldTarget): Promise<void> => {
  const { portal, app } = target;
  const [ofPortal, ofApp] = [await connect(target), await connect(target, {}, { app })];
  const [codeOfPortal, codeOfApp] = [await login(target), await login(target, {}, { app })];
  const begun = await begin(target, {}, { app });
  await target.store.setStop('partner#portal', true);
  await target.store.setStop('payer#clear-health', true);
  try {
    await target.passSeconds(knownAfterSeconds);
    await expectErrorPage(await authorize(target), 403);
    for (const response of [
      await redeem(target, codeOfPortal),
      await refresh(target, ofPortal.refresh_token),
      await postAs(target, portal, 'revoke', { token: ofPortal.access_token }),
      await postAs(target, portal, 'introspect', { token: ofPortal.access_token }),
    ]) {
      await expectOAuthError(response, 400, 'unauthorized_client');
    }
    await expectOutcome(await read(target, '/Patient', ofPortal.access_token), 403);
    // A stranger learns nothing.
    const strange = await post(target, 'token', { client_id: 'portal', client_secret: 'wrong', grant_type: 'x' });
    await expectOAuthError(strange, 401, 'invalid_client');

    expectSentBack(target, await authorize(target, {}, { app }), 'temporarily_unavailable');
    const state = new URL(begun.payerUrl).searchParams.get('state') ?? '';
    const returned = { state, code: 'x', iss: `${target.payers.origin}/clear-health` };
    expectSentBack(target, await callback(target, returned, { cookie: begun.cookie }), 'temporarily_unavailable');
    const [atToken, atRefresh] = [
      await redeem(target, codeOfApp, {}, { app }),
      await refresh(target, ofApp.refresh_token, {}, { app }),
    ];
    for (const response of [atToken, atRefresh]) {
      expectPaused(response);
      await expectOAuthError(response, 503, 'temporarily_unavailable');
    }
    const atRead = await read(target, '/Patient', ofApp.access_token);
    expectPaused(atRead);
    await expectOutcome(atRead, 503);
    expect((await fetch(`${target.origin}/r4/clear-health/.well-known/smart-configuration`)).status).toBe(200);
  } finally {
    await target.store.setStop('partner#portal', false);
    await target.store.setStop('payer#clear-health', false);
    await target.passSeconds(knownAfterSeconds);
  }
  for (const response of [
    await refresh(target, ofPortal.refresh_token),
    await refresh(target, ofApp.refresh_token, {}, { app }),
    await read(target, '/Patient', ofPortal.access_token),
    await read(target, '/Patient', ofApp.access_token),
  ]) {
    expect(response.status).toBe(200);
  }
};

/** What an operator can stop. */
export const stops: readonly Requirement[] = promises({
  'NIST SP 800-53 AC-3(8): refuses a blocked partner and a paused payer on every path within 30 seconds, and uses up no token':
    stopBoth,
});
