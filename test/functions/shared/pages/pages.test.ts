import { errorCodes, GatewayError, type DeadEnd, type ErrorCode } from '../../../../functions/shared/errors.ts';
import { redirect } from '../../../../functions/shared/pages/browser-headers.ts';
import { deadEnds } from '../../../../functions/shared/pages/dead-ends.ts';
import { errorPage } from '../../../../functions/shared/pages/error-page.ts';
import { html } from '../../../../functions/shared/pages/html.ts';
import { chooseLanguage, languages } from '../../../../functions/shared/pages/language.ts';
import { page } from '../../../../functions/shared/pages/page.ts';
import { viewOf } from '../../../../functions/shared/pages/view.ts';
import { apiEvent } from '../../../support/gateway.ts';
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

const backTo = { name: 'A & B', homePage: 'https://partner.example/?a=1&b="' };
const allDeadEnds = Object.keys(deadEnds) as readonly DeadEnd[];

describe('an error page', () => {
  it.each<[ErrorCode, string]>([
    ['method_not_allowed', 'This address cannot be used that way'],
    ['not_found', 'There is nothing here'],
    ['temporarily_unavailable', 'Please try again in a moment'],
    ['unauthorized_client', 'This app cannot be used here'],
    ['server_error', 'Something went wrong on our side'],
    ['invalid_request', 'This link does not work'],
  ])('of %s has the title “%s”, the public sentence and the reference, and keeps the detail', (code, title) => {
    const answer = errorPage(
      view,
      new GatewayError(code, 'Try <again>.', { status: 418, detail: 'private' }),
      'ref<1>',
    );

    expect(answer.statusCode).toBe(418);
    expect(within(answer, 'title')).toBe(`${title} · Operator &amp; Co`);
    const main = elementOf(answer, 'main');
    expect(main).toContain(`<h1>${title}</h1>`);
    expect(main).toContain('Reference: ref&lt;1&gt;<br>Please give it when you ask for help.');
    expect(main).toContain('For the app&#39;s developer: <span lang="en">Try &lt;again&gt;.</span>');
    expect(answer.body).not.toContain('private');
    expect(answer.headers).toEqual(pageHeaders(answer));
  });

  it('says what happened and what to do in the language of the member', () => {
    const error = new GatewayError('invalid_request', 'It expired.', { page: 'expired', backTo });
    const answer = errorPage({ ...view, language: 'es' }, error, 'ref-1');

    expect(elementOf(answer, 'main')).toBe(
      '<h1>Este inicio de sesión venció</h1><p>Tardó demasiado, o su enlace ya no es válido.</p>' +
        '<p>No se compartió nada. Regrese a la aplicación y empiece de nuevo.</p>' +
        '<p class="actions"><a class="button" href="https://partner.example/?a=1&amp;b=&quot;">Regresar a A &amp; B</a></p>' +
        '<p><small>Referencia: ref-1<br>Indíquela cuando pida ayuda.</small></p>' +
        '<p><small>Para el desarrollador de la aplicación, en inglés: <span lang="en">It expired.</span></small></p>',
    );
  });

  it('links back to the app where it is registered, and nowhere else', () => {
    const linksOf = (options: { backTo?: typeof backTo; page?: DeadEnd }) =>
      elementOf(errorPage(view, new GatewayError('invalid_request', 'No.', options), 'ref'), 'main')?.match(
        /<a .*?<\/a>/g,
      );

    expect(linksOf({ backTo, page: 'finished' })).toEqual([
      '<a class="button" href="https://partner.example/?a=1&amp;b=&quot;">Go back to A &amp; B</a>',
    ]);
    expect(linksOf({ page: 'finished' })).toBeNull();
  });

  it.each(['temporarily_unavailable', 'server_error'] as const)(
    'of %s lets the member ask again for the same',
    (code) => {
      const pairs = [['state', 'a&b']] as const;
      const mainAfter = (method: 'GET' | 'POST') =>
        elementOf(errorPage({ ...view, method, pairs }, new GatewayError(code, 'Later.'), 'ref'), 'main');

      expect(mainAfter('GET')).toContain('<a class="button" href="">Try again</a>');
      expect(mainAfter('POST')).not.toContain('class="button"');
    },
  );

  it.each(['GET', 'POST'] as const)(
    'repeats nothing of a %s request, so it has no switch of the language then, and says the same in the other',
    (method) => {
      const pairs = [['state', 'a-state']] as const;
      const { body } = errorPage({ ...view, method, pairs }, new GatewayError('server_error', 'Later.'), 'ref');

      expect(body).not.toContain('a-state');
      expect(body).not.toContain('ui_locales');
      const { title, what, next } = deadEnds.ours.es;
      expect(body).toContain(
        `<details lang="es"><summary>Español</summary><p><strong>${title}</strong></p><p>${what}</p><p>${next}</p></details>`,
      );
      expect(errorPage(view, new GatewayError('server_error', 'Later.'), 'ref').body).toContain('?ui_locales=es');
    },
  );

  it('has the error’s headers, and Retry-After if known', () => {
    const options = { status: 503, retryAfterSeconds: 7, headers: { Allow: 'GET, POST' } };
    const answer = errorPage(view, new GatewayError('temporarily_unavailable', 'Later.', options), 'ref<1>');

    expect(answer.headers).toEqual({ ...pageHeaders(answer), Allow: 'GET, POST', 'Retry-After': '7' });
  });

  it.each(errorCodes)('has words for %s', (code) => {
    expect(within(errorPage(view, new GatewayError(code, 'No.'), 'ref'), 'h1')).toMatch(/^[A-Z].{5,}$/);
  });
});

describe('the words of the error pages', () => {
  it.each(allDeadEnds)('of %s are whole sentences in each language, and differ from one to the next', (deadEnd) => {
    const sets = languages.map((language) => deadEnds[deadEnd][language]);
    for (const { title, what, next } of sets) {
      expect(title).toMatch(/^\p{Lu}.*[^.]$/u);
      expect(what).toMatch(/^\p{Lu}.*\.$/u);
      expect(next).toMatch(/^\p{Lu}.*\.$/u);
    }
    expect(new Set(sets.map(({ what }) => what)).size).toBe(languages.length);
  });

  it.each(allDeadEnds)('of %s leaves nothing out for the developer, though the member reads the same', (deadEnd) => {
    const { what } = deadEnds[deadEnd].en;
    const { body } = errorPage(view, new GatewayError('invalid_request', what, { page: deadEnd }), 'ref-1');

    expect(body).toContain(`For the app&#39;s developer: <span lang="en">${what}</span>`);
  });
});

const settings = { operator: { name: 'Operator' } };
const route = '/oauth2/authorize/{payer}';

describe("a page's language", () => {
  it.each<[string, string | undefined, string | undefined, 'en' | 'es']>([
    ['the app’s', 'es', 'en-US,en', 'es'],
    ['the app’s first that we have', 'fr-CA es-MX en', undefined, 'es'],
    ['the browser’s', undefined, 'es-MX,es;q=0.9,en;q=0.8', 'es'],
    ['the browser’s, in other letter case', undefined, 'ES-419', 'es'],
    ['the one that the browser wants most, wherever it stands', undefined, 'en;q=0.3, fr, es;q=0.7', 'es'],
    ['English, which the browser wants most', undefined, 'en-GB,es;q=0.9', 'en'],
    ['none that the browser excludes', undefined, 'es;q=0, en;q=0.1', 'en'],
    ['English, if the browser excludes all that we have', undefined, 'es;q=0', 'en'],
    ['English, if we have none that is asked for', 'fr', 'de,zh-Hans', 'en'],
    ['the browser’s, if we do not have the app’s', 'fr', 'es', 'es'],
    ['English, if nobody says one', undefined, undefined, 'en'],
    ['English, for what is no language', '<script> \'"', '*;q=x,,;', 'en'],
    ['English, for another language that begins alike', 'est', 'esu', 'en'],
  ])('is %s (ui_locales %s, Accept-Language %s): %s', (_, uiLocales, acceptLanguage, language) => {
    expect(chooseLanguage(uiLocales, acceptLanguage)).toBe(language);
  });

  it('is found in a header of any length at once', () => {
    expect(chooseLanguage('x '.repeat(100_000), 'x;q=1;'.repeat(100_000))).toBe('en');
  });
});

describe("a page's view of its request", () => {
  it('has the language and all other parameters of a link, in order', () => {
    const event = apiEvent(route, {
      query: [
        ['a', '1'],
        ['ui_locales', 'es'],
        ['a', '2'],
      ],
    });

    expect(viewOf(settings, event)).toEqual({
      operator: settings.operator,
      language: 'es',
      method: 'GET',
      pairs: [
        ['a', '1'],
        ['a', '2'],
      ],
    });
  });

  it('has those of a form, and leaves out what a member decided in it', () => {
    const form = { a: '1', ui_locales: 'es', decision: 'allow', consent_token: 'token' };

    expect(viewOf(settings, apiEvent(route, { method: 'POST', form }))).toMatchObject({
      language: 'es',
      method: 'POST',
      pairs: [['a', '1']],
    });
  });

  it('has no parameters of a form that cannot be read', () => {
    const event = apiEvent(route, {
      method: 'POST',
      form: '{}',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': 'es' },
    });

    expect(viewOf(settings, event)).toMatchObject({ language: 'es', method: 'POST', pairs: [] });
  });
});
