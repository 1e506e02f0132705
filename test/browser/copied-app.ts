import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memberNamed } from '../../sandbox/sign-in/member.ts';
import { signInThroughGateway } from '../../sandbox/sign-in/through-gateway.ts';
import type { LocalStack } from '../../sandbox/stack.ts';

const root = join(import.meta.dirname, '../..');

/** The partner app's folder alone, elsewhere. */
export const copiedApp = (running: () => LocalStack): void => {
  describe('the sample app’s folder, copied elsewhere', () => {
    it('starts with nothing but its packages and the environment, and shows a member’s record', async () => {
      const { urls } = running();
      const folder = mkdtempSync(join(tmpdir(), 'partner-app-'));
      cpSync(join(root, 'sandbox/partner'), folder, { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
      const app = spawn(process.execPath, ['main.ts'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          GATEWAY: urls.gateway,
          CLIENT_ID: 'demo-partner',
          CLIENT_SECRET: 'demo-partner-secret',
          PAYERS: 'demo-health-plan=Demo Health Plan',
          PORT: '0',
          // The redirect URI that the gateway knows. What would come back there goes to the copy, below.
          PUBLIC_ORIGIN: urls.partner,
        },
      });
      try {
        const [line] = (await once(app.stdout, 'data')) as [Buffer];
        const [url = ''] = /http:\/\/localhost:\d+/.exec(line.toString()) ?? [];
        const begun = await fetch(`${url}/connect/demo-health-plan`, { redirect: 'manual' });
        const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? '';
        const back = new URL(await signInThroughGateway(begun.headers.get('location') ?? '', memberNamed('clinical')));
        expect(back.origin).toBe(urls.partner);
        const record = await fetch(url + back.pathname + back.search, { redirect: 'manual', headers: { cookie } });
        const renewed = record.headers.getSetCookie()[0]?.split(';')[0] ?? '';
        const page = await fetch(url + (record.headers.get('location') ?? ''), { headers: { cookie: renewed } });

        expect(await page.text()).toContain('Mayte822 Venegas795');
        for (const file of ['/uplot.js', '/app/fhir-client.js']) expect((await fetch(url + file)).status).toBe(200);
      } finally {
        const exited = once(app, 'exit');
        app.kill('SIGTERM');
        expect(await exited).toEqual([0, null]);
        rmSync(folder, { recursive: true });
      }
    });

    it('says what to set if it is started without settings', async () => {
      const app = spawn(process.execPath, ['main.ts'], { cwd: join(root, 'sandbox/partner'), env: {} });
      const [[words], [code]] = (await Promise.all([once(app.stderr, 'data'), once(app, 'exit')])) as [
        [Buffer],
        [number],
      ];

      expect(words.toString()).toBe('GATEWAY is not set. Set it, for example GATEWAY=http://localhost:3000\n');
      expect(code).toBe(1);
    });
  });
};
