import { base64url, nowSeconds, type Deps } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import type { ApiEvent, ApiResponse, RequestParameters } from '../shared/http/api.ts';
import { hostCookie, readCookies } from '../shared/http/cookies.ts';
import { html, page, type Html } from '../shared/http/page.ts';
import { grantLifetime } from '../shared/registry/profile.ts';
import { anyType } from '../shared/registry/resource-types.ts';
import { hasWord, type Scopes } from '../shared/registry/scopes.ts';
import type { Payer } from '../shared/registry/types.ts';
import { authorizeUrl } from '../shared/registry/urls.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import type { CheckedRequest } from './check-authorize-request.ts';
import type { CheckedClient } from './check-client.ts';

const cookieName = 'p2p-consent';
const formToken = 'consent_token';
const decisionField = 'decision';
/** How long a person may look at the page. */
const pageLivesSeconds = 1800;

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
  const decision = values.get(decisionField);
  if (event.httpMethod !== 'POST' || decision === undefined) return false;
  const token = knownToken(event);
  if (token === undefined || !sameHash(sha256(token), sha256(values.get(formToken) ?? ''))) {
    throw new GatewayError('invalid_request', 'The consent page was out of date. Please start again.');
  }
  if (decision !== 'allow') throw new GatewayError('access_denied', 'The member did not agree.');
  return true;
};

const sentences = (scopes: Scopes): Html => {
  const types = scopes.flatMap((scope) => (scope.kind === 'resource' ? scope.type : []));
  const readable = types.includes(anyType)
    ? 'your health record, all of it'
    : `from your health record: ${types.join(', ')}`;
  const keeps = hasWord(scopes, 'offline_access') ? html`<li>keep reading it when you are not signed in</li>` : '';
  return html`<li>read ${readable}</li>${keeps}`;
};

/** Members of other plans are refused only after they have signed in. */
const plans = ({ displayName, linesOfBusiness }: Payer): Html | '' =>
  linesOfBusiness === undefined
    ? ''
    : html`<p>At ${displayName} this works for members of: ${linesOfBusiness.join(', ')}.</p>
`;

/** A CSP source. A native app's own scheme has no origin. */
const source = (url: string): string => {
  const { origin, protocol } = new URL(url);
  return origin === 'null' ? protocol : origin;
};

/**
 * The page that asks the member before the payer does, since the payer's own page names only the gateway. It is
 * stateless: the form carries the request's parameters, and they are checked again when it returns.
 */
export const askForConsent = (
  { clock, origin, randomBytes, registry }: Deps,
  event: ApiEvent,
  { partner, payer, returnTo }: CheckedClient,
  { scope }: CheckedRequest,
  { values }: RequestParameters,
): ApiResponse => {
  // Tabs share the token, so a second tab does not break the first.
  const token = knownToken(event) ?? base64url(randomBytes(32));
  const endsAt = new Date((nowSeconds(clock) + grantLifetime(registry.lifetimes, payer)) * 1000);
  const until = endsAt.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
  const carried = [...values].filter(([name]) => name !== decisionField && name !== formToken);
  const fields = [...carried, [formToken, token] as const].map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
  const formTargets = [payer.authorizationEndpoint, returnTo.redirectUri, ...payer.quirks.signInOrigins].map(source);
  const returnHost = new URL(returnTo.redirectUri).host || partner.name;
  const answer = page(
    200,
    `Share your record with ${partner.name}?`,
    html`<p><strong>${partner.name}</strong> asks for your health record at <strong>${payer.displayName}</strong>.
If you allow it, it may:</p>
<ul>${sentences(scope)}</ul>
${plans(payer)}<p>This ends on ${until} at the latest. Next, ${payer.displayName} will ask you to sign in.</p>
<form method="post" action="${authorizeUrl(origin, payer.id)}">${fields}
<button name="${decisionField}" value="allow">Allow</button>
<button name="${decisionField}" value="deny">Do not allow</button></form>
<p><small>You will return to ${returnHost}.</small></p>`,
    // Chrome applies form-action to the redirects that follow the form.
    `'self' ${[...new Set(formTargets)].join(' ')}`,
  );
  return { ...answer, multiValueHeaders: { 'Set-Cookie': [hostCookie(cookieName, token, pageLivesSeconds)] } };
};
