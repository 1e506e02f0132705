// A sign-in for a page in the browser: PKCE, state and the way back in one call. Copy it; it needs nothing else.
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const key = (state) => `sign-in ${state}`;

/** Sends the member to sign in. Call it again on the page at `redirectUri`: there it returns the token answer. */
export const signIn = async ({ base, clientId, redirectUri, scope = 'launch/patient patient/*.rs offline_access' }) => {
  const back = new URLSearchParams(location.search);
  if (back.has('state')) history.replaceState(null, '', location.pathname); // The code leaves the address bar.
  const smart = await (await fetch(`${base}/.well-known/smart-configuration`)).json();
  if (!back.has('state')) {
    const [state, verifier] = [random(), random()];
    sessionStorage.setItem(key(state), verifier);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    const challenge = { code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: 'S256' };
    const asked = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, state, aud: base };
    location.assign(`${smart.authorization_endpoint}?${new URLSearchParams({ ...asked, ...challenge })}`);
    return new Promise(() => {}); // The page is left.
  }
  const code_verifier = sessionStorage.getItem(key(back.get('state')));
  sessionStorage.removeItem(key(back.get('state')));
  if (code_verifier === null || back.get('iss') !== base) throw new Error('No sign-in of this tab has this answer.');
  if (back.has('error')) throw new Error(`${back.get('error')}: ${back.get('error_description')}`);
  const form = { grant_type: 'authorization_code', code: back.get('code'), redirect_uri: redirectUri, code_verifier };
  const body = new URLSearchParams({ ...form, client_id: clientId });
  const answer = await fetch(smart.token_endpoint, { method: 'POST', body });
  const tokens = await answer.json();
  if (!answer.ok) throw new Error(`${tokens.error}: ${tokens.error_description}`);
  return tokens;
};
