/** The languages of our pages, by their BCP 47 tags. The first is the default. */
export const languages = ['en', 'es'] as const;

export type Language = (typeof languages)[number];

/** The same words in each language. They stand beside the page that uses them. */
export type InEachLanguage<Words> = Readonly<Record<Language, Words>>;

/** Each language's own name, and the tag whose dates and lists Americans read in it. */
export const languageNames: InEachLanguage<{ readonly name: string; readonly locale: string }> = {
  en: { name: 'English', locale: 'en-US' },
  es: { name: 'Español', locale: 'es-US' },
};

const byTag = (tag: string): Language | undefined => {
  const primary = tag.trim().toLowerCase().split('-')[0];
  return languages.find((language) => language === primary);
};

/** Most tags that are looked at: browsers send a handful. */
const mostTags = 50;

/** The first of OpenID Connect's `ui_locales`, in order of preference, that we have. */
const ofUiLocales = (uiLocales: string): Language | undefined =>
  uiLocales.split(/\s+/, mostTags).map(byTag).find(Boolean);

/** The most wanted of `Accept-Language` (RFC 9110 §12.5.4) that we have. */
const ofAcceptLanguage = (acceptLanguage: string): Language | undefined =>
  acceptLanguage
    .split(',', mostTags)
    .map((range) => {
      const [tag = '', ...rest] = range.split(';');
      const quality = rest.map((parameter) => /^\s*q=([\d.]+)\s*$/i.exec(parameter)?.[1]).find(Boolean);
      return { language: byTag(tag), quality: Number(quality ?? 1) };
    })
    .filter(({ language, quality }) => language !== undefined && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)[0]?.language;

/** The language to answer in. English, if neither the app nor the browser names one that we have. */
export const chooseLanguage = (uiLocales: string | undefined, acceptLanguage: string | undefined): Language =>
  ofUiLocales(uiLocales ?? '') ?? ofAcceptLanguage(acceptLanguage ?? '') ?? languages[0];
