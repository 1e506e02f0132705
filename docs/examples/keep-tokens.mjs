// Keeps a grant's tokens on a server: refreshes before they end, once for all who wait. Copy it; it needs nothing else.

/**
 * `load` and `save` are your store's, for one grant: `{ access_token, refresh_token, endsAt }`, `endsAt` in milliseconds.
 * Returns a `fetch` that sends the access token.
 */
export const keepTokens = ({ tokenEndpoint, clientId, clientSecret, load, save }) => {
  const basic = [clientId, clientSecret].map(encodeURIComponent).join(':');
  const authorization = `Basic ${Buffer.from(basic).toString('base64')}`;
  let refreshing;
  const refresh = async ({ refresh_token }) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token });
    const answer = await fetch(tokenEndpoint, { method: 'POST', headers: { authorization }, body });
    const tokens = await answer.json();
    // `invalid_grant`: send the member through authorize again. All else says nothing about the grant.
    if (!answer.ok) throw Object.assign(new Error(tokens.error_description), { code: tokens.error });
    const kept = { refresh_token, ...tokens, endsAt: Date.now() + tokens.expires_in * 1000 };
    await save(kept); // Before its first use: if this process ends here, the old one still works for a minute.
    return kept;
  };
  const renew = (held) => (refreshing ??= refresh(held).finally(() => (refreshing = undefined)));
  return async (url, { headers, ...options } = {}) => {
    // Whatever a link says: the token is for the gateway only.
    if (new URL(url).origin !== new URL(tokenEndpoint).origin) throw new Error(`Not the gateway's: ${url}`);
    const held = await load();
    const { access_token } = refreshing || held.endsAt - Date.now() < 60_000 ? await renew(held) : held;
    const ask = (token) => {
      const sent = new Headers(headers);
      sent.set('authorization', `Bearer ${token}`);
      return fetch(url, { ...options, headers: sent });
    };
    const answer = await ask(access_token);
    if (answer.status !== 401) return answer;
    const now = await load(); // Another call may have renewed them meanwhile.
    return ask((now.access_token === access_token ? await renew(now) : now).access_token);
  };
};
