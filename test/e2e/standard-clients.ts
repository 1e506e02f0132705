import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { AuthorizationCode } from 'simple-oauth2';
import { readAllPages, walkLogin, type Bundle, type RunningStack } from './support.ts';

let stack: RunningStack;

const payers = ['demo-health-plan', 'northwind'];
const scope = 'launch/patient patient/*.rs offline_access';

/** Reads all Observations with any client's way of sending a token; at least two pages. */
const expectPages = async (base: string, patient: string, read: (url: string) => Promise<Bundle>): Promise<void> => {
  const pages = await readAllPages(`${base}/Observation?patient=${patient}&_count=25`, read);
  expect(pages.length).toBeGreaterThan(1);
  const urls = pages.flatMap(({ entry }) => entry?.map(({ fullUrl }) => fullUrl) ?? []);
  expect(urls.length).toBeGreaterThan(25);
  expect(urls.every((url) => url?.startsWith(`${base}/Observation/`))).toBe(true);
};

/** Tests of a running stack. */
export const standardClients = (running: () => RunningStack): void => {
  beforeAll(() => {
    stack = running();
  });

  describe.each(payers)('openid-client at %s', (payer) => {
    it('discovers, signs in with PKCE, reads, pages, refreshes, introspects and revokes', async () => {
      const base = `${stack.origin}/r4/${payer}`;
      const config = await client.discovery(
        new URL(base),
        'demo-partner',
        undefined,
        client.ClientSecretPost('demo-partner-secret'),
        {
          algorithm: 'oauth2',
          execute: [client.allowInsecureRequests],
        },
      );
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: `${stack.urls.partner}/callback`,
        scope,
        state,
        aud: base,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });

      const back = await walkLogin(url.href);
      const tokens = await client.authorizationCodeGrant(config, back, {
        pkceCodeVerifier: verifier,
        expectedState: state,
      });

      expect(tokens.scope?.split(' ')).toContain('offline_access');
      expect(tokens.expiresIn()).toBeGreaterThan(60);
      const patient = tokens['patient'] as string;
      const read = async (target: string, token = tokens.access_token): Promise<Bundle> => {
        const response = await client.fetchProtectedResource(config, token, new URL(target), 'GET');
        return (await response.json()) as Bundle;
      };
      expect((await read(`${base}/Patient/${patient}`)).resourceType).toBe('Patient');
      await expectPages(base, patient, read);

      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
      expect(refreshed.access_token).not.toBe(tokens.access_token);
      expect((await read(`${base}/Patient`, refreshed.access_token)).resourceType).toBe('Bundle');

      expect(await client.tokenIntrospection(config, refreshed.access_token)).toMatchObject({ active: true, patient });
      await client.tokenRevocation(config, refreshed.refresh_token ?? '');
      await client.tokenRevocation(config, refreshed.refresh_token ?? '');
      expect(await client.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false });
      await expect(read(`${base}/Patient`, refreshed.access_token)).rejects.toMatchObject({ status: 401 });
    });

    it('returns access_denied with its state and iss if the member refuses', async () => {
      const base = `${stack.origin}/r4/${payer}`;
      const query = new URLSearchParams({
        client_id: 'demo-partner',
        redirect_uri: `${stack.urls.partner}/callback`,
        state: 'kept',
      });

      const back = await walkLogin(`${stack.origin}/oauth2/authorize/${payer}?${query}`, undefined, {
        decision: 'deny',
      });

      expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: 'access_denied', state: 'kept', iss: base });
    });
  });

  describe.each(payers)('simple-oauth2 at %s', (payer) => {
    it.each(['strict', 'loose'] as const)(
      'signs in, reads, pages, refreshes and revokes with %s Basic encoding',
      async (mode) => {
        const base = `${stack.origin}/r4/${payer}`;
        const simple = new AuthorizationCode({
          client: { id: 'demo-partner', secret: 'demo-partner-secret' },
          auth: {
            tokenHost: stack.origin,
            tokenPath: '/oauth2/token',
            revokePath: '/oauth2/revoke',
            authorizePath: `/oauth2/authorize/${payer}`,
          },
          options: { credentialsEncodingMode: mode },
        });
        const redirect_uri = `${stack.urls.partner}/callback`;

        const back = await walkLogin(simple.authorizeURL({ redirect_uri, scope, state: 'simple' }));
        const tokens = await simple.getToken({ code: back.searchParams.get('code') ?? '', redirect_uri });
        const read = async (url: string, token: unknown): Promise<Response> =>
          fetch(url, { headers: { authorization: `Bearer ${String(token)}` } });

        expect((await read(`${base}/Patient`, tokens.token['access_token'])).status).toBe(200);
        const patient = tokens.token['patient'] as string;
        await expectPages(base, patient, async (url) => {
          return (await (await read(url, tokens.token['access_token'])).json()) as Bundle;
        });
        const refreshed = await tokens.refresh();
        expect((await read(`${base}/Patient`, refreshed.token['access_token'])).status).toBe(200);
        await refreshed.revokeAll();
        expect((await read(`${base}/Patient`, refreshed.token['access_token'])).status).toBe(401);
      },
    );
  });

  describe.each(payers)('oauth4webapi at %s', (payer) => {
    it('completes RFC 8414 discovery, PKCE, RFC 9207, paging, refresh and revocation as a public client on any loopback port', async () => {
      const base = new URL(`${stack.origin}/r4/${payer}`);
      const insecure = { [oauth.allowInsecureRequests]: true };
      const as = await oauth.processDiscoveryResponse(
        base,
        await oauth.discoveryRequest(base, { algorithm: 'oauth2', ...insecure }),
      );
      const app = { client_id: 'demo-app' };
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const redirectUri = 'http://127.0.0.1:49152/callback';
      const url = new URL(as.authorization_endpoint ?? '');
      url.search = new URLSearchParams({
        client_id: app.client_id,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString();

      const back = await walkLogin(url.href);
      const parameters = oauth.validateAuthResponse(as, app, back, state);
      const answer = await oauth.processAuthorizationCodeResponse(
        as,
        app,
        await oauth.authorizationCodeGrantRequest(as, app, oauth.None(), parameters, redirectUri, verifier, insecure),
      );
      const read = async (token: string, target: string) =>
        oauth.protectedResourceRequest(token, 'GET', new URL(target), undefined, undefined, insecure);
      const readPatient = async (token: string) => read(token, `${base.href}/Patient`);

      expect((await readPatient(answer.access_token)).status).toBe(200);
      await expectPages(base.href, answer['patient'] as string, async (target) => {
        return (await (await read(answer.access_token, target)).json()) as Bundle;
      });
      const refreshed = await oauth.processRefreshTokenResponse(
        as,
        app,
        await oauth.refreshTokenGrantRequest(as, app, oauth.None(), answer.refresh_token ?? '', insecure),
      );
      expect((await readPatient(refreshed.access_token)).status).toBe(200);
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(as, app, oauth.None(), refreshed.access_token, insecure),
      );
      await expect(readPatient(refreshed.access_token)).rejects.toMatchObject({
        cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
      });
    });
  });
};
