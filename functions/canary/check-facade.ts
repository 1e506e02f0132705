import { base64url } from '../shared/base64url.ts';
import { payerAuthorizeUrl } from '../shared/payer/authorize-url.ts';
import { readText } from '../shared/payer/read-text.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import { authorizeUrl, callbackUri, facadeBase } from '../shared/registry/urls.ts';
import { sha256 } from '../shared/store/crypto.ts';
import { ask, expectThat, Finding, type CanaryDeps } from './ask.ts';

/** The most bytes read of a discovery document. */
const documentLimitBytes = 256 * 1024;

/**
 * The facade's authorization endpoint, if the discovery document says that it is ours.
 * @throws Finding
 */
export const discover = (deps: CanaryDeps, { id }: Payer): Promise<string> => {
  const url = `${facadeBase(deps.origin, id)}/.well-known/smart-configuration`;
  return ask(deps, { what: 'discovery', url }, async (response) => {
    expectThat(response.status === 200, `status ${response.status}`);
    const document = JSON.parse(String(await readText(response, documentLimitBytes))) as {
      readonly authorization_endpoint?: unknown;
    } | null;
    const ours = authorizeUrl(deps.origin, id);
    expectThat(document?.authorization_endpoint === ours, 'another authorization endpoint');
    return ours;
  });
};

const isOurRequest = (deps: CanaryDeps, payer: Payer, target: URL): boolean => {
  const endpoint = new URL(payer.authorizationEndpoint);
  return (
    target.origin + target.pathname === endpoint.origin + endpoint.pathname &&
    target.searchParams.get('client_id') === payer.clientId &&
    target.searchParams.get('redirect_uri') === callbackUri(deps.origin, payer.id)
  );
};

const random = ({ randomBytes }: CanaryDeps): string => base64url(randomBytes(32));

/** Where our authorize would send a member's browser. */
export const signInUrl = (deps: CanaryDeps, payer: Payer): string =>
  payerAuthorizeUrl(deps.origin, payer, { state: random(deps), verifier: random(deps) });

/**
 * Where authorize sends a member's browser, or would send it if our consent page did not come first.
 * @throws Finding
 */
export const authorize = (deps: CanaryDeps, payer: Payer, partner: Partner, endpoint: string): Promise<string> => {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: partner.clientId,
    redirect_uri: partner.redirectUris[0]!,
    state: random(deps),
    code_challenge: sha256(random(deps)),
    code_challenge_method: 'S256',
  });
  return ask(deps, { what: 'authorize', url: `${endpoint}?${query}` }, ({ status, headers }) => {
    if (partner.consent === 'gateway') {
      expectThat(status === 200, `status ${status} instead of the consent page`);
      return signInUrl(deps, payer);
    }
    expectThat(status >= 300 && status < 400, `status ${status} instead of a redirect`);
    const target = URL.parse(String(headers.get('location')));
    if (target === null || !isOurRequest(deps, payer, target)) throw new Finding('a redirect to somewhere else');
    return target.href;
  });
};
