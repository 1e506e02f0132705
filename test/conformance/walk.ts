import { begin, comeBack, introspect, login, postAs, read, redeem, refresh, tokensOf } from './client.ts';
import type { WorldTarget } from './target.ts';

/** Every step of a member's connection, and its end. Returns the secrets that appeared on the way. */
export const walk = async (target: WorldTarget): Promise<string[]> => {
  const begun = await begin(target, { state: 'state-canary-of-the-walk' });
  const back = await comeBack(begun);
  const logged = await login(target);
  const first = await tokensOf(await redeem(target, logged));
  await read(target, '/Patient?name=Canary-Of-A-Name', first.access_token);
  const second = await tokensOf(await refresh(target, first.refresh_token));
  await introspect(target, second.access_token);
  await postAs(target, target.portal, 'revoke', { token: second.refresh_token });
  const code = new URL(back.headers.get('location') ?? '').searchParams.get('code') ?? '';
  const [, cookie = ''] = begun.cookie.split('=');
  return [
    begun.state,
    cookie,
    code,
    logged.code,
    logged.verifier,
    first.access_token,
    first.refresh_token,
    second.access_token,
  ];
};
