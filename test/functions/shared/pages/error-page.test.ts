import { errorCodes, GatewayError, type DeadEnd, type ErrorCode } from '../../../../functions/shared/errors.ts';
import { deadEnds } from '../../../../functions/shared/pages/dead-ends.ts';
import { errorPage } from '../../../../functions/shared/pages/error-page.ts';
import { languages } from '../../../../functions/shared/pages/language.ts';
import { elementOf, pageHeaders, view, within } from './page-parts.ts';

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
});
