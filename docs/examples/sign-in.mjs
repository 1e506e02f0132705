// A sign-in for a page in the browser: PKCE, state and the way back in one call. Copy it; it needs nothing else.
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const key = (state) => `sign-in ${state}`;

/**
 * Sends the member to sign in. Call it again on the page at `redirectUri`: there it returns the token answer. With `popup`
 * this page stays: the member signs in in a window, which closes, and it is this call that returns. Call it in the click's
 * handler, before any `await`, or the browser blocks the window. Throws an error with the gateway's words, or if the member closes the window.
 */
export const signIn = async ({ base: given, clientId, redirectUri, popup = false, ...more }) => {
  const base = given.replace(/\/+$/, '');
  const { scope = 'launch/patient patient/*.rs offline_access' } = more;
  let back = new URLSearchParams(location.search);
  const isBack = back.has('state');
  const opened = popup && !isBack ? window.open('', '', 'popup,width=480,height=720') : undefined;
  if (isBack) history.replaceState(null, '', location.pathname); // The code leaves the address bar.
  const smart = await ask(`${base}/.well-known/smart-configuration`).catch((error) => {
    opened?.close();
    throw error;
  });
  let code_verifier;
  if (isBack) {
    code_verifier = sessionStorage.getItem(key(back.get('state')));
    sessionStorage.removeItem(key(back.get('state')));
    if (popup && code_verifier === null) await passOn(back); // This is the window.
  } else {
    const state = random();
    code_verifier = random();
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code_verifier));
    const challenge = { code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: 'S256' };
    const asked = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, state, aud: base };
    const url = `${smart.authorization_endpoint}?${new URLSearchParams({ ...asked, ...challenge })}`;
    if (opened) back = await answerFrom(opened, url, state);
    else {
      sessionStorage.setItem(key(state), code_verifier);
      location.assign(url);
      return new Promise(() => {}); // The page is left.
    }
  }
  if (code_verifier === null || back.get('iss') !== base) throw new Error('No sign-in of this tab has this answer.');
  if (back.has('error')) throw new Error(`${back.get('error')}: ${back.get('error_description')}`);
  const form = { grant_type: 'authorization_code', code: back.get('code'), redirect_uri: redirectUri, code_verifier };
  const body = new URLSearchParams({ ...form, client_id: clientId });
  return ask(smart.token_endpoint, { method: 'POST', body });
};

/** Returns the gateway's answer. If that is an error, throws one with its words. */
const ask = async (...asked) => {
  const answer = await fetch(...asked);
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error}: ${body.error_description}`);
  return body;
};

// Only pages of this origin hear a channel. `window.opener` would not do: a payer's page may cut it off.
const answerFrom = (opened, url, state) =>
  new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(key(state));
    const end = (settle, value) => {
      clearInterval(watch);
      channel.close();
      settle(value);
    };
    // A window that was cut off by a page in it looks closed, too. But then that window has the focus, not this page.
    const watch = setInterval(() => {
      if (opened.closed && document.hasFocus())
        end(reject, new Error('The window was closed before the sign-in ended.'));
    }, 500);
    channel.addEventListener('message', ({ data }) => {
      channel.postMessage('heard');
      end(resolve, new URLSearchParams(data));
    });
    opened.location.replace(url);
  });

/** Gives the answer to the page that waits for it, and closes this window. Returns if no page waits. */
const passOn = (back) =>
  new Promise((resolve) => {
    const channel = new BroadcastChannel(key(back.get('state')));
    const unheard = setTimeout(() => resolve(channel.close()), 1000);
    channel.addEventListener('message', () => {
      clearTimeout(unheard);
      window.close();
    });
    channel.postMessage(back.toString());
  });
