import { redirect } from '../../../../functions/shared/pages/browser-headers.ts';
import { html } from '../../../../functions/shared/pages/html.ts';
import { page } from '../../../../functions/shared/pages/page.ts';
import { browserHeaders, elementOf, hashOf, pageHeaders, view, within } from './page-parts.ts';

const logo = 'data:image/svg+xml,%3Csvg/%3E';

describe('HTML', () => {
  it('escapes every text, and leaves HTML as it is', () => {
    const bold = html`<b>${'<i>'}</b>`;

    expect(html`<p title="${`"'&`}">${bold}${[bold, bold]}</p>`.html).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b><b>&lt;i&gt;</b><b>&lt;i&gt;</b></p>',
    );
  });
});

describe('a page', () => {
  const content = html`<p>Text</p>`;

  it('is never stored, framed or sniffed, sends no referrer, requires https, and runs no script', () => {
    const answer = page(view, { title: 'Title', content });

    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toEqual(pageHeaders(answer));
    expect(within(answer, 'style')).toContain('body{');
    expect(answer.body).not.toContain('<script');
  });

  it('may post its form only to its own target', () => {
    const answer = page(view, { title: 'Title', content, formAction: "'self' https://payer.example" });

    expect(answer.headers).toEqual(pageHeaders(answer, "form-action 'self' https://payer.example"));
  });

  it('runs its script, which may call its own origin, and applies its styles, each by its hash', () => {
    const answer = page(view, { title: 'Title', content, script: 'go()', styles: 'p{color:red}' });

    const policy = answer.headers['Content-Security-Policy'];
    expect(policy).toContain(`script-src ${hashOf('go()')}; connect-src 'self';`);
    expect(policy).toContain(` ${hashOf('p{color:red}')};`);
    expect(answer.body).toContain('<script>go()</script>');
    expect(answer.body).toContain('<style>p{color:red}</style>');
  });

  it('may show an image only if it has one', () => {
    const withLogo = page({ ...view, operator: { name: 'Operator', logo } }, { title: 'Title', content });

    expect(withLogo.headers).toEqual(pageHeaders(withLogo, "img-src data:; form-action 'none'"));
    expect(elementOf(withLogo, 'header')).toBe(`<img src="${logo}" alt="" /><span>Operator</span>`);
    expect(page(view, { title: 'Title', content, images: true }).headers['Content-Security-Policy']).toContain(
      'img-src data:;',
    );
  });

  it('has its title in the window and above the text, escaped', () => {
    const answer = page(view, { title: 'Me & you', content });

    expect(within(answer, 'title')).toBe('Me &amp; you · Operator &amp; Co');
    expect(elementOf(answer, 'main')).toBe('<h1>Me &amp; you</h1><p>Text</p>');
  });

  it('says who runs it, and links to their website, privacy policy and help, as far as they are known', () => {
    const operator = {
      name: 'Operator',
      website: 'https://operator.example/',
      privacyPolicy: 'https://operator.example/privacy',
      support: 'mailto:help@operator.example',
    };
    const footerIn = (language: 'en' | 'es', whose: typeof view.operator): string | undefined =>
      elementOf(page({ ...view, language, operator: whose }, { title: 'Title', content }), 'footer')?.split(
        '<li><a class="link"',
      )[0];

    expect(footerIn('en', view.operator)).toBe('<p>This service is run by Operator &amp; Co.</p><ul>');
    expect(footerIn('en', operator)).toBe(
      '<p>This service is run by <a href="https://operator.example/">Operator</a>.</p>' +
        '<ul><li><a href="https://operator.example/privacy">Our privacy policy</a></li>' +
        '<li><a href="mailto:help@operator.example">Get help</a></li>',
    );
    expect(footerIn('es', operator)).toBe(
      '<p>Este servicio lo ofrece <a href="https://operator.example/">Operator</a>.</p>' +
        '<ul><li><a href="https://operator.example/privacy">Nuestra política de privacidad</a></li>' +
        '<li><a href="mailto:help@operator.example">Obtener ayuda</a></li>',
    );
  });

  it('says its language', () => {
    const answer = page({ ...view, language: 'es' }, { title: 'Título', content });

    expect(answer.body).toContain('<html lang="es">');
    expect(answer.headers['Content-Language']).toBe('es');
  });
});

describe("a page's link to the other language", () => {
  const content = html``;
  const pairs = [
    ['state', '"><script>'],
    ['redirect_uri', 'https://app.example/callback?a=1&b=2'],
    ['state', 'again'],
  ] as const;

  it('repeats the request with all its parameters', () => {
    const footer = elementOf(page({ ...view, pairs }, { title: 'Title', content }), 'footer');

    const href = /<a class="link" href="(\?[^"]*)" lang="es">Español<\/a>/.exec(footer ?? '')?.[1] ?? '';
    expect([...new URLSearchParams(href.replaceAll('&amp;', '&'))]).toEqual([...pairs, ['ui_locales', 'es']]);
  });

  it('is a form after a form, which may lead to the page itself', () => {
    const answer = page({ ...view, language: 'es', method: 'POST', pairs }, { title: 'Title', content });

    const footer = elementOf(answer, 'footer') ?? '';
    expect(footer).not.toContain('href="?');
    expect(footer).toContain('<input type="hidden" name="state" value="&quot;&gt;&lt;script&gt;" />');
    expect(footer.match(/<input /g)).toHaveLength(pairs.length);
    expect(footer).toContain('<button class="link" name="ui_locales" value="en" lang="en">English</button>');
    expect(answer.headers['Content-Security-Policy']).toContain("form-action 'self';");
  });
});

describe('a redirect of a browser', () => {
  it('is a 302 without a body or referrer, and sets no cookie unless given one', () => {
    expect(redirect('https://payer.example/authorize')).toStrictEqual({
      statusCode: 302,
      headers: { Location: 'https://payer.example/authorize', ...browserHeaders() },
      body: '',
    });
  });

  it('sets each cookie with its own header', () => {
    expect(redirect('https://payer.example/', ['a=1', 'b=2']).multiValueHeaders).toEqual({
      'Set-Cookie': ['a=1', 'b=2'],
    });
  });
});
