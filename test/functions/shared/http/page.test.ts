import { createHash } from 'node:crypto';
import { GatewayError, type ErrorCode } from '../../../../functions/shared/errors.ts';
import type { ApiResponse } from '../../../../functions/shared/http/api.ts';
import { errorPage, html, page, redirect } from '../../../../functions/shared/http/page.ts';

/** The content of an element of a page. */
const within = ({ body }: ApiResponse, tag: string): string | undefined =>
  new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(typeof body === 'string' ? body : '')?.[1];
/** The same as a person reads it, without the white space between elements. */
const mainOf = (answer: ApiResponse): string | undefined => within(answer, 'main')?.replaceAll(/>\s+</g, '><').trim();

const browserHeaders = (answer: ApiResponse, formAction = "'none'") => ({
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256')
    .update(within(answer, 'style') ?? '')
    .digest('base64')}'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
});

describe('HTML', () => {
  it('escapes every text, and leaves HTML as it is', () => {
    const bold = html`<b>${'<i>'}</b>`;

    expect(html`<p title="${`"'&`}">${bold}${[bold, bold]}</p>`.html).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b><b>&lt;i&gt;</b></p>',
    );
  });
});

describe('a page', () => {
  it('is never stored, framed or sniffed, sends no referrer, requires https, and runs no script', () => {
    const answer = page(200, 'Title', html`<p>Text</p>`);

    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toEqual({ 'Content-Type': 'text/html; charset=utf-8', ...browserHeaders(answer) });
    expect(within(answer, 'style')).toContain('body{');
  });

  it('may post its form only to its own target', () => {
    const answer = page(200, 'Title', html``, "'self' https://payer.example");

    expect(answer.headers).toMatchObject(browserHeaders(answer, "'self' https://payer.example"));
  });

  it('has its title in the window and above the text, escaped', () => {
    const answer = page(200, 'Me & you', html`<p>Text</p>`);

    expect(within(answer, 'title')).toBe('Me &amp; you');
    expect(mainOf(answer)).toBe('<h1>Me &amp; you</h1><p>Text</p>');
  });
});

describe('an error page', () => {
  const quoted = '<p><small>Reference: ref&lt;1&gt;</small></p>';

  it.each<[ErrorCode, string]>([
    ['method_not_allowed', 'This address cannot be used that way'],
    ['temporarily_unavailable', 'Please try again in a moment'],
    ['server_error', 'Something went wrong on our side'],
    ['invalid_request', 'This link does not work'],
  ])('of %s says “%s”, the public sentence and the reference, keeps the detail, and links nowhere', (code, title) => {
    const answer = errorPage(new GatewayError(code, 'Try <again>.', { status: 418, detail: 'private' }), 'ref<1>');

    expect(answer.statusCode).toBe(418);
    expect(within(answer, 'title')).toBe(title);
    expect(mainOf(answer)).toBe(`<h1>${title}</h1><p>Try &lt;again&gt;.</p>${quoted}`);
    expect(answer.headers).toEqual({ 'Content-Type': 'text/html; charset=utf-8', ...browserHeaders(answer) });
  });

  it('of a finished sign-in links back to the partner, escaped', () => {
    const link = { href: 'https://partner.example/?a=1&b="', text: 'Go back to A & B' };
    const answer = errorPage(new GatewayError('invalid_request', 'Start again.', { link }), 'ref<1>');

    expect(mainOf(answer)).toBe(
      '<h1>This sign-in is finished</h1><p>Start again.</p>' +
        '<p><a href="https://partner.example/?a=1&amp;b=&quot;">Go back to A &amp; B</a></p>' +
        quoted,
    );
  });

  it('has the error’s headers, and Retry-After if known', () => {
    const options = { status: 503, retryAfterSeconds: 7, headers: { Allow: 'GET, POST' } };
    const answer = errorPage(new GatewayError('temporarily_unavailable', 'Later.', options), 'ref<1>');

    expect(answer.headers).toEqual({
      'Content-Type': 'text/html; charset=utf-8',
      ...browserHeaders(answer),
      Allow: 'GET, POST',
      'Retry-After': '7',
    });
  });
});

describe('a redirect of a browser', () => {
  it('is a 302 without a body or referrer, and sets no cookie unless given one', () => {
    const answer = redirect('https://payer.example/authorize');

    expect(answer).toStrictEqual({
      statusCode: 302,
      headers: {
        Location: 'https://payer.example/authorize',
        ...browserHeaders(answer),
        'Content-Security-Policy': expect.stringContaining("form-action 'none'") as string,
      },
      body: '',
    });
  });

  it('sets each cookie with its own header', () => {
    expect(redirect('https://payer.example/', ['a=1', 'b=2']).multiValueHeaders).toEqual({
      'Set-Cookie': ['a=1', 'b=2'],
    });
  });
});
