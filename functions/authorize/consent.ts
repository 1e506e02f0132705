import { base64url } from '../shared/base64url.ts';
import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { ApiEvent, ApiResponse, RequestParameters } from '../shared/http/api.ts';
import { hostCookie, readCookies } from '../shared/http/cookies.ts';
import { isFromElsewhere } from '../shared/http/is-from-elsewhere.ts';
import { cspSource } from '../shared/pages/csp-source.ts';
import { page } from '../shared/pages/page.ts';
import type { PageDeps } from '../shared/pages/settings.ts';
import { languageParameter, ownFields, viewOf, type PageView } from '../shared/pages/view.ts';
import type { CheckedRequest } from '../shared/partner/check-authorize-request.ts';
import type { CheckedClient } from '../shared/partner/check-client.ts';
import { latestEnd, pageLivesSeconds } from '../shared/partner/latest-end.ts';
import { authorizeUrl, connectionsUrl } from '../shared/registry/urls.ts';
import { writeScopes } from '../shared/scopes/scopes.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import { consentContent, consentStyles, type ConsentQuestion } from './consent-page.ts';
import { consentWords } from './consent-words.ts';

const cookieName = 'p2p-consent';

const knownToken = (event: ApiEvent): string | undefined =>
  readCookies(event)
    .get(`__Host-${cookieName}`)
    ?.match(/^[A-Za-z0-9_-]{43}$/)?.[0];

/**
 * Whether this is the returned consent form and the member allows; false if the page must still be shown. A
 * double-submit token proves that the form is ours, since under `no-referrer` a form's `Origin` is `null`.
 * @throws GatewayError `access_denied` if the member refuses, `invalid_request` for a form that is not ours
 */
export const checkConsent = (event: ApiEvent, { values }: RequestParameters): boolean => {
  const decision = values.get(ownFields.decision);
  if (event.httpMethod !== 'POST' || decision === undefined) return false;
  const token = isFromElsewhere(event) ? undefined : knownToken(event);
  if (token === undefined || !sameHash(sha256(token), sha256(values.get(ownFields.token) ?? ''))) {
    throw new GatewayError('invalid_request', 'The consent page was out of date. Please start again.');
  }
  if (decision !== 'allow') throw new GatewayError('access_denied', 'The member did not agree.');
  return true;
};

/** The host of a web address; undefined for a native app's own scheme, whose host, if any, names nothing to a member. */
const siteOf = (uri: string): string | undefined => {
  const { protocol, host } = new URL(uri);
  return /^https?:$/.test(protocol) ? host : undefined;
};

type Asking = Deps & PageDeps;

/** What the page asks, as of a time. @param at epoch seconds */
const questionAt = (
  { registry, origin }: Asking,
  { partner, payer, returnTo }: CheckedClient,
  { scope, refreshable }: CheckedRequest,
  at: number,
): Omit<ConsentQuestion, 'fields'> => ({
  partner,
  payer,
  scope,
  endsAt: latestEnd({ registry, clock: { now: () => at * 1000, monotonic: () => 0 } }, payer, refreshable),
  readsOnceFor: refreshable ? undefined : registry.lifetimes.accessToken,
  returnsTo: siteOf(returnTo.redirectUri) ?? partner.name,
  action: authorizeUrl(origin, payer.id),
  stopAt: payer.patientFrom === 'none' ? undefined : connectionsUrl(origin, payer.id),
});

/** Names what a page showed and when, in a way that only a browser with its token can. */
const shownAs = (
  view: PageView,
  { partner, returnTo }: CheckedClient,
  question: Omit<ConsentQuestion, 'fields'>,
  { token, at }: { readonly token: string; readonly at: number },
): string => {
  const { html } = consentContent(view, { ...question, fields: [] });
  const scope = writeScopes(question.scope);
  return `${at}.${sha256(JSON.stringify([token, at, partner.clientId, returnTo.redirectUri, scope, html]))}`;
};

/**
 * Whether the member was asked for exactly what would be granted now, and not longer ago than a page lives. The config may
 * have changed while the page was open.
 */
export const wasShown = (
  deps: Asking,
  event: ApiEvent,
  { values }: RequestParameters,
  client: CheckedClient,
  request: CheckedRequest,
): boolean => {
  const shown = values.get(ownFields.shown) ?? '';
  const at = Number(/^\d{1,12}(?=\.)/.exec(shown)?.[0]);
  if (!(nowSeconds(deps.clock) - at <= pageLivesSeconds)) return false;
  const now = questionAt(deps, client, request, at);
  return sameHash(shown, shownAs(viewOf(deps.pages, event), client, now, { token: knownToken(event) ?? '', at }));
};

/**
 * The page that asks the member before the payer does, since the payer's own page names only the gateway. It is
 * stateless: the form carries the request's parameters and a digest of what was shown, and all is checked again when it
 * returns.
 */
export const askForConsent = (
  deps: Asking,
  event: ApiEvent,
  client: CheckedClient,
  request: CheckedRequest,
  { changed }: { readonly changed: boolean },
): ApiResponse => {
  const { partner, payer, returnTo } = client;
  const view = viewOf(deps.pages, event);
  // Tabs share the token, so a second tab does not break the first.
  const token = knownToken(event) ?? base64url(deps.randomBytes(32));
  const at = nowSeconds(deps.clock);
  const question = questionAt(deps, client, request, at);
  const own: [string, string][] = [
    [languageParameter, view.language],
    [ownFields.token, token],
    [ownFields.shown, shownAs(view, client, question, { token, at })],
  ];
  const formTargets = [payer.authorizationEndpoint, returnTo.redirectUri, ...payer.quirks.signInOrigins].map(cspSource);
  const answer = page(view, {
    title: consentWords[view.language].title(partner.name),
    content: consentContent(view, { ...question, changed, fields: [...view.pairs, ...own] }),
    styles: consentStyles,
    images: partner.logo !== undefined,
    // Chrome applies form-action to the redirects that follow the form.
    formAction: `'self' ${[...new Set(formTargets)].join(' ')}`,
  });
  return { ...answer, multiValueHeaders: { 'Set-Cookie': [hostCookie(cookieName, token, pageLivesSeconds)] } };
};
