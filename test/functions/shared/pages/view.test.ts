import { chooseLanguage } from '../../../../functions/shared/pages/language.ts';
import { viewOf } from '../../../../functions/shared/pages/view.ts';
import { apiEvent } from '../../../support/gateway.ts';

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
