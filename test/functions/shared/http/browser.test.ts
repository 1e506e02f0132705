import { GatewayError } from '../../../../functions/shared/errors.ts';
import { clearCookie, readCookies } from '../../../../functions/shared/http/cookies.ts';
import { errorPage, html } from '../../../../functions/shared/http/page.ts';
import { apiEvent } from '../../../support/gateway.ts';

describe('cookies', () => {
  it('are read from one header or several, the first of a name counts, and what is none is passed over', () => {
    const event = apiEvent('/x', { headers: { Cookie: 'a=1; b=2=3; a=4; none; =5' } });
    const several = apiEvent('/x');
    several.multiValueHeaders['cookie'] = ['a=1', 'b=2'];

    expect(Object.fromEntries(readCookies(event))).toEqual({ a: '1', b: '2=3' });
    expect(Object.fromEntries(readCookies(several))).toEqual({ a: '1', b: '2' });
    expect(readCookies(apiEvent('/x')).size).toBe(0);
  });

  it('are taken back with the same attributes, or a browser would keep them', () => {
    expect(clearCookie('x')).toBe('__Host-x=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0');
  });
});

describe('HTML', () => {
  it('escapes every text, and takes HTML as it is', () => {
    const bold = html`<b>${'<i>'}</b>`;

    expect(html`<p title="${`"'&`}">${bold}${[bold, bold]}</p>`.html).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b><b>&lt;i&gt;</b></p>',
    );
  });
});

describe('an error page', () => {
  it('says the public sentence, keeps the detail, and allows no form', () => {
    const page = errorPage(
      new GatewayError('temporarily_unavailable', 'Try <again>.', {
        status: 503,
        detail: 'private',
        retryAfterSeconds: 7,
      }),
    );

    expect(page.statusCode).toBe(503);
    expect(page.headers['Retry-After']).toBe('7');
    expect(page.headers['Content-Security-Policy']).toContain("form-action 'none'");
    expect(page.body).toContain('Try &lt;again&gt;.');
    expect(page.body).not.toContain('private');
  });
});
