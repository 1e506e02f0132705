import { authorize, connect, post, read } from './client.ts';
import { onStage, promises, type Group } from './requirement.ts';
import { baseOf } from './target.ts';

const allowedOrigin = ({ headers }: Response): string | null => headers.get('access-control-allow-origin');

/** What web pages may do. */
export const corsGroup: Group = {
  endpoint: 'CORS',
  requirements: promises({
    "Fetch §3.2.2: allows a registered page's preflight at the endpoints for partners": onStage(async (target) => {
      for (const endpoint of ['token', 'revoke', 'introspect']) {
        const headers = { origin: target.app.webOrigin, 'access-control-request-method': 'POST' };
        const response = await fetch(`${target.origin}/oauth2/${endpoint}`, { method: 'OPTIONS', headers });
        expect(response.status).toBe(204);
        expect(allowedOrigin(response)).toBe(target.app.webOrigin);
        expect(response.headers.get('access-control-allow-methods')).toBe('POST, OPTIONS');
        expect(response.headers.get('access-control-allow-headers')).toContain('Authorization');
      }
    }),
    "Fetch §3.2.2: allows a registered page's preflight at the FHIR route, which has no token yet": onStage(
      async (target) => {
        const headers = {
          origin: target.app.webOrigin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        };
        const response = await fetch(`${baseOf(target)}/Patient`, { method: 'OPTIONS', headers });
        expect(response.status).toBe(204);
        expect(allowedOrigin(response)).toBe(target.app.webOrigin);
        expect(response.headers.get('access-control-allow-methods')).not.toMatch(/PUT|PATCH|DELETE/);
      },
    ),
    'OWASP ASVS 3.4.2: allows no other page to read: unregistered, null, or a look-alike': onStage(async (target) => {
      for (const origin of [
        'https://evil.example',
        'null',
        `${target.app.webOrigin}.evil.example`,
        target.app.webOrigin.toUpperCase(),
      ]) {
        expect(allowedOrigin(await post(target, 'token', {}, { origin }))).toBeNull();
        expect(allowedOrigin(await read(target, '/Patient', undefined, { headers: { origin } }))).toBeNull();
        const preflight = await fetch(`${target.origin}/oauth2/token`, { method: 'OPTIONS', headers: { origin } });
        expect(allowedOrigin(preflight)).toBeNull();
      }
    }),
    'OWASP ASVS 3.4.2: never allows a page to send cookies': onStage(async (target) => {
      const headers = { origin: target.app.webOrigin };
      for (const response of [
        await post(target, 'token', {}, headers),
        await read(target, '/Patient', undefined, { headers }),
      ]) {
        expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      }
    }),
    'Fetch §3.2.3: allows a registered page to read errors as well as successes': onStage(async (target) => {
      const headers = { origin: target.app.webOrigin };
      const refused = await post(target, 'token', { client_id: target.app.clientId }, headers);
      const unread = await read(target, '/Patient', undefined, { headers });
      for (const response of [refused, unread]) {
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(allowedOrigin(response)).toBe(target.app.webOrigin);
      }
      expect(unread.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    }),
    'Fetch §3.2.5: says that its answers vary by Origin, so no cache mixes them': onStage(async (target) => {
      expect((await post(target, 'token', {})).headers.get('vary')).toMatch(/\bOrigin\b/);
      expect((await read(target, '/Patient')).headers.get('vary')).toMatch(/\bOrigin\b/);
    }),
    'OWASP ASVS 3.5: allows no page to read the pages and redirects of a login': onStage(async (target) => {
      const headers = { origin: target.app.webOrigin };
      const page = await fetch(`${target.origin}/oauth2/callback/${target.payer}`, { headers });
      expect(allowedOrigin(page)).toBeNull();
      expect(allowedOrigin(await authorize(target))).toBeNull();
    }),
    'Fetch §3.2.3: allows a registered page to read the record': async (target) => {
      const { access_token: token } = await connect(target, {}, { app: target.apps.app });
      const response = await read(target, '/Patient', token, { headers: { origin: target.app.webOrigin } });
      expect(response.status).toBe(200);
      expect(allowedOrigin(response)).toBe(target.app.webOrigin);
    },
  }),
};
