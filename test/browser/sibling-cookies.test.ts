import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { BrowserContext } from 'playwright-core';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import type { ApiResponse } from '../../functions/shared/http/api.ts';
import { selfSigned } from '../bin/certificates.ts';
import { apiEvent, call, cookiesOf } from '../support/gateway.ts';
import { gateway, pkce, sentBack } from '../support/login.ts';
import { launchChromium } from './chromium.ts';

/** A member's browser, the gateway, and another site below the same domain: anyone's who may write cookies for that. */
const [gatewayHost, siblingHost] = ['gateway.plan.example', 'blog.plan.example'];
const ours = { client_id: 'third-party-app', redirect_uri: 'http://localhost:3002/third-party/callback', ...pkce };

const browser = await launchChromium({ args: ['--host-resolver-rules=MAP *.plan.example 127.0.0.1'] });

/** What reached the gateway, and its answer. */
interface Seen {
  readonly call: string;
  readonly cookie: string;
  readonly answer: ApiResponse;
}

/** Both hosts over https. @param hides whether `Sec-Fetch-*` is lost, as from an older browser */
const startHosts = async ({ hides = false } = {}) => {
  const test = gateway();
  const seen: Seen[] = [];
  let siblingPage = '';
  const server = createServer(selfSigned(gatewayHost), async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    if (request.headers.host?.startsWith(siblingHost) === true) {
      response.setHeader('content-type', 'text/html').end(siblingPage);
      return;
    }
    const handler = { authorize, callback }[pathname.split('/')[2] ?? ''];
    if (handler === undefined) {
      response.writeHead(404).end();
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !(hides && name.startsWith('sec-fetch'))),
    ) as Record<string, string>;
    const { method = 'GET' } = request;
    const event = apiEvent(pathname.replace('northwind', '{payer}'), {
      method,
      query: [...searchParams],
      headers,
      path: { payer: 'northwind' },
      ...(method === 'POST' ? { form: await text(request) } : {}),
    });
    const answer = await call(handler, event);
    seen.push({ call: `${method} ${pathname}`, cookie: headers['cookie'] ?? '', answer });
    for (const [name, values] of Object.entries(answer.multiValueHeaders ?? {})) response.setHeader(name, [...values]);
    response.writeHead(answer.statusCode, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `https://${gatewayHost}:${port}`;
  const deps = { ...test.deps, origin };
  const [authorize, callback] = [authorizeHandler(deps), callbackHandler(deps)];
  return {
    ...test,
    origin,
    sibling: `https://${siblingHost}:${port}`,
    seen,
    show: (html: string) => void (siblingPage = html),
    /** What the attacker gets in a browser of its own. */
    attacker: (query: Record<string, string>) =>
      call(
        authorize,
        apiEvent('/oauth2/authorize/{payer}', { query: Object.entries(query), path: { payer: 'northwind' } }),
      ),
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
};

/** A page that smuggles cookies inside the value of one of its own, tries to set them outright, and then goes on. */
const smuggling = (cookies: readonly string[], then: string): string => `<!doctype html><body><script>
for (const cookie of [${JSON.stringify(`theme=a,${cookies.join(', ')}`)}, ...${JSON.stringify(cookies)}]) {
  document.cookie = cookie + '; Domain=plan.example; Path=/; Secure';
}
${then}
</script>`;

if (browser === undefined) it('needs Chromium, which is not installed', () => expect(browser).toBeUndefined());
else {
  describe.each([
    ['', {}],
    [' of a browser that does not say where a form comes from', { hides: true }],
  ])('our cookies inside the value of a sibling domain’s%s', (_, options) => {
    let hosts: Awaited<ReturnType<typeof startHosts>>;
    let context: BrowserContext;

    beforeAll(async () => {
      hosts = await startHosts(options);
    });
    afterAll(() => hosts.close());
    beforeEach(async () => {
      hosts.seen.length = 0;
      context = await browser.newContext({ ignoreHTTPSErrors: true });
    });
    afterEach(() => context.close());

    /** Opens a page, and waits until the gateway has had this request. */
    const open = async (url: string, awaited: string): Promise<Seen> => {
      const page = await context.newPage();
      const answered = page.waitForResponse((answer) => {
        const { pathname } = new URL(answer.url());
        return `${answer.request().method()} ${pathname}` === awaited && answer.url().startsWith(hosts.origin);
      });
      await page.goto(url).catch(() => undefined);
      await answered;
      return hosts.seen.find((one) => one.call === awaited)!;
    };
    const path = '/oauth2/authorize/northwind';

    it('give no consent: the member’s own page does', async () => {
      const page = await hosts.attacker(ours);
      const cookie = cookiesOf(page);
      const fields = [...page.body.matchAll(/<input type="hidden" [^>]*>/g)].join('');
      const form = `<form method="post" action="${hosts.origin}${path}">${fields}<input name="decision" value="allow"></form>`;
      hosts.show(`${form}${smuggling([cookie], 'document.forms[0].submit()')}`);

      const forged = await open(hosts.sibling, `POST ${path}`);

      expect(forged.cookie).toBe(`theme=a,${cookie}`);
      expect(sentBack(forged.answer)).toMatchObject({ error: 'invalid_request' });
      expect(hosts.dynamo.items('LoginAttempts').size).toBe(0);
      const own = await context.newPage();
      await own.goto(`${hosts.origin}${path}?${new URLSearchParams(ours).toString()}`);
      const answered = own.waitForResponse((one) => one.request().method() === 'POST');
      await own.getByRole('button', { name: 'Allow', exact: true }).click({ noWaitAfter: true });
      await answered;
      expect(sentBack(hosts.seen.at(-1)!.answer)).not.toHaveProperty('error');
      expect(hosts.dynamo.items('LoginAttempts').size).toBe(1);
    });

    it('finish no sign-in that another browser began, which that one can finish', async () => {
      const begun = await hosts.start();
      const callback = '/oauth2/callback/northwind';
      const url = `${hosts.origin}${callback}?${new URLSearchParams(hosts.fromPayer(begun.state)).toString()}`;
      hosts.show(smuggling([begun.cookie], `location = ${JSON.stringify(url)}`));

      const forged = await open(hosts.sibling, `GET ${callback}`);

      expect(forged.cookie).toBe(`theme=a,${begun.cookie}`);
      expect(forged.answer.statusCode).toBe(400);
      expect(hosts.payer.requests).toEqual([]);
      const [name = '', value = ''] = begun.cookie.split(/=(.*)/);
      await context.clearCookies();
      await context.addCookies([{ name, value, url: hosts.origin, secure: true }]);
      hosts.seen.length = 0;
      expect((await open(url, `GET ${callback}`)).answer.statusCode).toBe(302);
    });

    it('delete none of the sign-ins that wait', async () => {
      const names = Array.from({ length: 60 }, (_one, at) => `__Host-p2p-login-${at}=a`);
      const start = `${hosts.origin}${path}?${new URLSearchParams({ client_id: 'demo-partner', redirect_uri: 'http://localhost:3002/callback', state: 's' }).toString()}`;
      hosts.show(smuggling(names, `location = ${JSON.stringify(start)}`));

      const { cookie, answer } = await open(hosts.sibling, `GET ${path}`);

      expect(cookie).toContain('__Host-p2p-login-59');
      expect(answer.statusCode).toBe(302);
      expect(cookiesOf(answer).split('; ')).toHaveLength(1);
    });
  });
  afterAll(() => browser.close());
}
