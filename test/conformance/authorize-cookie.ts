import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalStack } from '../../sandbox/stack.ts';
import { words } from '../support/words.ts';
import { authorizeEndpoint, authorizeParameters, begin, comeBack, locationOf } from './client.ts';
import { inProcesses, onStage, promises, type Requirement } from './requirement.ts';

/** The login cookie. */
export const cookie: readonly Requirement[] = promises({
  'OWASP ASVS 3.3: sets a cookie that is __Host-, Secure, HttpOnly, Lax, at the root, and lives 30 minutes at most':
    onStage(async (target) => {
      const { response } = await begin(target);
      const lines = response.headers.getSetCookie().filter((line) => line.startsWith('__Host-p2p-login-'));
      expect(lines).toHaveLength(1);
      const [pair, ...attributes] = lines[0]?.split('; ') ?? [];
      expect(pair).toMatch(/^__Host-p2p-login-[\w-]+=[\w-]{43}$/);
      const age = attributes.find((attribute) => attribute.startsWith('Max-Age='));
      expect(attributes.filter((attribute) => attribute !== age).sort()).toEqual(
        words('HttpOnly Path=/ SameSite=Lax Secure'),
      );
      expect(Number(age?.slice('Max-Age='.length))).toBeGreaterThan(0);
      expect(Number(age?.slice('Max-Age='.length))).toBeLessThanOrEqual(1800);
    }),
  'OWASP ASVS 3.3: refuses to start with a plain http origin that is not a loopback host': inProcesses(
    async ({ config }) => {
      const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
      try {
        const file = join(folder, 'stage.json');
        await writeFile(file, JSON.stringify({ ...config, origin: 'http://gateway.example.org' }));
        const starting = startLocalStack({ ports: 'free', configFile: file, secretsFile: file });
        await expect(starting).rejects.toThrow(/origin.*plain http/s);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  ),
  'oauth2-proxy #817: lets two tabs of one browser both finish': async (target) => {
    const first = await begin(target, { state: 'first' });
    const second = await begin(target, { state: 'second' });
    const both = `${first.cookie}; ${second.cookie}`;
    for (const [tab, state] of [
      [second, 'second'],
      [first, 'first'],
    ] as const) {
      const back = locationOf(await comeBack({ ...tab, cookie: both }));
      expect(back.searchParams.get('state')).toBe(state);
      expect(back.searchParams.get('code')).toMatch(/^p2pc_/);
    }
  },
  'oauth2-proxy #817: keeps request headers under 10,240 bytes after 60 abandoned logins, and the last one finishes':
    async (target) => {
      const jar = new Map<string, string>();
      const header = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      for (let abandoned = 0; abandoned < 60; abandoned += 1) {
        const url = `${authorizeEndpoint(target)}?${authorizeParameters(target)}`;
        const response = await fetch(url, { redirect: 'manual', headers: { cookie: header() } });
        expect(response.status).toBe(302);
        for (const line of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          if (value === '') jar.delete(name);
          else jar.set(name, value);
        }
      }
      expect(jar.size).toBeLessThanOrEqual(50);
      const begun = await begin(target);
      const cookies = `${header()}; ${begun.cookie}`;
      expect(cookies.length).toBeLessThan(9000);
      expect(locationOf(await comeBack({ ...begun, cookie: cookies })).searchParams.get('code')).toMatch(/^p2pc_/);
    },
});
