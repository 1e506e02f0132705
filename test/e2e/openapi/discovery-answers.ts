import { authorizeParameters, type As } from '../../conformance/client.ts';
import type { Change } from '../../support/login/requests.ts';
import { words } from '../../support/words.ts';
import { blockedPartner, inTurn, pausedPayer, statusAtLast, type Context } from './context.ts';

const large = { 'x-large': 'x'.repeat(11_000) };

const documentsOf = (payer: string): readonly string[] =>
  words(`
  /oauth2/jwks/${payer} /.well-known/oauth-authorization-server/r4/${payer}
  /r4/${payer}/.well-known/smart-configuration /r4/${payer}/.well-known/oauth-authorization-server
  /r4/${payer}/metadata
`);

/** Brings every answer of the page and the search where a member chooses a payer. */
const driveConnect = async ({ target }: Context): Promise<void> => {
  const { asking, otherPortal } = target.apps;
  const page =
    (change: Change = {}, as: As = {}, headers: Record<string, string> = {}) =>
    () =>
      fetch(`${target.origin}/connect?${authorizeParameters(target, change, as)}`, { headers, redirect: 'manual' });
  const search =
    (query: string, headers: Record<string, string> = {}) =>
    () =>
      fetch(`${target.origin}/connect/payers?${query}`, { headers });
  const pressed = (payer: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${target.origin}/connections/${payer}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers,
      redirect: 'manual',
    });
  const chosen = { payer: 'clear-health' };
  await inTurn([
    page(),
    page(chosen),
    page(chosen, { app: asking }),
    page({ ...chosen, response_mode: 'fragment' }),
    page({ ...chosen, scope: 'openid' }),
    page({ ...chosen, response_type: 'token' }),
    page({ payer: pausedPayer }),
    page({ client_id: 'nobody' }),
    page({ q: 'x'.repeat(200) }),
    page({}, { app: otherPortal }),
    page({}, {}, large),
    ...['clear-health', 'nobody'].map((payer) => () => fetch(`${target.origin}/connections/${payer}`)),
    () => fetch(`${target.origin}/connections/clear-health`, { headers: large }),
    ...['clear-health', 'nobody'].map((payer) => () => pressed(payer, { act: 'sign-in' })),
    () => pressed('clear-health', { act: 'sign-in', x: 'x'.repeat(70_000) }),
    () => pressed('clear-health', { act: 'sign-in' }, large),
    search('client_id=portal&q=health'),
    search('q=health'),
    search(`client_id=${blockedPartner}`),
    search('client_id=portal', large),
  ]);
};

/** Brings every answer of discovery and of the payer directory. */
export const driveDiscoveryAnswers = async (context: Context): Promise<void> => {
  const { origin } = context.target;
  await driveConnect(context);
  const ask =
    (path: string, headers: Record<string, string> = {}) =>
    () =>
      fetch(`${origin}${path}`, { headers, redirect: 'manual' });
  await inTurn([
    ...documentsOf('clear-health').map((path) => ask(path)),
    ...documentsOf('nobody').map((path) => ask(path)),
    ...documentsOf('clear-health').map((path) => ask(path, large)),
    ...['metadata', '.well-known/smart-configuration', '.well-known/oauth-authorization-server'].map((path) =>
      ask(`/r4/clear-health//${path}`),
    ),
    ask('/'),
    ask('/', large),
    ask('/brands', large),
    ask('/brands?client_id=nobody'),
    ask(`/brands?client_id=${blockedPartner}`),
  ]);
  const brands = await fetch(`${origin}/brands?client_id=portal`);
  await brands.arrayBuffer();
  await statusAtLast(() => ask('/brands?client_id=portal', { 'if-none-match': brands.headers.get('etag') ?? '' })());
};
