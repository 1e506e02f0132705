import { authorize, connect, post, read } from './client.ts';
import { localRequirement, requirement, type Group } from './requirement.ts';
import { baseOf } from './target.ts';

const allowedOrigin = ({ headers }: Response): string | null => headers.get('access-control-allow-origin');

/** What web pages may do. */
export const corsGroup: Group = {
  endpoint: 'CORS',
  requirements: [
    requirement(
      'Fetch §3.2.2',
      "allows a registered page's preflight at the endpoints for partners",
      async (target) => {
        for (const endpoint of ['token', 'revoke', 'introspect']) {
          const headers = { origin: target.app.webOrigin, 'access-control-request-method': 'POST' };
          const response = await fetch(`${target.origin}/oauth2/${endpoint}`, { method: 'OPTIONS', headers });
          expect(response.status).toBe(204);
          expect(allowedOrigin(response)).toBe(target.app.webOrigin);
          expect(response.headers.get('access-control-allow-methods')).toBe('POST, OPTIONS');
          expect(response.headers.get('access-control-allow-headers')).toContain('Authorization');
        }
      },
    ),
    requirement(
      'Fetch §3.2.2',
      "allows a registered page's preflight at the FHIR route, which has no token yet",
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
    requirement(
      'OWASP ASVS 3.4.2',
      'allows no other page to read: unregistered, null, or a look-alike',
      async (target) => {
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
      },
    ),
    requirement('OWASP ASVS 3.4.2', 'never allows a page to send cookies', async (target) => {
      const headers = { origin: target.app.webOrigin };
      for (const response of [
        await post(target, 'token', {}, headers),
        await read(target, '/Patient', undefined, { headers }),
      ]) {
        expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      }
    }),
    requirement('Fetch §3.2.3', 'allows a registered page to read errors as well as successes', async (target) => {
      const headers = { origin: target.app.webOrigin };
      const refused = await post(target, 'token', { client_id: target.app.clientId }, headers);
      const unread = await read(target, '/Patient', undefined, { headers });
      for (const response of [refused, unread]) {
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(allowedOrigin(response)).toBe(target.app.webOrigin);
      }
      expect(unread.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    }),
    requirement('Fetch §3.2.5', 'says that its answers vary by Origin, so no cache mixes them', async (target) => {
      expect((await post(target, 'token', {})).headers.get('vary')).toMatch(/\bOrigin\b/);
      expect((await read(target, '/Patient')).headers.get('vary')).toMatch(/\bOrigin\b/);
    }),
    requirement('OWASP ASVS 3.5', 'allows no page to read the pages and redirects of a login', async (target) => {
      const headers = { origin: target.app.webOrigin };
      const page = await fetch(`${target.origin}/oauth2/callback/${target.payer}`, { headers });
      expect(allowedOrigin(page)).toBeNull();
      expect(allowedOrigin(await authorize(target))).toBeNull();
    }),
    localRequirement('Fetch §3.2.3', 'allows a registered page to read the record', async (target) => {
      const { access_token: token } = await connect(target, {}, { app: target.apps.app });
      const response = await read(target, '/Patient', token, { headers: { origin: target.app.webOrigin } });
      expect(response.status).toBe(200);
      expect(allowedOrigin(response)).toBe(target.app.webOrigin);
    }),
  ],
};
